import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { CheckResult } from '#shared/domain/probe.ts';
import type { Row, Warehouse } from '#shared/ports/warehouse.ts';
import { canarySeen, probeBurnRate, probeUptime } from '#shared/queries/probes.ts';
import { decisionPayload, NOON, rowOf } from '#test/contract/warehouse-rows.ts';
import { EVENT_SAMPLES } from '#test/support/events.ts';

const START_MS = Date.UTC(2026, 2, 1, 23, 30);
const MINUTE_MS = 60_000;

let directory: string;
let warehouse: Warehouse;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'aurora-probes-'));
  warehouse = await createDuckdbWarehouse({ file: join(directory, 'warehouse.duckdb') });
  const row = (minute: number, given: Partial<CheckResult>): Row =>
    rowOf('probe-result', {
      ...EVENT_SAMPLES['probe-result'],
      status: 'pass',
      remedy: null,
      run_id: `local-${minute}`,
      observed_at: rfc3339(START_MS + minute * MINUTE_MS),
      ...given,
    });
  // An hour over midnight, a run a minute: a fails in six of sixty, b never, and what says nothing of either is in between.
  const rows = Array.from({ length: 60 }, (_, minute) => [
    row(minute, { check_id: 'a', status: minute % 10 === 3 ? 'fail' : 'pass' }),
    row(minute, { check_id: 'b' }),
  ]).flat();
  await warehouse.append('probe_results', [
    ...rows,
    row(-1, { check_id: 'a', status: 'fail' }),
    row(60, { check_id: 'b', status: 'error' }),
    row(61, { check_id: 'b', status: 'skipped' }),
    row(62, { check_id: 'b', status: 'fail', maintenance: 'upgrade' }),
    row(63, { check_id: 'b', status: 'fail', suite: 'production' }),
    // The second run of a period: its results are the first one's.
    row(5, { check_id: 'a', status: 'fail' }),
  ]);
  await warehouse.append('routing_decisions', [rowOf('routing-decision', decisionPayload('d1'))]);
});
afterAll(async () => {
  await warehouse.close();
  await rm(directory, { recursive: true });
});

const window = { suite: 'local', since: rfc3339(START_MS) };

test('uptime is the share of looks since then that passed, the worst first', async () => {
  expect(await warehouse.query(probeUptime, window)).toEqual([
    { check_id: 'a', looks: 60, uptime: expect.closeTo(0.9, 12), last_observed_at: rfc3339(START_MS + 59 * MINUTE_MS) },
    { check_id: 'b', looks: 60, uptime: 1, last_observed_at: rfc3339(START_MS + 59 * MINUTE_MS) },
  ]);
});

test('an error budget of a thousandth, of which a tenth of the looks fail, goes a hundred times too fast', async () => {
  expect(await warehouse.query(probeBurnRate, { ...window, objective: 0.999 })).toEqual([
    { check_id: 'a', looks: 60, burn_rate: expect.closeTo(100, 6) },
    { check_id: 'b', looks: 60, burn_rate: 0 },
  ]);
});

test('of a suite that has not run there is nothing to tell', async () => {
  expect(await warehouse.query(probeUptime, { ...window, suite: 'elsewhere' })).toEqual([]);
});

test.each([
  ['d1', rfc3339(NOON), 1],
  ['d1', rfc3339(NOON + 2 * 86_400_000), 0],
  ['d2', rfc3339(NOON), 0],
])('decision %s, since %s: %d on record', async (decision_id, since, seen) => {
  expect(await warehouse.query(canarySeen, { decision_id, since })).toEqual([{ seen }]);
});
