import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCoalescer } from '#functions/ingest/coalesce.ts';
import { createIngest } from '#functions/ingest/handler.ts';
import { createDuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import { EVENTS, type EventType, routingDecision, routingOutcome } from '#shared/domain/events/catalogue.ts';
import { decodeEvent, type EncodedEvent, encodeEvent } from '#shared/domain/events/codec.ts';
import type { EventDefinition } from '#shared/domain/events/definition.ts';
import type { TableName } from '#shared/domain/tables.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { Row, Warehouse } from '#shared/ports/warehouse.ts';
import { outcomesByDecision } from '#shared/queries/decisions.ts';
import { outcomeIds } from '#shared/queries/event-ids.ts';
import { loopCounts } from '#shared/queries/loop-counts.ts';
import { rejectedById, rejectedList } from '#shared/queries/rejected.ts';
import { SUBSCRIPTIONS } from '#shared/topology.ts';
import { fakeClock } from '#test/support/clock.ts';
import { aDecision, EVENT_SAMPLES } from '#test/support/events.ts';
import { anOutcome } from '#test/support/outcomes.ts';
import { aPush, deliver } from '#test/support/push.ts';
import { aRequest, testDeps } from '#test/support/runtime.ts';

interface Append {
  readonly table: TableName;
  readonly rows: readonly Row[];
}

/** A warehouse whose appends the test lets through. */
function gatedWarehouse() {
  const appends: Append[] = [];
  const gates: ((error: unknown) => void)[] = [];
  let open = true;
  const refuse = async (): Promise<never> => {
    throw new Error('not asked');
  };
  const warehouse: Warehouse = {
    append(table, rows) {
      appends.push({ table, rows });
      if (open) return Promise.resolve();
      return new Promise((resolve, reject) => gates.push((error) => (error === null ? resolve() : reject(error))));
    },
    query: refuse,
    stream: () => {
      throw new Error('not asked');
    },
    close: async () => undefined,
  };
  return {
    warehouse,
    appends,
    shut(): void {
      open = false;
    },
    /** Lets the oldest waiting append through, or fail. */
    async pass(error: unknown = null): Promise<void> {
      gates.shift()?.(error);
      for (let turn = 0; turn < 5; turn++) await setImmediate();
    },
  };
}

const away = (): TransientError => new TransientError('warehouse_unavailable', 'the disk is away');

function ingestOver(warehouse: Warehouse) {
  const clock = fakeClock(Date.UTC(2026, 0, 2));
  const deps = testDeps(clock);
  return { clock, deps, app: createIngest({ ...deps, worldClock: clock, warehouse }) };
}

const decisionPush = (i: number) => aPush(encodeEvent(routingDecision, aDecision({ decision_id: `d${i}` })), `m${i}`);
const idsOf = ({ rows }: Append): unknown[] => rows.map((row) => row['decision_id']);

describe('coalescing', () => {
  test('pushes that arrive together, and those that arrive during a write, share an append each', async () => {
    const gate = gatedWarehouse();
    const { app } = ingestOver(gate.warehouse);
    gate.shut();
    const first = Array.from({ length: 20 }, (_, i) => app.handle(decisionPush(i)));
    await setImmediate();
    await setImmediate();
    const second = Array.from({ length: 30 }, (_, i) => app.handle(decisionPush(100 + i)));
    await setImmediate();
    expect(gate.appends.map(({ rows }) => rows.length)).toEqual([20]);
    await gate.pass();
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual(Array(20).fill(204));
    expect(gate.appends.map(({ rows }) => rows.length)).toEqual([20, 30]);
    await gate.pass();
    expect((await Promise.all(second)).map(({ status }) => status)).toEqual(Array(30).fill(204));
  });

  test('a push is acknowledged after its append and not before', async () => {
    const gate = gatedWarehouse();
    const { app } = ingestOver(gate.warehouse);
    gate.shut();
    let acknowledged = false;
    const push = Promise.resolve(app.handle(decisionPush(1))).then((response) => {
      acknowledged = true;
      return response;
    });
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    expect([gate.appends.length, acknowledged]).toEqual([1, false]);
    await gate.pass();
    expect((await push).status).toBe(204);
  });

  test('each table has its own line: a slow one holds up no other', async () => {
    const gate = gatedWarehouse();
    const { app } = ingestOver(gate.warehouse);
    gate.shut();
    const decision = app.handle(decisionPush(1));
    const outcome = app.handle(aPush(encodeEvent(routingOutcome, anOutcome())));
    for (let turn = 0; turn < 5; turn++) await setImmediate();
    expect(gate.appends.map(({ table }) => table)).toEqual(['routing_decisions', 'routing_outcomes']);
    await gate.pass();
    await gate.pass();
    expect([(await decision).status, (await outcome).status]).toEqual([204, 204]);
  });

  test('two appends never share an instant, not on a clock that stands or goes back', async () => {
    const gate = gatedWarehouse();
    const { app, clock } = ingestOver(gate.warehouse);
    for (let i = 0; i < 3; i++) await app.handle(decisionPush(i));
    await clock.advance(-5_000);
    await app.handle(decisionPush(3));
    const stamps = gate.appends.map(({ rows }) => String(rows[0]?.['ingested_at']));
    expect(stamps).toEqual([...new Set(stamps)].sort());
  });
});

describe('an append that fails', () => {
  test('for now: 503 for its batch alone; the batch behind it goes in', async () => {
    const gate = gatedWarehouse();
    const { app } = ingestOver(gate.warehouse);
    gate.shut();
    const doomed = [1, 2, 3].map((i) => app.handle(decisionPush(i)));
    await setImmediate();
    await setImmediate();
    const behind = [4, 5].map((i) => app.handle(decisionPush(i)));
    await setImmediate();
    await gate.pass(away());
    expect((await Promise.all(doomed)).map(({ status }) => status)).toEqual([503, 503, 503]);
    await gate.pass();
    expect((await Promise.all(behind)).map(({ status }) => status)).toEqual([204, 204]);
    expect(gate.appends.map(idsOf)).toEqual([
      ['d1', 'd2', 'd3'],
      ['d4', 'd5'],
    ]);
  });

  test('for good, by one row: that one is quarantined, its neighbours go in', async () => {
    const appends: Append[] = [];
    const { warehouse } = gatedWarehouse();
    const { app } = ingestOver({
      ...warehouse,
      async append(table, rows) {
        if (rows.some((row) => row['decision_id'] === 'd3')) throw new RejectedError('row_invalid', 'd3 does not fit');
        appends.push({ table, rows });
      },
    });
    const answers = await Promise.all(Array.from({ length: 7 }, (_, i) => app.handle(decisionPush(i))));
    expect(answers.map(({ status }) => status)).toEqual(Array(7).fill(204));
    const kept = appends.filter(({ table }) => table === 'routing_decisions').flatMap(idsOf);
    expect(kept).toEqual(['d0', 'd1', 'd2', 'd4', 'd5', 'd6']);
    const rejected = appends.filter(({ table }) => table === 'rejected_events').flatMap(({ rows }) => rows);
    expect(rejected).toMatchObject([{ code: 'row_invalid', reason: 'd3 does not fit', message_id: 'm3' }]);
  });

  test('of the quarantine itself: 503, so nothing unreadable is lost either', async () => {
    const gate = gatedWarehouse();
    const { app } = ingestOver(gate.warehouse);
    gate.shut();
    const push = app.handle(aRequest({ method: 'POST', body: 'no envelope' }));
    for (let turn = 0; turn < 5; turn++) await setImmediate();
    await gate.pass(away());
    expect((await push).status).toBe(503);
  });
});

describe('backpressure', () => {
  test('at its limit the queue refuses with a reason; what waits still goes in', async () => {
    const writes: number[][] = [];
    const gate = Promise.withResolvers<void>();
    const { add } = createCoalescer<number>({
      maxBatch: 2,
      maxPending: 3,
      write: async (items) => {
        writes.push([...items]);
        await gate.promise;
      },
    });
    const first = add(0);
    await setImmediate();
    await setImmediate();
    const waiting = [1, 2, 3].map(add);
    await expect(add(4)).rejects.toMatchObject({
      code: 'overloaded',
      message: '3 rows wait to be written, the limit is 3',
    });
    gate.resolve();
    await Promise.all([first, ...waiting]);
    expect(writes).toEqual([[0], [1, 2], [3]]);
    await add(5);
    expect(writes.at(-1)).toEqual([5]);
  });

  test('all that its subscriptions may have in flight is taken, for a refusal costs a message one of its attempts', async () => {
    const gate = gatedWarehouse();
    const { app } = ingestOver(gate.warehouse);
    gate.shut();
    const flood = SUBSCRIPTIONS.filter(({ function: name }) => name === 'ingest').flatMap(({ topic, maxInFlight }) => {
      const definition = Object.values(EVENTS).find((event) => event.topic === topic) as unknown as EventDefinition;
      const sample = encodeEvent(definition, EVENT_SAMPLES[definition.type as EventType]);
      return Array.from({ length: maxInFlight }, (_, i) => app.handle(aPush(sample, `m${i}`)));
    });
    for (let turn = 0; turn < 5; turn++) await setImmediate();
    for (let table = 0; table < 16; table++) await gate.pass();
    const statuses = new Set((await Promise.all(flood)).map(({ status }) => status));
    expect([flood.length, [...statuses]]).toEqual([10 * 256 + 16, [204]]);
  });
});

describe('into the warehouse', () => {
  let directory: string;
  let warehouse: Warehouse;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aurora-ingest-'));
    warehouse = await createDuckdbWarehouse({ file: join(directory, 'warehouse.duckdb') });
  });
  afterAll(async () => {
    await warehouse.close();
    await rm(directory, { recursive: true });
  });
  const counts = async () => (await warehouse.query(loopCounts, {}))[0];

  test('every event of the catalogue goes in as a row', async () => {
    const { app } = ingestOver(warehouse);
    const before = await counts();
    for (const [type, definition] of Object.entries(EVENTS)) {
      const event = encodeEvent(definition as unknown as EventDefinition, EVENT_SAMPLES[type as EventType]);
      expect((await app.handle(aPush(event))).status).toBe(204);
    }
    expect(await counts()).toMatchObject({
      decisions_distinct: (before?.decisions_distinct ?? 0) + 1,
      outcomes_distinct: (before?.outcomes_distinct ?? 0) + 1,
      rejected: (before?.rejected ?? 0) + 1,
    });
  });

  test('duplicates, at once and late and after a restart, change nothing that anyone reads', async () => {
    const { app } = ingestOver(warehouse);
    const outcome = anOutcome({ decision_id: 'twice' });
    const event = encodeEvent(routingOutcome, outcome);
    await Promise.all([1, 2, 3].map((i) => app.handle(aPush(event, `m${i}`))));
    const restarted = ingestOver(warehouse);
    await restarted.clock.advance(3_600_000);
    // Same identity, other content: the first to arrive counts.
    expect(await deliver(restarted.app, routingOutcome, { ...outcome, latency_ms: 9_999 })).toBe(204);
    const copies = (await warehouse.query(outcomeIds, {})).filter(({ decision_id: id }) => id === 'twice');
    expect(copies).toMatchObject([{ copies: 4 }]);
    const rows = await warehouse.query(outcomesByDecision, { decision_id: 'twice' });
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ latency_ms: 120 });
  });

  const message = (data: Uint8Array, attributes: Record<string, string>): EncodedEvent => ({ data, attributes });
  const good = encodeEvent(routingOutcome, anOutcome({ decision_id: 'quarantine' }));
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);

  test.each<[string, EncodedEvent, string]>([
    ['data that is no JSON', message(text('{'), good.attributes), 'event_invalid'],
    ['data that is no UTF-8', message(Uint8Array.of(0xff, 0xfe), good.attributes), 'event_invalid'],
    ['a payload that lacks a field', message(text('{"decision_id":"d1"}'), good.attributes), 'event_invalid'],
    ['an unknown type', message(good.data, { ...good.attributes, event_type: 'gossip' }), 'event_type_unknown'],
    ['no type', message(good.data, {}), 'event_invalid'],
    ['another major version', message(good.data, { ...good.attributes, schema_version: '2.0' }), 'event_type_unknown'],
    ["another event's id", message(good.data, { ...good.attributes, event_id: 'x' }), 'event_invalid'],
    ['a reserved key', message(text('{"__proto__":{}}'), good.attributes), 'event_invalid'],
  ])('%s is quarantined as it came, and acknowledged', async (name, event, code) => {
    const { app } = ingestOver(warehouse);
    const before = await counts();
    expect((await app.handle(aPush(event, `bad ${name}`))).status).toBe(204);
    const listed = await warehouse.query(rejectedList, { limit: 100, code });
    const row = listed.find(({ message_id: id }) => id === `bad ${name}`);
    const [whole] = await warehouse.query(rejectedById, { event_id: row?.event_id ?? 'none' });
    expect(new Uint8Array(Buffer.from(whole?.raw_base64 ?? '', 'base64'))).toEqual(new Uint8Array(event.data));
    expect(JSON.parse(whole?.attributes ?? '{}')).toEqual(event.attributes);
    expect(whole).toMatchObject({ function_name: 'ingest', subscription: 's1' });
    expect(await counts()).toEqual({ ...before, rejected: (before?.rejected ?? 0) + 1 });
    // Delivered again, it is the same rejection.
    await app.handle(aPush(event, `bad ${name}`));
    expect(await counts()).toEqual({ ...before, rejected: (before?.rejected ?? 0) + 1 });
  });

  test('a body that is no envelope is kept whole', async () => {
    const { app } = ingestOver(warehouse);
    const body = Uint8Array.of(0, 255, 1, 254);
    expect((await app.handle(aRequest({ method: 'POST', body }))).status).toBe(204);
    const [row] = await warehouse.query(rejectedList, { limit: 1, code: 'body_not_json' });
    const [whole] = await warehouse.query(rejectedById, { event_id: row?.event_id ?? 'none' });
    expect(new Uint8Array(Buffer.from(whole?.raw_base64 ?? '', 'base64'))).toEqual(body);
  });

  test('what was rejected for its attributes is a good event once they are mended: nothing of it was lost', async () => {
    const { app } = ingestOver(warehouse);
    const event = encodeEvent(routingOutcome, anOutcome({ decision_id: 'mended' }));
    await app.handle(aPush(message(event.data, { ...event.attributes, event_type: 'routing-outcom' }), 'typo'));
    const listed = await warehouse.query(rejectedList, { limit: 100, code: 'event_type_unknown' });
    const id = listed.find(({ message_id: from }) => from === 'typo')?.event_id ?? 'none';
    const [row] = await warehouse.query(rejectedById, { event_id: id });
    const data = Buffer.from(row?.raw_base64 ?? '', 'base64');
    const attributes = { ...(JSON.parse(row?.attributes ?? '{}') as object), event_type: 'routing-outcome' };
    const decoded = decodeEvent(data, attributes);
    expect(decoded).toMatchObject({ ok: true, event: { payload: { decision_id: 'mended' } } });
    expect((await app.handle(aPush(message(data, attributes)))).status).toBe(204);
    expect(await warehouse.query(outcomesByDecision, { decision_id: 'mended' })).toHaveLength(1);
  });
});
