import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { type BigqueryWarehouse, createBigqueryWarehouse } from '#shared/adapters/warehouse/bigquery/index.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Row, Warehouse } from '#shared/ports/warehouse.ts';
import { decisionDays, recordedDecisions } from '#shared/queries/decision-record.ts';
import { decisionIds } from '#shared/queries/event-ids.ts';
import { defineQuery } from '#shared/queries/fragments.ts';
import { loopCounts } from '#shared/queries/loop-counts.ts';
import { trainingExamples } from '#shared/queries/training.ts';
import { type BigqueryFake, DATASET, PROJECT, startBigqueryFake } from '#test/support/bigquery/server.ts';
import { datasetsAt, warehouseTarget } from '#test/support/bigquery/target.ts';
import { fakeClock } from '#test/support/clock.ts';
import { failureOf, warehouseContract } from './warehouse.ts';
import { decisionPayload, rowOf } from './warehouse-rows.ts';

const target = warehouseTarget('warehouse-bigquery');

warehouseContract(
  target.name,
  async () => {
    const { where, dispose } = await target.dataset();
    return {
      open: async () => createBigqueryWarehouse({ ...where, hostClock, maxBytesBilled: 1e9 }),
      dispose,
    };
  },
  { dropsCopies: true },
);

describe('the warehouse on BigQuery', () => {
  let fake: BigqueryFake;
  beforeEach(async () => {
    fake = await startBigqueryFake();
  });
  afterEach(() => fake.close());

  const open = (clock: HostClock = hostClock, maxBytesBilled = 1e9): BigqueryWarehouse =>
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

  test('an event that is twice in an append goes once, and rows keep their numbers', async () => {
    const warehouse = open();
    const [first, other] = rows('d1', 'd2');
    fake.fault = () => ({ failRows: [1], reason: 'invalid' });
    const batch = [first, { ...first, mode: 'online' }, other] as Row[];
    expect(await failureOf(warehouse.append('routing_decisions', batch))).toEqual({
      code: 'row_invalid',
      message: 'routing_decisions row 2: fault',
    });
    expect(inserts()).toMatchObject([
      { body: { rows: [{ json: { mode: 'rules' } }, { json: { decision_id: 'd2' } }] } },
    ]);
    await warehouse.close();
  });

  test('a row with a column that the table has not yet comes again, and nothing of it is put aside', async () => {
    const warehouse = open();
    fake.fault = () => ({ failRows: [0], reason: 'invalid', message: 'no such field: arm.' });
    expect(await failureOf(warehouse.append('routing_decisions', rows('d1')))).toEqual({
      code: 'warehouse_unavailable',
      message: 'routing_decisions row 0: no such field: arm. The table lacks a column of this image: terraform apply',
    });
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
        { name: 'since', parameterType: { type: 'STRING' } },
        { name: 'limit', parameterType: { type: 'INT64' }, parameterValue: { value: 10 } },
      ],
    });
    await warehouse.close();
  });

  test('what a query would read is told without running it, whatever the cap; days that are left out are not read', async () => {
    const warehouse = open(hostClock, 1);
    const old = rowOf('routing-decision', decisionPayload('d0', { decided_at: '2025-01-01T00:00:00.000Z' }));
    await warehouse.append('routing_decisions', [...rows('d1', 'd2'), old]);
    const params = { watermark: '2027-01-01T00:00:00.000Z' };
    const estimate = async (from: string) =>
      (await warehouse.estimate(recordedDecisions, { ...params, from, limit: 10 })).bytes;
    const [all, two, none] = [
      await estimate('2000-01-01T00:00:00.000Z'),
      await estimate('2026-01-01T00:00:00.000Z'),
      await estimate('2027-01-01T00:00:00.000Z'),
    ];
    expect(3 * two).toBe(2 * all);
    expect(none).toBe(0);
    const narrow = await warehouse.estimate(decisionDays, { ...params, from: '2000-01-01T00:00:00.000Z', actor: null });
    expect(narrow).toEqual({ bytes: expect.any(Number), tables: 1, accuracy: 'at most' });
    expect(narrow.bytes).toBeLessThan(all / 2);
    expect(fake.requests.filter(({ line }) => line.includes('/queries'))).toEqual([]);
    expect(fake.requests.at(-1)?.body).toMatchObject({
      configuration: { dryRun: true, query: { useQueryCache: false, parameterMode: 'named' } },
    });
    await warehouse.close();
  });

  test('an estimate fails as its query would', async () => {
    const warehouse = open();
    fake.fault = () => ({ status: 400, reason: 'invalidQuery' });
    expect(await failureOf(warehouse.estimate(loopCounts, {}))).toMatchObject({ code: 'query_invalid' });
    fake.fault = () => ({ status: 403, reason: 'accessDenied' });
    expect(await failureOf(warehouse.estimate(loopCounts, {}))).toMatchObject({ code: 'warehouse_unavailable' });
    await warehouse.close();
  });

  test('a query over a table without a filter on its days is refused', async () => {
    const warehouse = open();
    const unbounded = defineQuery({
      name: 'unbounded',
      params: z.strictObject({}),
      row: z.object({ n: z.int() }),
      sql: (dialect) => `SELECT COUNT(*) AS n FROM ${dialect.table('routing_outcomes')}`,
    });
    expect(await failureOf(warehouse.query(unbounded, {}))).toEqual({
      code: 'query_invalid',
      message: expect.stringContaining("without a filter over column(s) 'event_date'"),
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

  test('the suite makes and removes datasets of its own where an endpoint is given, with tables as terraform has them', async () => {
    const given = datasetsAt({ title: 'the fake', endpoint: fake.endpoint, projectId: PROJECT, location: 'EU' });
    const [one, other] = [await given.dataset(), await given.dataset()];
    const warehouse = createBigqueryWarehouse({ ...one.where, hostClock, maxBytesBilled: 1e9 });
    const beside = createBigqueryWarehouse({ ...other.where, hostClock, maxBytesBilled: 1e9 });
    await warehouse.append('routing_decisions', rows('d1'));
    expect([await idsIn(warehouse), await idsIn(beside)]).toEqual([['d1'], []]);
    await Promise.all([one.dispose(), other.dispose()]);
    expect(await failureOf(warehouse.query(loopCounts, {}))).toMatchObject({
      message: expect.stringContaining(`Not found: Dataset ${PROJECT}:${one.where.dataset}`),
    });
    await Promise.all([warehouse.close(), beside.close()]);
  });
});
