import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { createBigqueryWarehouse } from '#shared/adapters/warehouse/bigquery/index.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import { decisionIds } from '#shared/queries/event-ids.ts';
import { loopCounts } from '#shared/queries/loop-counts.ts';
import { trainingExamples } from '#shared/queries/training.ts';
import { type BigqueryFake, DATASET, PROJECT, startBigqueryFake } from '#test/support/bigquery/server.ts';
import { fakeClock } from '#test/support/clock.ts';
import { failureOf, warehouseContract } from './warehouse.ts';
import { decisionPayload, rowOf } from './warehouse-rows.ts';

warehouseContract('BigQuery', async () => {
  const fake = await startBigqueryFake();
  return {
    open: async () =>
      createBigqueryWarehouse({
        projectId: PROJECT,
        dataset: DATASET,
        location: 'EU',
        endpoint: fake.endpoint,
        hostClock,
        maxBytesBilled: 1e9,
      }),
    dispose: () => fake.close(),
  };
});

describe('the warehouse on BigQuery', () => {
  let fake: BigqueryFake;
  beforeEach(async () => {
    fake = await startBigqueryFake();
  });
  afterEach(() => fake.close());

  const open = (clock: HostClock = hostClock, maxBytesBilled = 1e9): Warehouse =>
    createBigqueryWarehouse({
      projectId: PROJECT,
      dataset: DATASET,
      location: 'EU',
      endpoint: fake.endpoint,
      hostClock: clock,
      maxBytesBilled,
    });
  const rows = (...ids: readonly string[]) => ids.map((id) => rowOf('routing-decision', decisionPayload(id)));
  const inserts = () => fake.requests.filter(({ line }) => line.endsWith('/insertAll'));
  const idsIn = async (warehouse: Warehouse) =>
    (await warehouse.query(decisionIds, {})).map(({ decision_id }) => decision_id).sort();

  test('a row goes under its event id, raw, with no retries of the client’s own', async () => {
    const warehouse = open();
    const [row] = rows('d1');
    await warehouse.append('routing_decisions', rows('d1'));
    expect(inserts()).toMatchObject([
      { body: { skipInvalidRows: true, rows: [{ insertId: row?.['event_id'], json: { decision_id: 'd1' } }] } },
    ]);
    await warehouse.close();
  });

  test('rows that BigQuery itself refuses are named; the others are in, and sent again they count once', async () => {
    const warehouse = open();
    fake.fault = () => ({ failRows: [1], reason: 'invalid' });
    const failure = await failureOf(warehouse.append('routing_decisions', rows('d1', 'd2', 'd3')));
    expect(failure).toEqual({ code: 'row_invalid', message: 'routing_decisions row 1: fault' });
    expect(inserts()).toHaveLength(1);
    fake.fault = () => null;
    expect(await idsIn(warehouse)).toEqual(['d1', 'd3']);
    await warehouse.append('routing_decisions', rows('d1', 'd3'));
    expect(await warehouse.query(loopCounts, {})).toMatchObject([{ decisions_accepted: 4, decisions_distinct: 2 }]);
    await warehouse.close();
  });

  test.each(['timeout', 'backendError', 'stopped'])('a row that fails for %s may come again', async (reason) => {
    const warehouse = open();
    fake.fault = () => ({ failRows: [0], reason });
    expect(await failureOf(warehouse.append('routing_decisions', rows('d1', 'd2')))).toMatchObject({
      code: 'warehouse_unavailable',
    });
    fake.fault = () => null;
    await warehouse.append('routing_decisions', rows('d1', 'd2'));
    expect(await warehouse.query(loopCounts, {})).toMatchObject([{ decisions_distinct: 2 }]);
    await warehouse.close();
  });

  test('without the right to write, the right that is missing is named', async () => {
    const warehouse = open();
    fake.fault = () => ({ status: 403, reason: 'accessDenied' });
    const failure = await failureOf(warehouse.append('routing_decisions', rows('d1')));
    expect(failure.code).toBe('warehouse_unavailable');
    expect(failure.message).toContain('roles/bigquery.dataEditor');
    await warehouse.close();
  });

  test('what is refused for a moment is sent again by the client', async () => {
    const warehouse = open();
    let left = 1;
    fake.fault = () => (left-- > 0 ? { status: 503, reason: 'backendError' } : null);
    await warehouse.append('routing_decisions', rows('d1'));
    expect(inserts()).toHaveLength(2);
    await warehouse.close();
  });

  test('whoever never answers is given up at the deadline', async () => {
    const clock = fakeClock();
    const warehouse = open(clock);
    fake.fault = () => 'black hole';
    const failing = failureOf(warehouse.append('routing_decisions', rows('d1')));
    await vi.waitUntil(() => inserts().length === 1);
    await clock.advance(15_000);
    expect(await failing).toMatchObject({
      code: 'warehouse_unavailable',
      message: expect.stringContaining('within 15 s'),
    });
    await warehouse.close();
  });

  test('an append goes in requests that BigQuery takes', async () => {
    const warehouse = open();
    await warehouse.append('routing_decisions', rows(...Array.from({ length: 501 }, (_, i) => `d${i}`)));
    expect(inserts().map(({ body }) => (body as { rows: unknown[] }).rows.length)).toEqual([500, 1]);
    await warehouse.close();
  });

  test('a query carries its cap, and its parameters with their types', async () => {
    const warehouse = open(hostClock, 123);
    await warehouse.query(trainingExamples, {
      watermark: '2026-03-01T12:00:00.000Z',
      since: '2026-02-28T12:00:00.000Z',
      limit: 10,
    });
    expect(fake.requests.at(-1)?.body).toMatchObject({
      maximumBytesBilled: '123',
      useLegacySql: false,
      parameterMode: 'named',
      queryParameters: [
        { name: 'watermark', parameterType: { type: 'STRING' } },
        { name: 'limit', parameterType: { type: 'INT64' }, parameterValue: { value: 10 } },
      ],
    });
    await warehouse.close();
  });

  test.each(['bytesBilledLimitExceeded', 'invalidQuery'])(
    'a query refused for %s will be refused again',
    async (reason) => {
      const warehouse = open();
      fake.fault = () => ({ status: 400, reason });
      expect(await failureOf(warehouse.query(loopCounts, {}))).toMatchObject({ code: 'query_invalid' });
      await warehouse.close();
    },
  );
});
