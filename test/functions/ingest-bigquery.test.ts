/** ingest over BigQuery, when BigQuery fails: what the bus is told, and that in the end each event is on record once. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createIngest } from '#functions/ingest/handler.ts';
import { createBigqueryWarehouse } from '#shared/adapters/warehouse/bigquery/index.ts';
import { BIGQUERY_APPEND_DEADLINE_MS } from '#shared/defaults.ts';
import { routingDecision } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { ERROR_CATALOGUE, type ErrorBody } from '#shared/errors.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import { decisionIds } from '#shared/queries/event-ids.ts';
import { loopCounts } from '#shared/queries/loop-counts.ts';
import { rejectedById, rejectedList } from '#shared/queries/rejected.ts';
import type { FunctionApp, FunctionResponse } from '#shared/runtime/types.ts';
import { type BigqueryFake, DATASET, PROJECT, startBigqueryFake } from '#test/support/bigquery/server.ts';
import { type FakeClock, fakeClock } from '#test/support/clock.ts';
import { aDecision } from '#test/support/events.ts';
import { aPush, bodyOf } from '#test/support/push.ts';
import { testDeps } from '#test/support/runtime.ts';

let fake: BigqueryFake;
let clock: FakeClock;
let warehouse: Warehouse;
let app: FunctionApp;
beforeEach(async () => {
  fake = await startBigqueryFake();
  clock = fakeClock();
  warehouse = createBigqueryWarehouse({
    projectId: PROJECT,
    dataset: DATASET,
    location: 'EU',
    endpoint: fake.endpoint,
    hostClock: clock,
    maxBytesBilled: 1e9,
  });
  app = createIngest({ ...testDeps(clock), worldClock: clock, warehouse });
});
afterEach(async () => {
  await app.drain();
  await warehouse.close();
  await fake.close();
});

const IDS = ['d0', 'd1', 'd2', 'd3', 'd4'];
const eventOf = (id: string) => encodeEvent(routingDecision, aDecision({ decision_id: id }));
/** Each, and one of them a second time: Pub/Sub may deliver while the first delivery is under way. */
const pushes = () => [...IDS, 'd0'].map((id, i) => aPush(eventOf(id), `m${i}`));
type Body = { readonly rows: readonly { readonly json: { readonly decision_id?: string } }[] };
const rowsOf = (body: unknown, id: string): number[] =>
  (body as Body).rows.flatMap(({ json }, index) => (json.decision_id === id ? [index] : []));

const deliver = (requests = pushes()): Promise<readonly FunctionResponse[]> =>
  Promise.all(requests.map((push) => app.handle(push)));

/** The same, where the client asks again and again, or waits: to the end of the warehouse's patience. */
async function deliverInVain(): Promise<readonly FunctionResponse[]> {
  const answers = deliver();
  await vi.waitUntil(() => fake.requests.length > 0, { timeout: 10_000 });
  await clock.advance(BIGQUERY_APPEND_DEADLINE_MS);
  return await answers;
}

async function expectEachOnce(): Promise<void> {
  const rows = await warehouse.query(decisionIds, {});
  expect(rows.map(({ decision_id: id }) => id).sort()).toEqual(IDS);
  expect(await warehouse.query(loopCounts, {})).toMatchObject([{ decisions_distinct: IDS.length }]);
}

describe('for now: 503 with its reason, then again, and each event is on record once', () => {
  const said = /append to routing_decisions: /;
  test.each<[string, ReturnType<BigqueryFake['fault']>, RegExp, typeof deliver]>([
    ['429', { status: 429, reason: 'rateLimitExceeded' }, said, deliverInVain],
    ['500', { status: 500, reason: 'internalError' }, said, deliverInVain],
    ['503', { status: 503, reason: 'backendError' }, said, deliverInVain],
    ['403 for want of a right', { status: 403, reason: 'accessDenied' }, /needs roles\/bigquery\.dataEditor/, deliver],
    ['403 for a quota', { status: 403, reason: 'quotaExceeded' }, /fault quotaExceeded/, deliver],
    ['404 while the table is being made', { status: 404, reason: 'notFound' }, /fault notFound/, deliver],
    ['a connection that is cut', 'cut', said, deliverInVain],
    ['an answer that is lost', 'answer lost', said, deliverInVain],
    ['no answer', 'black hole', /no answer within 15 s/, deliverInVain],
    ['a row that timed out', { failRows: [1], reason: 'timeout' }, /routing_decisions row 1: fault/, deliver],
    ['rows that were stopped', { failRows: [0, 1, 2], reason: 'stopped' }, /routing_decisions row 0: fault/, deliver],
  ])('%s', async (_, fault, words, attempt) => {
    fake.fault = () => fault;
    const answers = await attempt();
    for (const answer of answers) {
      expect([answer.status, answer.headers?.['retry-after']]).toEqual([503, '1']);
      expect(bodyOf<ErrorBody>(answer).error).toEqual({
        code: 'warehouse_unavailable',
        message: expect.stringMatching(words),
        remedy: ERROR_CATALOGUE.warehouse_unavailable.remedy,
      });
    }
    fake.fault = () => null;
    expect((await deliver()).map(({ status }) => status)).toEqual(pushes().map(() => 204));
    await expectEachOnce();
    expect(await warehouse.query(rejectedList, { limit: 10, code: null })).toEqual([]);
  });
});

describe('one row for good', () => {
  const refusing = (id: string) => (_line: string, body: unknown) => ({
    failRows: rowsOf(body, id),
    reason: 'invalid',
  });

  test('is quarantined as it came, acknowledged; the others are on record once', async () => {
    fake.fault = refusing('d3');
    expect((await deliver()).map(({ status }) => status)).toEqual(pushes().map(() => 204));
    fake.fault = () => null;
    expect((await warehouse.query(decisionIds, {})).map(({ decision_id: id }) => id).sort()).toEqual(
      IDS.filter((id) => id !== 'd3'),
    );
    const [row, ...more] = await warehouse.query(rejectedList, { limit: 10, code: 'row_invalid' });
    expect([row?.reason, more]).toEqual(['routing_decisions row 0: fault', []]);
    const [whole] = await warehouse.query(rejectedById, { event_id: row?.event_id ?? '' });
    expect(new Uint8Array(Buffer.from(whole?.raw_base64 ?? '', 'base64'))).toEqual(new Uint8Array(eventOf('d3').data));
    // Mended, it is replayed.
    expect((await deliver()).map(({ status }) => status)).toEqual(pushes().map(() => 204));
    await expectEachOnce();
  });

  test('while the quarantine fails too: that one comes again, the others are done', async () => {
    const refuse = refusing('d3');
    fake.fault = (line, body) =>
      line.includes('/rejected_events/') ? { status: 403, reason: 'accessDenied' } : refuse(line, body);
    const statuses = (await deliver()).map(({ status }) => status);
    expect(statuses).toEqual([204, 204, 204, 503, 204, 204]);
    fake.fault = refuse;
    expect((await deliver([aPush(eventOf('d3'), 'm3')])).map(({ status }) => status)).toEqual([204]);
    fake.fault = () => null;
    expect(await warehouse.query(rejectedList, { limit: 10, code: 'row_invalid' })).toHaveLength(1);
  });
});
