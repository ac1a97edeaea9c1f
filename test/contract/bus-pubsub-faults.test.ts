/** What a publisher sees of a Pub/Sub that is away, slow or refuses. Deadlines are real here, for the client has clocks of its own. */
import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPubsubBus } from '#shared/adapters/bus/pubsub.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { BUS_PUBLISH_DEADLINE_MS, REQUEST_DEADLINE_MS } from '#shared/defaults.ts';
import { AuroraError } from '#shared/errors.ts';
import type { Bus } from '#shared/ports/bus.ts';
import { type PublisherFake, STATUS, startPublisherFake } from '#test/support/pubsub/publisher-fake.ts';
import { message } from './bus-message.ts';

const DEADLINE_MS = 600;
/** A machine that is busy with other tests gets there late. */
const LATE_MS = 5_000;

const open = (endpoint: string): Bus =>
  createPubsubBus({ projectId: 'test', endpoint, hostClock, deadlineMs: DEADLINE_MS, topics: ['topic'] });

interface Failure {
  readonly code: string;
  readonly retryable: boolean;
  readonly message: string;
}

async function failureOf(publishing: Promise<unknown>): Promise<Failure> {
  const error = await publishing.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AuroraError)) throw new Error('expected a coded error', { cause: error });
  return { code: error.code, retryable: error.retryable, message: error.message };
}

/** How it fails, and that it has not been waited for for long. */
async function failsInTime(endpoint: string): Promise<Failure> {
  const bus = open(endpoint);
  const startedMs = performance.now();
  const failure = await failureOf(bus.publish('topic', [message('a', {}, 'k'), message('b', {}, 'k'), message('c')]));
  expect(performance.now() - startedMs).toBeLessThan(DEADLINE_MS + LATE_MS);
  await bus.close();
  expect(performance.now() - startedMs).toBeLessThan(DEADLINE_MS + LATE_MS);
  return failure;
}

describe('a Pub/Sub that nobody can reach', () => {
  test('nobody listens: bus_unavailable within the deadline, and closing ends', async () => {
    expect(await failsInTime('127.0.0.1:1')).toEqual({
      code: 'bus_unavailable',
      retryable: true,
      message: expect.stringMatching(/^publish to topic: .+/),
    });
  });

  test('whoever listens never says a word: the same', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    expect(await failsInTime(`127.0.0.1:${address.port}`)).toMatchObject({ code: 'bus_unavailable', retryable: true });
    expect(sockets.length).toBeGreaterThan(0);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  test('whoever answers at a door hears of it before the door does', () => {
    expect(BUS_PUBLISH_DEADLINE_MS).toBeLessThan(REQUEST_DEADLINE_MS);
  });
});

describe('a Pub/Sub that fails', () => {
  let fake: PublisherFake;
  let bus: Bus;
  beforeEach(async () => {
    fake = await startPublisherFake();
    bus = open(fake.endpoint);
  });
  afterEach(async () => {
    await bus.close();
    await fake.close();
  });
  const texts = (): readonly string[] => fake.taken.map(({ text }) => text);
  /** The next request, and no other. */
  const once = (what: ReturnType<PublisherFake['fault']>): PublisherFake['fault'] => {
    let left = 1;
    return () => (left-- > 0 ? what : null);
  };

  test('takes the request and never answers it: bus_unavailable within the deadline', async () => {
    fake.fault = () => 'black hole';
    expect(await failsInTime(fake.endpoint)).toMatchObject({ code: 'bus_unavailable', retryable: true });
    expect(texts()).toEqual([]);
  });

  test.each<[string, ReturnType<PublisherFake['fault']>]>([
    ['is away for a moment', STATUS.unavailable],
    ['fails within', STATUS.internal],
    ['is at its quota', STATUS.resourceExhausted],
    ['cuts the connection', 'cut'],
  ])('%s: the client asks again, and the caller need not know', async (_, fault) => {
    fake.fault = once(fault);
    expect(await bus.publish('topic', [message('a')])).toEqual(['m0']);
    expect([fake.requests, texts()]).toEqual([2, ['a']]);
  });

  test('an answer that is lost makes two of a message, never none', async () => {
    fake.fault = once('answer lost');
    expect(await bus.publish('topic', [message('a')])).toEqual(['m1']);
    expect(texts()).toEqual(['a', 'a']);
  });

  test('is away for longer: bus_unavailable, nothing was taken, and the next publish goes through', async () => {
    fake.fault = () => STATUS.unavailable;
    expect(await failureOf(bus.publish('topic', [message('a')]))).toMatchObject({ code: 'bus_unavailable' });
    expect(fake.requests).toBeGreaterThan(1);
    fake.fault = () => null;
    expect(await bus.publish('topic', [message('a')])).toEqual(['m0']);
  });

  test.each([STATUS.permissionDenied, STATUS.unauthenticated])(
    'gRPC %i: asked once, and the right that is missing is named',
    async (status) => {
      fake.fault = () => status;
      expect(await failureOf(bus.publish('topic', [message('a')]))).toEqual({
        code: 'bus_unavailable',
        retryable: true,
        message: expect.stringContaining('the service account needs roles/pubsub.publisher'),
      });
      expect(fake.requests).toBe(1);
    },
  );

  test('has no such topic, yet: nothing is lost by it', async () => {
    fake.fault = () => STATUS.notFound;
    expect(await failureOf(bus.publish('topic', [message('a')]))).toEqual({
      code: 'bus_unavailable',
      retryable: true,
      message: expect.stringContaining('Pub/Sub has none of this name in the project: terraform apply'),
    });
  });

  test('without a list of topics, any of the project is asked for, and of another by its full name', async () => {
    const any = createPubsubBus({ projectId: 'test', endpoint: fake.endpoint, hostClock, topics: null });
    try {
      for (const topic of ['jobs', 'projects/other/topics/jobs']) await any.publish(topic, [message('a')]);
      expect(fake.topics).toEqual(['projects/test/topics/jobs', 'projects/other/topics/jobs']);
    } finally {
      await any.close();
    }
  });

  test('messages of a key that failed together go again together, in their order; the key is not held back', async () => {
    fake.fault = (of) => (of.includes('a1') ? STATUS.permissionDenied : null);
    const batch = [message('a1', {}, 'a'), message('a2', {}, 'a'), message('b1', {}, 'b')];
    expect(await failureOf(bus.publish('topic', batch))).toMatchObject({ code: 'bus_unavailable' });
    expect(texts()).toEqual(['b1']);
    // Before the failure is known, after it: neither overtakes what failed.
    fake.fault = () => null;
    await bus.publish('topic', batch);
    await bus.publish('topic', [message('a3', {}, 'a')]);
    expect(texts().filter((text) => text.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
  });

  test('of more messages of a key than a request takes, none overtakes those that failed', async () => {
    const many = Array.from({ length: 250 }, (_, i) => message(`a${i}`, {}, 'a'));
    fake.fault = once(STATUS.permissionDenied);
    expect(await failureOf(bus.publish('topic', many))).toMatchObject({ code: 'bus_unavailable' });
    expect(texts()).toEqual([]);
    await bus.publish('topic', many);
    expect(texts()).toEqual(many.map((_, i) => `a${i}`));
  });
});
