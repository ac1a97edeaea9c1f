import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDuckdbWarehouse, type DuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import { MATURITY_GRACE_MS, READY_LIMIT_DEFAULT_MS } from '#shared/defaults.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Example } from '#shared/learning/example.ts';
import { dataSha256, exampleOf } from '#shared/learning/examples.ts';
import { matured } from '#shared/learning/matured.ts';
import { readTrainingSet, readWindow, trainingWindow } from '#shared/learning/training-set.ts';
import { testCases } from '#test/support/cases.ts';
import { maturedMs, outcomeRowOf, recordedOutcomes } from '#test/support/record.ts';

const HOUR_MS = 3_600_000;
const OUTCOMES = recordedOutcomes(600);
const ALL_KNOWN = maturedMs(600);

describe('a frozen training set', () => {
  let directory: string;
  let warehouse: DuckdbWarehouse;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aurora-training-'));
    warehouse = await createDuckdbWarehouse({ file: join(directory, 'warehouse.duckdb') });
  });
  afterEach(async () => {
    await warehouse.close();
    await rm(directory, { recursive: true });
  });
  const record = (outcomes: readonly Outcome[], atMs: number): Promise<void> =>
    warehouse.append(
      'routing_outcomes',
      outcomes.map((outcome) => outcomeRowOf(outcome, atMs)),
    );
  const read = (atMs: number): Promise<readonly Example[]> => readTrainingSet(warehouse, rfc3339(atMs));

  test('is the examples of the record, in order of their decisions, through the engine and back', async () => {
    await record([...OUTCOMES].reverse(), ALL_KNOWN);
    expect(await read(ALL_KNOWN)).toEqual(OUTCOMES.map((outcome) => exampleOf(outcome)));
  });

  test('stays the same whatever arrives later: new rows, duplicates, late versions of old rows', async () => {
    await record(OUTCOMES.slice(0, 400), ALL_KNOWN);
    const before = await read(ALL_KNOWN);
    await record(OUTCOMES, ALL_KNOWN + 1);
    await record(
      OUTCOMES.slice(0, 50).map((outcome) => ({ ...outcome, cost_usd: 99 })),
      ALL_KNOWN + 2,
    );
    const after = await read(ALL_KNOWN);
    expect(await dataSha256(after)).toBe(await dataSha256(before));
    expect(await read(ALL_KNOWN + 2)).toHaveLength(600);
  });

  test.each([
    { limit: 5, from: '2026-01-26' },
    { limit: 30, from: '2026-01-25' },
    { limit: 600, from: '2026-01-01' },
    { limit: 601, from: '2026-01-01' },
  ])('the newest $limit are looked for from $from on, and are the same as among all', async ({ limit, from }) => {
    // An attempt an hour: 25 days.
    const hourly = OUTCOMES.map((outcome, index) => ({
      ...outcome,
      decided_at: rfc3339(Date.parse(outcome.decided_at) + index * HOUR_MS),
      observed_at: rfc3339(Date.parse(outcome.observed_at) + index * HOUR_MS),
    }));
    const end = ALL_KNOWN + 600 * HOUR_MS;
    await record(hourly, end);
    const window = await trainingWindow(warehouse, rfc3339(end), limit);
    const since = `${from}T00:00:00.000Z`;
    expect(window).toEqual({ watermark: rfc3339(end), since, limit, rows: Math.min(limit, 600) });
    const all = await readWindow(warehouse, { ...window, since: rfc3339(0) });
    expect(all).toHaveLength(Math.min(limit, 600));
    expect(await readWindow(warehouse, window)).toEqual(all);
  });

  test('holds final, scored, uncensored attempts only', async () => {
    const [first, second, third, fourth, fifth] = OUTCOMES as [Outcome, Outcome, Outcome, Outcome, Outcome];
    await record(
      [
        { ...first, sequence: 0, status: 'ready', final: false },
        { ...second, features: null },
        { ...third, blame: 'tenant', status: 'failed' },
        {
          ...fourth,
          features: { ...(fourth.features ?? { numeric: [], categorical: [] }), set: 'router-0', hash: 'x' },
        },
        fifth,
      ],
      ALL_KNOWN,
    );
    expect((await read(ALL_KNOWN)).map(({ decision_id: id }) => id)).toEqual([fifth.decision_id]);
  });

  test('selects nothing by its outcome: as of an instant it is every decision old enough, failed or not', async () => {
    // What was known at that instant: the failures of the last hour, its successes not yet.
    const atMs = maturedMs(140);
    const known = OUTCOMES.filter(({ observed_at: at }) => Date.parse(at) <= atMs);
    await record(known, atMs);
    const then = await read(atMs);
    const youngest = Math.max(...then.map(({ decided_at: at }) => at));
    const everyDecision = OUTCOMES.filter(({ decided_at: at }) => Date.parse(at) <= youngest);
    expect(then.map(({ decision_id: id }) => id)).toEqual(everyDecision.map(({ decision_id: id }) => id));
    expect(then.length).toBeGreaterThan(300);
    // Of the last hour, whatever is known would have shown far more failures than there are.
    const tooYoung = known.filter(({ decided_at: at }) => Date.parse(at) > atMs - HOUR_MS);
    const failed = (of: readonly Outcome[]): number =>
      of.filter(({ status }) => status !== 'completed').length / of.length;
    expect(failed(tooYoung)).toBeGreaterThan(2 * failed(OUTCOMES));
  });
});

describe('maturity', () => {
  const sample = exampleOf(OUTCOMES[0] as Outcome) as Example;

  test('depends on when it was decided and for how long it was planned, on nothing that happened', () => {
    const happened = fc.record({
      started: fc.constantFrom<0 | 1>(0, 1),
      interrupted: fc.constantFrom<0 | 1 | null>(0, 1, null),
      observed_at: fc.integer(),
      exposure_hours: fc.option(fc.double()),
      utility: fc.double(),
      propensity: fc.option(fc.double()),
    });
    const planned = fc.record({
      decided_at: fc.nat({ max: 1e12 }),
      run_hours: fc.double({ min: 0.01, max: 1e4, noNaN: true }),
    });
    fc.assert(
      fc.property(planned, happened, happened, fc.nat({ max: 1e12 }), (plan, one, other, asOf) => {
        const kept = (changes: Partial<Example>): number => matured([{ ...sample, ...plan, ...changes }], asOf).length;
        expect(kept(one)).toBe(kept(other));
      }),
      { numRuns: testCases },
    );
  });

  test('comes when the longest run, a slow start and the report of it have had their time', () => {
    const at = sample.decided_at + sample.run_hours * HOUR_MS + READY_LIMIT_DEFAULT_MS + MATURITY_GRACE_MS;
    expect(matured([sample], at)).toEqual([sample]);
    expect(matured([sample], at - 1)).toEqual([]);
  });
});
