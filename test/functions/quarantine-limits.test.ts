import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { replayRejected } from '#cli/ops/rejected.ts';
import type { Stack } from '#cli/stack/stack.ts';
import { createDeploy } from '#functions/deploy/handler.ts';
import { createIngest } from '#functions/ingest/handler.ts';
import { createEmbeddedBus, type EmbeddedBus } from '#shared/adapters/bus/embedded/index.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { createDuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import { MAX_ENVELOPE_BYTES, MAX_EVENT_BYTES, MAX_REJECTED_ENVELOPE_BYTES } from '#shared/defaults.ts';
import { EVENTS } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { sha256Hex } from '#shared/domain/ids.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import { rejectedById, rejectedList } from '#shared/queries/rejected.ts';
import { type Served, serveLean } from '#shared/runtime/hosts/lean.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { SUBSCRIPTIONS, TOPIC_LIMITS, TOPICS } from '#shared/topology.ts';
import { fakeClock } from '#test/support/clock.ts';
import { EVENT_SAMPLES } from '#test/support/events.ts';
import { memoryBus } from '#test/support/memory-bus.ts';
import { memoryProvider } from '#test/support/memory-provider.ts';
import { memoryState } from '#test/support/memory-state.ts';
import { aRequest, testDeps } from '#test/support/runtime.ts';

/** What a door takes must find a place in quarantine, whatever its size: through the bus, over HTTP, into the warehouse. */
let directory: string;
let bus: EmbeddedBus;
let warehouse: Warehouse;
let ingest: FunctionApp;
let served: Served;
/** Resolves when ingest has answered the next push. */
let pushed = Promise.withResolvers<void>();
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'aurora-quarantine-'));
  warehouse = await createDuckdbWarehouse({ file: join(directory, 'warehouse.duckdb') });
  const clock = fakeClock();
  ingest = createIngest({ ...testDeps(hostClock), worldClock: clock, warehouse });
  const told: FunctionApp = {
    ...ingest,
    async handle(request) {
      try {
        return await ingest.handle(request);
      } finally {
        pushed.resolve();
      }
    },
  };
  served = await serveLean(told, { port: 0, hostClock });
  bus = await createEmbeddedBus({
    file: join(directory, 'bus.sqlite'),
    topics: TOPICS,
    topicLimits: TOPIC_LIMITS,
    subscriptions: SUBSCRIPTIONS.filter(({ name }) => name === 'ingest-rejected-events').map((spec) => ({
      ...spec,
      pushUrl: served.url,
      ackDeadlineMs: 60_000,
      minBackoffMs: 10,
      maxBackoffMs: 10,
      maxAttempts: 2,
      deadLetterTopic: 'dead',
    })),
    hostClock,
    random: () => 0,
  });
  await bus.start();
});
afterAll(async () => {
  await bus.close();
  await served.close();
  await warehouse.close();
  await rm(directory, { recursive: true });
});

function deploy(): FunctionApp {
  const clock = fakeClock();
  return createDeploy({
    ...testDeps(clock),
    worldClock: clock,
    providers: [memoryProvider('vast')],
    bus,
    state: memoryState(clock),
  });
}

const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31) % 256);
/** `toEqual` looks at each of millions of bytes. */
const expectSame = (got: Uint8Array, expected: Uint8Array): void =>
  expect([got.length, sha256Hex(got)]).toEqual([expected.length, sha256Hex(expected)]);
const base64 = (data: Uint8Array): string => Buffer.from(data).toString('base64');

/** A push of exactly `limit` bytes, as much of it data as fits. */
function fullPush(limit: number, attributes: Record<string, string>): { body: string; data: Uint8Array } {
  const bodyOf = (data: Uint8Array): string =>
    JSON.stringify({ message: { data: base64(data), attributes, messageId: 'full' }, subscription: 's' });
  const data = bytesOf(Math.floor((limit - bodyOf(new Uint8Array()).length) / 4) * 3);
  return { body: bodyOf(data).padEnd(limit), data };
}

/** Delivers the body, waits for its row, answers the bytes that it keeps. */
async function quarantined(app: FunctionApp, body: Uint8Array | string, code: string): Promise<Uint8Array> {
  const before = new Set((await warehouse.query(rejectedList, { limit: 1_000, code })).map((row) => row.event_id));
  expect((await app.handle(aRequest({ method: 'POST', body }))).status).toBe(204);
  for (; ; await pushed.promise) {
    pushed = Promise.withResolvers();
    const rows = await warehouse.query(rejectedList, { limit: 1_000, code });
    const id = rows.find((row) => !before.has(row.event_id))?.event_id;
    expect(await bus.countDeadLetters()).toBe(0);
    if (id === undefined) continue;
    const [row] = await warehouse.query(rejectedById, { event_id: id });
    return new Uint8Array(Buffer.from(row?.raw_base64 ?? '', 'base64'));
  }
}

const attributes = { event_type: 'deployment-requested', note: 'n'.repeat(1_000) };

describe.each([
  ['deploy', deploy, MAX_ENVELOPE_BYTES],
  ['ingest', () => ingest, MAX_REJECTED_ENVELOPE_BYTES],
] as const)('%s', (_, make, limit) => {
  test('a body at the limit of its door that is no envelope is kept whole', async () => {
    const body = bytesOf(limit);
    expect(make().bodyLimitBytes).toBe(limit);
    expectSame(await quarantined(make(), body, 'body_not_json'), body);
  });

  test('the data of a push at the limit of its door is kept whole', async () => {
    const { body, data } = fullPush(limit, attributes);
    expectSame(await quarantined(make(), body, 'event_too_large'), data);
  });

  test('an event at the limit of an event that cannot be read is kept whole', async () => {
    const data = bytesOf(MAX_EVENT_BYTES);
    const body = JSON.stringify({ message: { data: base64(data), attributes, messageId: 'm' }, subscription: 's' });
    expectSame(await quarantined(make(), body, 'event_invalid'), data);
  });
});

test('an event at the limit that was rejected is sent again as it came', async () => {
  const small = encodeEvent(EVENTS['model-trained'], EVENT_SAMPLES['model-trained']);
  // Keys of a newer build are tolerated; deploy takes no such event.
  const text = Buffer.from(small.data).toString().slice(0, -1);
  const data = Buffer.from(`${text},"newer":"${'x'.repeat(MAX_EVENT_BYTES - text.length - 12)}"}`);
  expect(data.length).toBe(MAX_EVENT_BYTES);
  const body = { message: { data: base64(data), attributes: small.attributes, messageId: 'm' }, subscription: 's' };
  expectSame(await quarantined(deploy(), JSON.stringify(body), 'event_type_unknown'), data);
  const [row] = await warehouse.query(rejectedList, { limit: 1, code: 'event_type_unknown' });
  const resent = memoryBus();
  const platform = { bus: async () => resent, warehouse: async () => warehouse };
  await replayRejected.run({ platform } as unknown as Stack, { id: row?.event_id ?? '' });
  expect(resent.published).toMatchObject([{ topic: 'model-trained', message: { attributes: small.attributes } }]);
  expectSame(resent.published[0]?.message.data ?? new Uint8Array(), data);
});
