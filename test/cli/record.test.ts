import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replayedEvents } from '#cli/replay/events.ts';
import { recordedMarket } from '#cli/replay/offers.ts';
import {
  RECORD_COLUMNS,
  type ReadLine,
  readMetrics,
  readProviders,
  readRecord,
  readTenants,
} from '#cli/replay/record.ts';
import { EVENTS } from '#shared/domain/events/catalogue.ts';
import { decodeEvent, encodeEvent } from '#shared/domain/events/codec.ts';
import { RejectedError } from '#shared/errors.ts';
import { testCases } from '#test/support/cases.ts';
import { anyText } from '#test/support/text.ts';
import { SAMPLE_CSV, SAMPLE_WORDS, temporary } from './run.ts';

const START_MS = Date.UTC(2026, 0, 1);
const [, , , providersPath = '', , tenantsPath = '', , metricsPath = ''] = SAMPLE_WORDS;

async function linesOf(path: string): Promise<ReadLine[]> {
  const lines: ReadLine[] = [];
  for await (const line of readRecord(path)) lines.push(line);
  return lines;
}

describe('the record', () => {
  it('counts how often the very same line came before, so that each is a decision of its own', async () => {
    const lines = await linesOf(SAMPLE_CSV);
    expect(lines.every(({ ok }) => ok)).toBe(true);
    const rows = lines.flatMap((line) => (line.ok ? [line.value] : []));
    expect(rows.map(({ line }) => line)).toEqual(rows.map((_, index) => index + 2));
    expect(rows.filter(({ occurrence }) => occurrence > 0)).toHaveLength(3);
    const context = { startMs: START_MS, tenants: new Map(), offersAt: () => [] };
    const ids = rows.map((row) => replayedEvents(row, context).decision.decision_id);
    expect(new Set(ids).size).toBe(rows.length);
  });

  it.each(['0,"lab"x,', '0,a"b",', '0,"lab,'])(
    'says what is wrong with the quotes of %s, and one line number',
    async (start) => {
      const path = join(await temporary(), 'quotes.csv');
      await writeFile(path, `${RECORD_COLUMNS.join(',')}\n\n${start}llm_training,H100,1,ionet,1,3.3,310.0,ok\n`);
      const [found, ...others] = await linesOf(path);
      expect({ found, others }).toMatchObject({ found: { ok: false, line: 3 }, others: [] });
      expect(found?.ok === false && found.message).toMatch(/quote(?!.*line \d)/i);
    },
  );

  it('knows who could have been chosen: no offer where a provider sells none or is away', async () => {
    const market = recordedMarket(await readProviders(providersPath), await readMetrics(metricsPath));
    const sellers = (step: number) =>
      market(step, START_MS)
        .filter((offer) => offer.gpu_type === 'a100' && offer.active)
        .map(({ provider, usd_per_gpu_hour }) => `${provider} ${usd_per_gpu_hour}`);
    expect(sellers(0)).toEqual(['akash 1.7', 'ionet 2.1']);
    expect(sellers(7)).toEqual(['ionet 2.1']);
    expect(sellers(9)).toEqual(['akash 1.7', 'ionet 2.4']);
    // Past the metrics the catalogue holds, which does not say that "idle" sells none.
    expect(sellers(99)).toEqual(['akash 1.7', 'ionet 2.1', 'idle 1.1']);
    expect((await readTenants(tenantsPath)).map(({ id }) => id)).toEqual(['lab', 'studio']);
  });

  it('reads the same lines with LF, CRLF, a byte order mark, blank lines and no end of line', async () => {
    const path = join(await temporary(), 'record.csv');
    const text = await readFile(SAMPLE_CSV, 'utf8');
    const expected = (await linesOf(SAMPLE_CSV)).map((line) => line.ok && line.value.row);
    for (const variant of [
      text.replaceAll('\r\n', '\n'),
      `\ufeff${text}`,
      text.trimEnd(),
      text.replaceAll('\r\n', '\r\n\r\n'),
    ]) {
      await writeFile(path, variant);
      expect((await linesOf(path)).map((line) => line.ok && line.value.row)).toEqual(expected);
    }
  });

  it('any bytes give rows, bad lines by number, or a coded refusal; every row becomes valid events', {
    timeout: 120_000,
  }, async () => {
    const path = join(await temporary(), 'record.csv');
    const sample = (await readFile(SAMPLE_CSV)).subarray(0, 700);
    const context = {
      startMs: START_MS,
      tenants: new Map(),
      offersAt: recordedMarket(await readProviders(providersPath), []),
    };
    const edit = fc.record({
      at: fc.nat(sample.length),
      remove: fc.nat(40),
      insert: fc.oneof(
        fc.uint8Array({ maxLength: 8 }),
        fc
          .constantFrom('"', ',', '\r', '\n', '""', '1e308', '-0', '__proto__', '\u0000', '\u2028', '9999999')
          .map((text) => Buffer.from(text)),
      ),
    });
    const mutated = fc
      .array(edit, { maxLength: 6 })
      .map((edits) =>
        edits.reduce<Buffer>(
          (bytes, { at, remove, insert }) =>
            Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]),
          sample,
        ),
      );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof({ weight: 4, arbitrary: mutated }, fc.uint8Array({ maxLength: 400 })),
        async (bytes) => {
          await writeFile(path, bytes);
          let last = 1;
          try {
            for await (const found of readRecord(path)) {
              const line = found.ok ? found.value.line : found.line;
              expect(line).toBeGreaterThan(last);
              last = line;
              if (!found.ok) expect(found.message).not.toBe('');
              else expectValid(replayedEvents(found.value, context));
            }
          } catch (error) {
            if (!(error instanceof RejectedError)) throw error;
            expect(error.code).toBe('csv_invalid');
          }
        },
      ),
      { numRuns: testCases / 5 },
    );
  });

  it('any JSON as providers or tenants is read or refused with a code', { timeout: 120_000 }, async () => {
    const path = join(await temporary(), 'file.json');
    const near = fc.record(
      {
        id: fc.oneof(fc.string(), fc.constant('akash'), fc.integer()),
        gpu_types: fc.oneof(fc.array(fc.constantFrom('A100', 'H100', '')), fc.jsonValue()),
        base_price_usd_per_hour: fc.oneof(fc.dictionary(fc.string(), fc.double()), fc.jsonValue()),
        base_latency_ms: fc.double(),
        capacity_gpu_hours_per_step: fc.double(),
        reputation: fc.double({ min: -1, max: 101 }),
        region: fc.string(),
        weights: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    const document = fc.oneof(
      anyText(),
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc.array(near).map((all) => JSON.stringify({ providers: all, tenants: all })),
    );
    await fc.assert(
      fc.asyncProperty(document, async (text) => {
        await writeFile(path, text);
        for (const read of [readProviders, readTenants]) {
          try {
            expect(Array.isArray(await read(path))).toBe(true);
          } catch (error) {
            if (!(error instanceof RejectedError)) throw error;
            expect(error.code).toBe('file_invalid');
            expect(error.message.startsWith(`${path}: `)).toBe(true);
          }
        }
      }),
      { numRuns: testCases / 5 },
    );
  });
});

/** As the bus would carry them: the doors take what a replay sends. */
function expectValid({ decision, outcome }: ReturnType<typeof replayedEvents>): void {
  const messages = [
    encodeEvent(EVENTS['routing-decision'], decision),
    ...(outcome === null ? [] : [encodeEvent(EVENTS['routing-outcome'], outcome)]),
  ];
  for (const { data, attributes } of messages) expect(decodeEvent(data, attributes)).toMatchObject({ ok: true });
}
