/** score over Cloud Storage, when that or the metadata server is away or answers nonsense: it goes on answering from memory. */
import { createServer } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createScore } from '#functions/score/handler.ts';
import { createMetadataTokens } from '#shared/adapters/google/metadata-tokens.ts';
import { createGcsReader } from '#shared/adapters/objects/gcs/reader.ts';
import { OBJECTS_READ_DEADLINE_MS, POLL_INTERVAL_MS } from '#shared/defaults.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { ScoreAnswer } from '#shared/domain/score.ts';
import type { ErrorBody } from '#shared/errors.ts';
import { createRegistryReader } from '#shared/registry/registry.ts';
import type { FunctionApp, FunctionResponse } from '#shared/runtime/types.ts';
import { OFFERS_OBJECT } from '#shared/serving/offers.ts';
import { type FakeClock, fakeClock } from '#test/support/clock.ts';
import { BUCKET, type GcsFake, startGcsFake } from '#test/support/gcs/server.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';
import { memoryObjects } from '#test/support/memory-objects.ts';
import { bodyOf, post } from '#test/support/push.ts';
import { aRouteRequest, FIVE_OFFERS, NOW } from '#test/support/route-house.ts';
import { testDeps } from '#test/support/runtime.ts';

/** A token is asked for anew four minutes before it ends: here, two minutes after it was given. */
const TOKEN_LIFE_S = 6 * 60;

let clock: FakeClock;
let storage: GcsFake;
let deps: ReturnType<typeof testDeps>;
let app: FunctionApp;
const metadata = { origin: '', asked: 0, hole: false, close: async (): Promise<void> => undefined };
beforeEach(async () => {
  const server = createServer((_request, response) => {
    metadata.asked += 1;
    if (!metadata.hole) response.end(JSON.stringify({ access_token: 'token', expires_in: TOKEN_LIFE_S }));
  });
  Object.assign(metadata, { origin: await listenOnLoopback(server), asked: 0, hole: false });
  metadata.close = () => closeServer(server);
  clock = fakeClock(NOW);
  storage = await startGcsFake();
  offer(FIVE_OFFERS.length);
  deps = testDeps(clock);
  const tokens = createMetadataTokens({ origin: metadata.origin, hostClock: clock });
  const reader = createGcsReader({
    endpoint: storage.endpoint,
    bucket: BUCKET,
    token: tokens.access,
    hostClock: clock,
  });
  const objects = {
    ...memoryObjects(),
    read: async (name: string) => {
      const found = await reader.read(name, null);
      return found === 'unchanged' ? null : found;
    },
    readUnless: (name: string, generation: string) => reader.read(name, generation),
  };
  const registry = createRegistryReader(objects);
  app = createScore({ ...deps, worldClock: clock, objects, registry, stage: 'auto', pause: () => setImmediate() });
});
afterEach(async () => {
  metadata.hole = false;
  storage.fault = () => null;
  const drained = app.drain();
  // Whoever still waits is let wait to its end.
  await clock.advance(OBJECTS_READ_DEADLINE_MS);
  await drained;
  await Promise.all([storage.close(), metadata.close()]);
});

function offer(count: number): void {
  const snapshot = { observed_at: rfc3339(clock.now()), offers: FIVE_OFFERS.slice(0, count) };
  storage.bucket.insert(OFFERS_OBJECT, new TextEncoder().encode(JSON.stringify(snapshot)), {}, {});
}
/** Time goes on, poll by poll, until it is so. */
const until = (condition: () => boolean | Promise<boolean>): Promise<true> =>
  vi.waitUntil(
    async () => {
      await clock.advance(POLL_INTERVAL_MS);
      return condition();
    },
    { timeout: 20_000, interval: 2 },
  ) as Promise<true>;
const ask = (): Promise<FunctionResponse> => post(app, '/agent/route', aRouteRequest());
const offers = async (): Promise<number> => bodyOf<ScoreAnswer>(await ask()).recommendations.length;
const said = (words: string): boolean => deps.lines.some(({ fields }) => String(fields['error']).includes(words));

test('a metadata server that takes the call and never answers: score answers from memory, and hears of news when it is back', async () => {
  await app.start();
  expect(await offers()).toBe(5);
  metadata.hole = true;
  const before = metadata.asked;
  // The token that it has serves on to its end.
  await until(() => metadata.asked > before);
  offer(4);
  await until(async () => (await offers()) === 4);
  await clock.advance(TOKEN_LIFE_S * 1_000);
  offer(3);
  // While it waits for a token, and when it has given up.
  expect(await offers()).toBe(4);
  await until(() => said('objects_unavailable: Cloud Storage: metadata server: no answer within 3 s'));
  expect(await offers()).toBe(4);
  metadata.hole = false;
  await until(async () => (await offers()) === 3);
});

test('from its start on it never answers: score says that it has no offers, and does not hang', async () => {
  metadata.hole = true;
  let started = false;
  void app.start().then(() => {
    started = true;
  });
  const startMs = clock.now();
  await until(() => started);
  expect(clock.now() - startMs).toBeLessThan(20_000);
  const answer = await ask();
  expect([answer.status, bodyOf<ErrorBody>(answer).error.code]).toEqual([503, 'offers_unavailable']);
  expect(said('metadata server: no answer within 3 s')).toBe(true);
});

test.each<[string, () => void, string]>([
  ['503', () => (storage.fault = () => ({ status: 503 })), 'objects_unavailable: '],
  ['403', () => (storage.fault = () => ({ status: 403 })), 'roles/storage.objectViewer'],
  ['a download whose sum is not its own', () => storage.bucket.damage(OFFERS_OBJECT, flipped), 'object_damaged: '],
])('storage answers %s: the last valid offers serve on, and it is said', async (_, fail, words) => {
  await app.start();
  offer(3);
  fail();
  await until(() => said(words));
  expect(await offers()).toBe(5);
  storage.fault = () => null;
  offer(2);
  await until(async () => (await offers()) === 2);
});

const flipped = (bytes: Uint8Array): Uint8Array => bytes.with(5, (bytes[5] ?? 0) ^ 1);
