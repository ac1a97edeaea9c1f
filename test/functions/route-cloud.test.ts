/** route over Pub/Sub and over state in Cloud Storage, when either fails: what the caller sees, and that one request is one decision. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createRoute } from '#functions/route/handler.ts';
import { createPubsubBus } from '#shared/adapters/bus/pubsub.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { createGcsObjects } from '#shared/adapters/objects/gcs/index.ts';
import { createObjectState } from '#shared/adapters/state/objects.ts';
import { STATE_DEADLINE_MS } from '#shared/defaults.ts';
import { ERROR_CATALOGUE, type ErrorBody, type ErrorCode } from '#shared/errors.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { createBreaker } from '#shared/runtime/breaker.ts';
import type { FunctionApp, FunctionResponse } from '#shared/runtime/types.ts';
import { TOPICS } from '#shared/topology.ts';
import { BUCKET, type GcsFake, startGcsFake } from '#test/support/gcs/server.ts';
import { type PublisherFake, STATUS, startPublisherFake } from '#test/support/pubsub/publisher-fake.ts';
import { bodyOf, post } from '#test/support/push.ts';
import { aRouteRequest, FIVE_OFFERS, routeHouse, SALT } from '#test/support/route-house.ts';

const PUBLISH_DEADLINE_MS = 500;

let storage: GcsFake;
let pubsub: PublisherFake;
let house: ReturnType<typeof routeHouse>;
let objects: Objects;
const closing: (() => Promise<void>)[] = [];
beforeEach(async () => {
  [storage, pubsub] = await Promise.all([startGcsFake(), startPublisherFake()]);
  house = routeHouse();
  await house.offer(FIVE_OFFERS);
  objects = createGcsObjects({
    bucket: BUCKET,
    endpoint: storage.endpoint,
    token: () => Promise.reject(new Error('expected no credentials')),
    newMark: randomUUID,
    hostClock: house.clock,
  });
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await objects.close();
  await Promise.all([storage.close(), pubsub.close()]);
});

/** An instance; its Pub/Sub is there, or nobody is. */
async function open(endpoint = pubsub.endpoint): Promise<FunctionApp> {
  const bus = createPubsubBus({
    projectId: 'test',
    endpoint,
    hostClock,
    deadlineMs: PUBLISH_DEADLINE_MS,
    topics: TOPICS,
  });
  const app = createRoute({
    ...house.deps,
    worldClock: house.clock,
    objects: house.objects,
    bus,
    state: createObjectState({ objects, folder: 'state/', hostClock: house.clock }),
    salt: SALT,
    stage: 'auto',
    waiting: async () => null,
    newRequestId: randomUUID,
    identify: null,
    providers: async () => [],
    scores: {
      breaker: createBreaker({ name: 'score' }),
      score: async () => ({ answer: null, reason: 'upstream_unavailable' }),
      close: async () => undefined,
    },
  });
  await app.start();
  closing.push(async () => {
    await app.drain();
    await bus.close();
  });
  return app;
}

const ask = (app: FunctionApp): Promise<FunctionResponse> => post(app, '/route', aRouteRequest());
const taken = (topic: string): readonly string[] =>
  pubsub.taken.filter((message) => message.topic === topic).map(({ text }) => text);

function expectUnavailable(answer: FunctionResponse, code: ErrorCode): void {
  expect([answer.status, answer.headers?.['retry-after']]).toEqual([503, '1']);
  const { message, ...rest } = bodyOf<ErrorBody>(answer).error;
  expect(rest).toEqual({ code, remedy: ERROR_CATALOGUE[code].remedy });
  expect(message.length).toBeGreaterThan(10);
}

/** The answer to the request that failed before, asked as a tenant does; of its events, however often they were sent, there is one each. */
async function expectOneDecision(app: FunctionApp): Promise<void> {
  let answer = await ask(app);
  // On a busy machine the client may still be at the publish that was given up.
  for (let attempt = 1; answer.status === 503 && attempt < 5; attempt++) answer = await ask(app);
  expect(answer.status).toBe(200);
  const { decision_id, offer_id, status } = bodyOf(answer);
  expect(status).toBe('provisioning');
  const [decisions, deployments] = [new Set(taken('routing-decisions')), new Set(taken('deployments-requested'))];
  expect([decisions.size, deployments.size]).toEqual([1, 1]);
  expect(JSON.parse([...decisions][0] ?? '')).toMatchObject({ decision_id, final_offer_id: offer_id });
  expect(JSON.parse([...deployments][0] ?? '')).toMatchObject({ decision_id, option: { offer_id } });
  expect((await ask(app)).body).toBe(answer.body);
}

describe('Pub/Sub', () => {
  test('is not there: 503, nothing is deployed; the same request later is one decision', async () => {
    expectUnavailable(await ask(await open('127.0.0.1:1')), 'bus_unavailable');
    expect(pubsub.taken).toEqual([]);
    await expectOneDecision(await open());
  });

  test('never answers: the same', async () => {
    pubsub.fault = () => 'black hole';
    const app = await open();
    expectUnavailable(await ask(app), 'bus_unavailable');
    expect(pubsub.taken).toEqual([]);
    pubsub.fault = () => null;
    await expectOneDecision(app);
  });

  test.each(['routing-decisions', 'deployments-requested'])('refuses %s alone: the same', async (refused) => {
    pubsub.fault = (_, topic) => (topic === refused ? STATUS.permissionDenied : null);
    const app = await open();
    const answer = await ask(app);
    expectUnavailable(answer, 'bus_unavailable');
    expect(bodyOf<ErrorBody>(answer).error.message).toContain('roles/pubsub.publisher');
    expect(taken(refused)).toEqual([]);
    pubsub.fault = () => null;
    await expectOneDecision(app);
  });

  test('an answer that is lost is no failure, and sends the same events again', async () => {
    let lost = 0;
    pubsub.fault = () => (lost++ === 0 ? 'answer lost' : null);
    await expectOneDecision(await open());
    expect(pubsub.taken.length).toBeGreaterThan(2);
  });
});

describe('Cloud Storage', () => {
  test('takes the intent and loses the answer: the second try finds its own success', async () => {
    let lost = 0;
    storage.fault = ({ method }) => (method === 'POST' && lost++ === 0 ? 'answer lost' : null);
    await expectOneDecision(await open());
    expect(storage.bucket.list('state/', '')).toHaveLength(1);
  });

  test('takes no intent: 503 before anything is published; the same request later is one decision', async () => {
    storage.fault = ({ method }) => (method === 'POST' ? { status: 503 } : null);
    const app = await open();
    const asked = ask(app);
    await vi.waitUntil(() => storage.requests.some((request) => request.startsWith('POST')), { timeout: 10_000 });
    await house.clock.advance(STATE_DEADLINE_MS);
    expectUnavailable(await asked, 'state_unavailable');
    expect(pubsub.taken).toEqual([]);
    storage.fault = () => null;
    await expectOneDecision(app);
  });

  test('lets nobody read: 503 with the right that is missing, nothing is published', async () => {
    storage.fault = () => ({ status: 403 });
    const app = await open();
    const answer = await ask(app);
    expectUnavailable(answer, 'objects_unavailable');
    expect(bodyOf<ErrorBody>(answer).error.message).toContain('roles/storage.objectViewer');
    expect(pubsub.taken).toEqual([]);
    storage.fault = () => null;
    await expectOneDecision(app);
  });
});
