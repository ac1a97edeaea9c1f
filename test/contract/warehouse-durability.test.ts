import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createDuckdbWarehouse, type DuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import { openFailure, queryFailure, writeFailure } from '#shared/adapters/warehouse/failures.ts';
import { decisionIds, outcomeIds } from '#shared/queries/event-ids.ts';
import { defineQuery } from '#shared/queries/fragments.ts';
import { loopCounts } from '#shared/queries/loop-counts.ts';
import { startChild } from '#test/support/child.ts';
import { EVENT_SAMPLES } from '#test/support/events.ts';
import { drain, failureOf } from './warehouse.ts';
import { decisionPayload, outcomePayload, rowOf } from './warehouse-rows.ts';
import { BATCH } from './warehouse-worker.ts';

const WORKER = fileURLToPath(new URL('./warehouse-worker.ts', import.meta.url));
const decisions = (...ids: string[]) => ids.map((id) => rowOf('routing-decision', decisionPayload(id)));

describe('the DuckDB file', () => {
  let directory: string;
  let file: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aurora-warehouse-'));
    file = join(directory, 'warehouse.duckdb');
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  async function withWarehouse<T>(work: (warehouse: DuckdbWarehouse) => Promise<T>): Promise<T> {
    const warehouse = await createDuckdbWarehouse({ file });
    try {
      return await work(warehouse);
    } finally {
      await warehouse.close();
    }
  }

  test('after SIGKILL every acknowledged append is there, and none in part', async () => {
    const acknowledged: string[] = [];
    for (const [round, lines] of [3, 1, 11].entries()) {
      const worker = startChild(WORKER, ['append', file, `${round}`]);
      const closed = once(worker.child, 'close');
      await worker.linesReach(lines);
      worker.child.kill('SIGKILL');
      await closed;
      acknowledged.push(...worker.lines().map((batch) => `${round}-${batch}`));

      const rows = await withWarehouse((warehouse) => warehouse.query(decisionIds, {}));
      const sizes = new Map<string, number>();
      for (const { decision_id: id, copies } of rows) {
        expect(copies).toBe(1);
        const batch = id.slice(0, id.lastIndexOf('-'));
        sizes.set(batch, (sizes.get(batch) ?? 0) + 1);
      }
      expect(acknowledged.filter((batch) => !sizes.has(batch))).toEqual([]);
      expect([...sizes.values()].filter((size) => size !== BATCH)).toEqual([]);
    }
  });

  test('a second process is told that it is held, and gets it when the first is gone', async () => {
    const holder = startChild(WORKER, ['hold', file]);
    const closed = once(holder.child, 'close');
    await holder.linesReach(1);
    expect(await failureOf(createDuckdbWarehouse({ file }))).toEqual({
      code: 'warehouse_locked',
      message: `${file} is open in another process, or twice in this one`,
    });
    holder.child.kill('SIGKILL');
    await closed;
    await withWarehouse((warehouse) => warehouse.append('routing_decisions', decisions('d1')));
  });

  test('a second opening in the same process is refused too, and does not loosen the lock of the first', async () => {
    await withWarehouse(async (warehouse) => {
      expect(await failureOf(createDuckdbWarehouse({ file }))).toMatchObject({ code: 'warehouse_locked' });
      const other = startChild(WORKER, ['try', file]);
      await other.linesReach(1);
      expect(other.lines()).toEqual(['warehouse_locked']);
      await warehouse.append('routing_decisions', decisions('d1'));
    });
    const other = startChild(WORKER, ['try', file]);
    await other.linesReach(1);
    expect(other.lines()).toEqual(['open']);
    await once(other.child, 'close');
  });

  test.each(['Asia/Tokyo', 'America/St_Johns'])(
    'instants do not depend on the zone of the machine: %s',
    async (zone) => {
      const before = process.env['TZ'];
      process.env['TZ'] = zone;
      try {
        const worker = startChild(WORKER, ['stamp', file]);
        await worker.linesReach(1);
        expect(worker.lines()).toEqual(['2026-03-01T11:00:00.000Z 2026-03-01T12:00:00.000Z']);
        await once(worker.child, 'close');
      } finally {
        if (before === undefined) delete process.env['TZ'];
        else process.env['TZ'] = before;
      }
    },
  );

  const written = () => withWarehouse((warehouse) => warehouse.append('routing_decisions', decisions('d1', 'd2')));

  test.each<[string, () => Promise<unknown>]>([
    ['a file of another kind', () => writeFile(file, 'step,tenant_id\r\n'.repeat(2_000))],
    ['a short file of another kind', () => writeFile(file, 'notes')],
    ['a truncated database', () => truncate(file, 20_000)],
    ['a database cut within its header', () => truncate(file, 8_192)],
    ['a database cut after its first header', () => truncate(file, 4_096)],
    ['an emptied database', () => truncate(file, 0)],
    [
      'a flipped bit in the header',
      async () => {
        const handle = await open(file, 'r+');
        await handle.write(Buffer.from([0xff]), 0, 1, 4096 + 40);
        await handle.write(Buffer.from([0xff]), 0, 1, 8192 + 40);
        await handle.close();
      },
    ],
  ])('refuses %s by name and leaves it as it is', async (_, damage) => {
    await written();
    await damage();
    const before = await readFile(file);
    const failure = await failureOf(createDuckdbWarehouse({ file }));
    expect(failure).toMatchObject({ code: 'warehouse_corrupt', message: expect.stringContaining(file) });
    expect((await readFile(file)).equals(before)).toBe(true);
  });

  test('a creation cut short leaves nothing in the place of the file; the next one starts anew', async () => {
    const worker = startChild(WORKER, ['stamp', file]);
    while (!(await readdir(directory)).some((name) => name.startsWith('warehouse.duckdb'))) await nextTurn();
    worker.child.kill('SIGKILL');
    await once(worker.child, 'close');
    if (existsSync(file)) expect((await stat(file)).size).toBeGreaterThanOrEqual(12_288);
    await written();
    expect(await withWarehouse((warehouse) => warehouse.query(decisionIds, {}))).toHaveLength(2);
  });

  // A limit on the size of a file is the full disk that needs no file system of one's own; first the checkpoint meets it.
  test('a full disk: what was acknowledged is there and can be read, the rest is refused as disk_full', async () => {
    const blocksOf512 = (20 * 2 ** 20) / 512;
    const script = `ulimit -f ${blocksOf512} && exec "$0" "$@"`;
    const { stdout } = await promisify(execFile)('sh', ['-c', script, process.execPath, WORKER, 'fill', file]);
    const { codes, appended, counted } = JSON.parse(stdout) as { codes: string[]; appended: number; counted: number };
    expect(codes).toEqual(['disk_full', 'disk_full', 'disk_full']);
    expect(appended).toBeGreaterThan(0);
    expect(counted).toBe(appended);
    const [counts] = await withWarehouse((warehouse) => warehouse.query(loopCounts, {}));
    expect(counts?.rejected).toBe(appended);
  });

  test('opens again by itself after a fatal error; streams of before are cut, rows are kept', async () => {
    await withWarehouse(async (warehouse) => {
      await warehouse.append(
        'routing_decisions',
        decisions(...Array.from({ length: 3_000 }, (_, index) => `d${index}`)),
      );
      const stream = warehouse.stream(decisionIds, {})[Symbol.asyncIterator]();
      await stream.next();
      const fatal = defineQuery({
        name: 'fatal',
        params: z.strictObject({}),
        row: z.object({}),
        sql: () => `SELECT error('database has been invalidated because of a previous fatal error')`,
      });
      await failureOf(warehouse.query(fatal, {}));
      await Promise.all([
        warehouse.append('routing_decisions', decisions('after')),
        warehouse.append('routing_outcomes', [rowOf('routing-outcome', outcomePayload('after'))]),
      ]);
      expect(await failureOf(drain(stream))).toEqual({
        code: 'warehouse_unavailable',
        message: 'query decision_ids was cut short',
      });
      expect(await warehouse.query(loopCounts, {})).toMatchObject([
        { decisions_accepted: 3_001, outcomes_accepted: 1 },
      ]);
    });
  });

  test('the log stays bounded, also while a reader is slow', async () => {
    await withWarehouse(async (warehouse) => {
      const attributes = { filler: 'x'.repeat(40_000) };
      const batch = Array.from({ length: 100 }, (_, index) => ({
        ...rowOf('event-rejected', {
          rejected_at: '2026-03-01T11:00:00.000Z',
          function_name: 'ingest',
          subscription: null,
          message_id: `${index}`,
          event_type: null,
          code: 'event_invalid',
          reason: 'r',
          raw_base64: '',
          attributes,
        }),
      }));
      await warehouse.append(
        'routing_decisions',
        decisions(...Array.from({ length: 3_000 }, (_, index) => `d${index}`)),
      );
      const slow = warehouse.stream(decisionIds, {})[Symbol.asyncIterator]();
      await slow.next();
      for (let round = 0; round < 15; round += 1) await warehouse.append('rejected_events', batch);
      // 60 MB went through it; it is folded into the file at every 16 MiB.
      expect((await stat(`${file}.wal`)).size).toBeLessThan(24 * 2 ** 20);
      await slow.return?.();
    });
    expect(existsSync(`${file}.wal`)).toBe(false);
  });

  test('retention removes what came in before an instant, whatever date it bears, and no imported row', async () => {
    await withWarehouse(async (warehouse) => {
      const limit = Date.UTC(2026, 1, 28);
      const row = (id: string, observedAt: string, ingestedAtMs: number, mode: 'rules' | 'recorded' = 'rules') =>
        rowOf(
          'routing-outcome',
          outcomePayload(id, { observed_at: observedAt, decided_at: observedAt, mode }),
          ingestedAtMs,
        );
      await warehouse.append('routing_outcomes', [
        row('old', '2026-02-27T00:00:00Z', limit - 1),
        row('old, of a far date', '2999-01-01T00:00:00Z', limit - 1),
        row('late', '2026-02-27T00:00:00Z', limit),
        row('imported', '1999-01-01T00:00:00Z', limit - 1, 'recorded'),
      ]);
      await warehouse.append('training_requested', [
        rowOf('training-requested', { ...EVENT_SAMPLES['training-requested'] }, limit - 1),
      ]);
      expect(await warehouse.removeBefore('routing_outcomes', '2026-02-28T00:00:00.000Z')).toBe(2);
      expect(await warehouse.removeBefore('routing_outcomes', '2026-02-28T00:00:00.000Z')).toBe(0);
      expect(await warehouse.removeBefore('training_requested', '2026-02-28T00:00:00.000Z')).toBe(1);
      const left = await warehouse.query(outcomeIds, {});
      expect(left.map((one) => one.decision_id).sort()).toEqual(['imported', 'late']);
    });
  });

  test('a backup is a database of its own, views included, taken while work goes on', async () => {
    const copy = join(directory, "it's a copy.duckdb");
    await withWarehouse(async (warehouse) => {
      await warehouse.append('routing_decisions', [...decisions('d1'), ...decisions('d1')]);
      await Promise.all([warehouse.backup(copy), warehouse.append('routing_decisions', decisions('d2'))]);
      await warehouse.append('routing_decisions', decisions('d3'));
      expect(await warehouse.query(loopCounts, {})).toMatchObject([{ decisions_distinct: 3 }]);
    });
    const restored = await createDuckdbWarehouse({ file: copy });
    try {
      expect(await restored.query(loopCounts, {})).toMatchObject([{ decisions_accepted: 2, decisions_distinct: 1 }]);
      await restored.append('routing_decisions', decisions('d4'));
    } finally {
      await restored.close();
    }
  });
});

/** Texts as DuckDB 1.5 gives them: a full disk cannot be had without a file system of one's own. */
describe('failures of DuckDB', () => {
  const full =
    'TransactionContext Error: Failed to commit: Could not write file "w.duckdb.wal": No space left on device';
  test.each([
    ['an append', writeFailure(new Error(full))],
    [
      'a checkpoint',
      writeFailure(
        new Error(
          'FATAL Error: Failed to create checkpoint because of error: Could not write file "w": No space left on device',
        ),
      ),
    ],
    ['an opening', openFailure('w', new Error(full))],
    [
      'a query that spills',
      queryFailure(
        'q',
        new Error('IO Error: Could not write file "w.tmp/duckdb_temp_storage-0.tmp": No space left on device'),
      ),
    ],
  ])('%s without space is disk_full', (_, error) => {
    expect(error).toMatchObject({ code: 'disk_full', retryable: true });
    expect(error.cause).toBeInstanceOf(Error);
  });

  test('a file of a newer engine is incompatible', () => {
    const text =
      'IO Error: Trying to read a database file with version number 99, but we can only read versions between 64 and 67.';
    expect(openFailure('w', new Error(text))).toMatchObject({ code: 'warehouse_incompatible', retryable: false });
  });

  test('what nobody foresaw may be tried again', () => {
    expect(openFailure('w', new Error('IO Error: Permission denied'))).toMatchObject({ code: 'warehouse_unavailable' });
    expect(writeFailure(new Error('IO Error: Input/output error'))).toMatchObject({ code: 'warehouse_unavailable' });
    expect(queryFailure('q', new Error('Out of Memory Error: could not allocate'))).toMatchObject({
      code: 'warehouse_unavailable',
    });
  });
});
