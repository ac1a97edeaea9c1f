import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { TableName } from '#shared/domain/tables.ts';
import { AuroraError } from '#shared/errors.ts';
import type { Row, Warehouse } from '#shared/ports/warehouse.ts';
import { decisionById, outcomesByDecision } from '#shared/queries/decisions.ts';
import { decisionIds, outcomeIds } from '#shared/queries/event-ids.ts';
import { defineQuery, EVERY_DAY } from '#shared/queries/fragments.ts';
import { loopCounts } from '#shared/queries/loop-counts.ts';
import { rejectedById, rejectedList } from '#shared/queries/rejected.ts';
import { trainingExamples } from '#shared/queries/training.ts';
import { testCases } from '#test/support/cases.ts';
import { anyText } from '#test/support/text.ts';
import { decisionPayload, NOON, outcomePayload, rejectedPayload, rowOf } from './warehouse-rows.ts';

/** One empty warehouse. `open` gives a client of it (close the one before); `dispose` removes it. */
export interface WarehouseFixture {
  open(): Promise<Warehouse>;
  dispose(): Promise<void>;
}

/** The code and message of the coded error that `operation` fails with; any other end of it fails the test. */
export async function failureOf(operation: Promise<unknown>): Promise<{ code: string; message: string }> {
  const outcome = await operation.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome && outcome.error instanceof AuroraError)
    return { code: outcome.error.code, message: outcome.error.message };
  throw new Error('expected a coded error', { cause: outcome });
}

/** Reads a stream that has begun to its end. */
export async function drain(stream: AsyncIterator<unknown>): Promise<void> {
  while ((await stream.next()).done !== true);
}

const decisionRow = (id: string, given = {}, at = NOON): Row =>
  rowOf('routing-decision', decisionPayload(id, given), at);
const outcomeRow = (id: string, given = {}, at = NOON): Row => rowOf('routing-outcome', outcomePayload(id, given), at);

/**
 * What every warehouse must do; each adapter's test is one call of this.
 * @param dropsCopies rows of one event may be dropped before they are in the table, if the first stays
 */
export function warehouseContract(
  name: string,
  make: () => Promise<WarehouseFixture>,
  { dropsCopies = false }: { readonly dropsCopies?: boolean } = {},
): void {
  describe(`warehouse contract: ${name}`, () => {
    let fixture: WarehouseFixture;
    let warehouse: Warehouse;
    beforeEach(async () => {
      fixture = await make();
      warehouse = await fixture.open();
    });
    afterEach(async () => {
      await warehouse.close();
      await fixture.dispose();
    });

    const counts = async () => (await warehouse.query(loopCounts, {}))[0];
    const decisionCopies = async () =>
      Object.fromEntries((await warehouse.query(decisionIds, {})).map((row) => [row.decision_id, row.copies]));
    /** So many rows, of which so many are the first of their event. */
    const rows = (accepted: number, distinct: number): unknown =>
      dropsCopies ? expect.toSatisfy((found: number) => found >= distinct && found <= accepted) : accepted;

    test('answers rows as they were appended: text, numbers, booleans, instants, JSON, NULL', async () => {
      const decision = decisionPayload('d1', { excluded_total: 3, score_ms: 0.125 });
      const outcome = outcomePayload('d1', { latency_ms: null, blame: 'network', features: null });
      await warehouse.append('routing_decisions', [rowOf('routing-decision', decision)]);
      await warehouse.append('routing_outcomes', [rowOf('routing-outcome', outcome)]);

      const [found] = await warehouse.query(decisionById, { decision_id: 'd1' });
      expect({
        ...found,
        request: JSON.parse(found?.request ?? ''),
        candidates: JSON.parse(found?.candidates ?? ''),
        excluded: JSON.parse(found?.excluded ?? ''),
        policy: JSON.parse(found?.policy ?? ''),
      }).toEqual(decision);
      const [became] = await warehouse.query(outcomesByDecision, { decision_id: 'd1' });
      expect({ ...became, request: JSON.parse(became?.request ?? '') }).toEqual(outcome);
    });

    test('keeps what was appended when it is opened again', async () => {
      await warehouse.append('routing_decisions', [decisionRow('d1'), decisionRow('d2')]);
      await warehouse.close();
      warehouse = await fixture.open();
      expect(await decisionCopies()).toEqual({ d1: 1, d2: 1 });
    });

    test('an append of no rows is none', async () => {
      await warehouse.append('routing_decisions', []);
      expect(await counts()).toMatchObject({ decisions_accepted: 0, rejected: 0 });
    });

    test('counts a repeated event once; a late duplicate changes nothing', async () => {
      await warehouse.append('routing_decisions', [decisionRow('d1', { final_provider: 'first' })]);
      await warehouse.append('routing_decisions', [decisionRow('d1', { final_provider: 'late' }, NOON + 60_000)]);
      expect(await counts()).toMatchObject({ decisions_accepted: rows(2, 1), decisions_distinct: 1 });
      expect(await decisionCopies()).toEqual({ d1: rows(2, 1) });
      expect(await warehouse.query(decisionById, { decision_id: 'd1' })).toMatchObject([{ final_provider: 'first' }]);
    });

    test('the stamp of arrival decides, not the order of writing', async () => {
      await warehouse.append('routing_decisions', [decisionRow('d1', { final_provider: 'late' }, NOON + 60_000)]);
      await warehouse.append('routing_decisions', [decisionRow('d1', { final_provider: 'first' })]);
      expect(await warehouse.query(decisionById, { decision_id: 'd1' })).toMatchObject([{ final_provider: 'first' }]);
    });

    test('duplicates with the same stamp, in one batch or two, count once and always answer the same', async () => {
      await warehouse.append('routing_outcomes', [
        outcomeRow('d1', { cost_usd: 1 }),
        outcomeRow('d1', { cost_usd: 2 }),
        outcomeRow('d2'),
      ]);
      const before = await warehouse.query(outcomesByDecision, { decision_id: 'd1' });
      await warehouse.append('routing_outcomes', [outcomeRow('d2'), outcomeRow('d3')]);
      expect(await counts()).toMatchObject({
        outcomes_accepted: rows(5, 3),
        outcomes_distinct: 3,
        final_distinct: 3,
      });
      expect(await warehouse.query(outcomesByDecision, { decision_id: 'd1' })).toEqual(before);
    });

    test.each<[string, Record<string, unknown>, RegExp]>([
      ['an unknown column', { surprise: 1 }, /there is no column "surprise"/],
      ['NULL where none may be', { decision_id: null }, /column decision_id must not be NULL/],
      ['a missing value', { decision_id: undefined }, /column decision_id must not be NULL/],
      ['text for a number', { propensity: '0.5' }, /column propensity: expected FLOAT64, got "0.5"/],
      ['no number', { propensity: Number.NaN }, /column propensity: expected FLOAT64/],
      ['an infinite number', { propensity: Number.POSITIVE_INFINITY }, /column propensity: expected FLOAT64/],
      ['a fraction for an integer', { excluded_total: 1.5 }, /column excluded_total: expected INT64, got 1.5/],
      ['an integer past 2^53', { excluded_total: 2 ** 53 }, /column excluded_total: expected INT64/],
      ['a number for text', { mode: 7 }, /column mode: expected STRING, got 7/],
      ['no instant', { decided_at: 'yesterday' }, /column decided_at: expected TIMESTAMP, got "yesterday"/],
      ['an instant without its zone', { decided_at: '2026-03-01T12:00:00' }, /column decided_at: expected TIMESTAMP/],
      ['no such day', { event_date: '2026-13-01' }, /column event_date: expected DATE, got "2026-13-01"/],
      ['malformed JSON', { request: '{"a":' }, /column request: expected JSON/],
    ])('refuses %s, and with it the whole batch', async (_, damage, message) => {
      const bad = { ...decisionRow('bad'), ...damage } as Row;
      const failure = await failureOf(
        warehouse.append('routing_decisions', [decisionRow('d1'), bad, decisionRow('d2')]),
      );
      expect(failure.code).toBe('row_invalid');
      expect(failure.message).toMatch(message);
      expect(failure.message).toMatch(/routing_decisions row 1/);
      await warehouse.append('routing_decisions', [decisionRow('d3')]);
      expect(await decisionCopies()).toEqual({ d3: 1 });
    });

    test('refuses an unknown table', async () => {
      const failure = await failureOf(warehouse.append('no_such_table' as TableName, [decisionRow('d1')]));
      expect(failure).toMatchObject({ code: 'row_invalid', message: expect.stringContaining('"no_such_table"') });
    });

    test('an instant with an offset is stored as that instant, at whole milliseconds', async () => {
      const row = { ...decisionRow('d1'), decided_at: '2026-03-01T13:00:00.123456+02:00' };
      await warehouse.append('routing_decisions', [row]);
      expect(await warehouse.query(decisionById, { decision_id: 'd1' })).toMatchObject([
        { decided_at: '2026-03-01T11:00:00.123Z' },
      ]);
    });

    test.each(['2026-03-01T12:00:00.000Z', '2026-03-01T21:00:00.000+09:00'])(
      'a parameter %s is that instant, wherever the machine stands',
      async (watermark) => {
        await warehouse.append('routing_outcomes', [outcomeRow('in', {}, NOON), outcomeRow('out', {}, NOON + 1)]);
        const rows = await warehouse.query(trainingExamples, {
          watermark,
          since: '2026-01-01T00:00:00.000Z',
          limit: 10,
        });
        expect(rows.map((row) => row.decision_id)).toEqual(['in']);
      },
    );

    test('quotes in values and parameters are text, never SQL', async () => {
      const nasty = `'; DROP TABLE routing_decisions; -- "\\ $limit @limit`;
      await warehouse.append('routing_decisions', [decisionRow(nasty)]);
      expect(await warehouse.query(decisionById, { decision_id: nasty })).toHaveLength(1);
      expect(await warehouse.query(decisionById, { decision_id: `x' OR '1'='1` })).toEqual([]);
      expect(await warehouse.query(rejectedList, { limit: 1, code: `' OR true --` })).toEqual([]);
      expect(await counts()).toMatchObject({ decisions_accepted: 1 });
    });

    test('keeps any text and any JSON; half a surrogate pair becomes U+FFFD', async () => {
      const text = anyText({ maxLength: 40 });
      const attributes = fc.dictionary(text, text, { maxKeys: 4 });
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(text, attributes), { minLength: 1, maxLength: 50 }), async (cases) => {
          const rows = cases.map(([reason, given], index): Row => {
            const row = rowOf('event-rejected', rejectedPayload(`${index}`));
            return { ...row, event_id: `${index}`, reason, attributes: JSON.stringify(given) };
          });
          const own = await make();
          const store = await own.open();
          try {
            await store.append('rejected_events', rows);
            for (const [index, [reason, given]] of cases.entries()) {
              const [found] = await store.query(rejectedById, { event_id: `${index}` });
              expect(found?.reason).toBe(reason.toWellFormed());
              expect(JSON.parse(found?.attributes ?? '')).toEqual(JSON.parse(JSON.stringify(given)));
            }
          } finally {
            await store.close();
            await own.dispose();
          }
        }),
        // A store each, and a query for each of its rows.
        { numRuns: Math.ceil(testCases / 250) },
      );
      const row = rowOf(
        'event-rejected',
        rejectedPayload('lone', { reason: 'r\ud800', attributes: { 'k\udc00': 'v\ud800' } }),
      );
      await warehouse.append('rejected_events', [row]);
      const [found] = await warehouse.query(rejectedById, { event_id: String(row['event_id']) });
      expect(found).toMatchObject({ reason: 'r\ufffd', attributes: '{"k\ufffd":"v\ufffd"}' });
    });

    test('keeps JSON of the largest event', async () => {
      const attributes = { long: '\u00e9\n"'.repeat(16_384) };
      const row = rowOf('event-rejected', rejectedPayload('x'.repeat(90_000), { attributes }));
      await warehouse.append('rejected_events', [row]);
      const [found] = await warehouse.query(rejectedById, { event_id: String(row['event_id']) });
      expect(JSON.parse(found?.attributes ?? '')).toEqual(attributes);
      expect(found?.raw_base64).toHaveLength(120_000);
    });

    test('a whole number is answered as it is, and past 2^53 refused, not rounded', async () => {
      const whole = (text: string) =>
        defineQuery({
          name: 'whole',
          params: z.strictObject({}),
          row: z.object({ n: z.number() }),
          sql: (dialect) =>
            `SELECT CAST('${text}' AS INT64) AS n FROM ${dialect.table('routing_decisions')} WHERE ${EVERY_DAY}`,
        });
      await warehouse.append('routing_decisions', [decisionRow('d1')]);
      expect(await warehouse.query(whole('9007199254740991'), {})).toEqual([{ n: Number.MAX_SAFE_INTEGER }]);
      const past = whole('-9007199254740993');
      const streamed = () => drain(warehouse.stream(past, {})[Symbol.asyncIterator]());
      for (const ask of [() => warehouse.query(past, {}), streamed])
        expect(await failureOf(ask())).toEqual({
          code: 'query_invalid',
          message: expect.stringContaining('answers -9007199254740993, past 2^53'),
        });
    });

    test('appends that overlap all arrive', async () => {
      await Promise.all(
        Array.from({ length: 20 }, (_, batch) =>
          batch % 2 === 0
            ? warehouse.append('routing_decisions', [decisionRow(`d${batch}`), decisionRow(`e${batch}`)])
            : warehouse.append('routing_outcomes', [outcomeRow(`d${batch}`)]),
        ),
      );
      expect(await counts()).toMatchObject({ decisions_distinct: 20, outcomes_distinct: 10 });
    });

    test('streams in batches, in the order of the query, and lets go when the reader stops', async () => {
      const rows = Array.from({ length: 5_000 }, (_, index) => outcomeRow(`d${String(index).padStart(4, '0')}`));
      await warehouse.append('routing_outcomes', rows.toReversed());
      const streamed: string[] = [];
      let batches = 0;
      for await (const batch of warehouse.stream(trainingExamples, {
        watermark: '2027-01-01T00:00:00.000Z',
        since: '2026-01-01T00:00:00.000Z',
        limit: 4_999,
      })) {
        batches += 1;
        streamed.push(...batch.map((row) => row.decision_id));
      }
      expect(batches).toBeGreaterThan(1);
      expect(streamed).toEqual(rows.slice(1).map((row) => row['decision_id']));

      for await (const batch of warehouse.stream(outcomeIds, {})) {
        expect(batch.length).toBeGreaterThan(0);
        break;
      }
      await warehouse.append('routing_outcomes', [outcomeRow('after')]);
      expect(await counts()).toMatchObject({ outcomes_accepted: 5_001 });
    });

    test('a stream sees the rows of the moment it began', async () => {
      await warehouse.append(
        'routing_decisions',
        Array.from({ length: 3_000 }, (_, index) => decisionRow(`d${index}`)),
      );
      let seen = 0;
      for await (const batch of warehouse.stream(decisionIds, {})) {
        if (seen === 0) await warehouse.append('routing_decisions', [decisionRow('late')]);
        seen += batch.length;
      }
      expect(seen).toBe(3_000);
      expect(await counts()).toMatchObject({ decisions_accepted: 3_001 });
    });

    test.each<[string, unknown, RegExp]>([
      ['a missing parameter', {}, /limit/],
      ['one of the wrong type', { limit: 'ten', code: null }, /limit/],
      ['one out of range', { limit: 0, code: null }, /limit/],
      ['one too many', { limit: 1, code: null, other: 1 }, /other/],
    ])('refuses %s', async (_, params, message) => {
      const failure = await failureOf(warehouse.query(rejectedList, params as { limit: number; code: string | null }));
      expect(failure.code).toBe('query_invalid');
      expect(failure.message).toMatch(message);
    });

    test('a closed warehouse says so; closing twice is closing', async () => {
      await warehouse.append(
        'routing_decisions',
        Array.from({ length: 3_000 }, (_, index) => decisionRow(`d${index}`)),
      );
      const stream = warehouse.stream(decisionIds, {})[Symbol.asyncIterator]();
      await stream.next();
      const running = warehouse.append('routing_decisions', [decisionRow('last')]);
      await Promise.all([warehouse.close(), warehouse.close()]);
      await running;
      for (const late of [
        warehouse.append('routing_decisions', [decisionRow('d')]),
        warehouse.query(loopCounts, {}),
        drain(stream),
      ])
        expect(await failureOf(late)).toMatchObject({ code: 'warehouse_unavailable' });
      warehouse = await fixture.open();
      expect(await counts()).toMatchObject({ decisions_accepted: 3_001 });
    });
  });
}
