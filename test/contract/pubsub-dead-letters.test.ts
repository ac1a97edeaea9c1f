/** Against Google's emulator: `npm run test:emulator`; what it refuses, and how, against a server that says so. */
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createPubsubBus } from '#shared/adapters/bus/pubsub.ts';
import { createPubsubDeadLetters } from '#shared/adapters/bus/pubsub-dead-letters.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { deadLetterTopicOf } from '#shared/topology.ts';
import { fakeClock } from '#test/support/clock.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';
import { type Emulator, findEmulator } from '#test/support/pubsub/emulator.ts';
import { emulatorClient } from '#test/support/pubsub/infrastructure.ts';
import { startRecorder } from './bus-recorder.ts';

const TOPIC = 'events';
const WANTED = process.env['AURORA_TEST_EMULATOR'] !== undefined;
const found = WANTED ? await findEmulator() : { missing: 'npm run test:emulator runs these' };

describe('dead letters in Pub/Sub', () => {
  if ('missing' in found) test.skip(found.missing, () => undefined);
  else {
    const emulator = found.start();
    afterAll(async () => (await emulator).stop());

    test('are shown with what gave them up, sent again to their topic, and gone', { timeout: 60_000 }, async () => {
      const { bus, letters, recorder, until } = await house(await emulator);
      recorder.script(() => 503);
      await bus.publish(TOPIC, [message('a'), message('b')]);
      const shown = await until(async () => {
        const page = await letters().deadLetters(10);
        return page.length === 2 ? page : null;
      });
      expect(shown.map(({ data }) => new TextDecoder().decode(data)).sort()).toEqual(['a', 'b']);
      expect(shown[0]).toMatchObject({
        messageId: expect.stringMatching(/^events\/\d+$/),
        sourceTopic: TOPIC,
        sourceSubscription: 'pushed',
        deliveryAttempts: 5,
        attributes: { event_id: expect.any(String) },
      });
      recorder.script(() => 204);
      const before = recorder.pushes.length;
      const again = letters();
      expect(await again.replayDeadLetter(`${TOPIC}/none`)).toBe(false);
      for (const { messageId } of shown) expect(await again.replayDeadLetter(messageId)).toBe(true);
      await until(async () => (recorder.pushes.length === before + 2 ? true : null));
      const { attributes = {} } = recorder.pushes.at(-1)?.envelope.message ?? {};
      expect(Object.keys(attributes)).toEqual(['event_id']);
      expect(await letters().deadLetters(10)).toEqual([]);
    });
  }

  test.each([
    [401, 'HTTP 401; log in with gcloud auth application-default login'],
    [403, 'HTTP 403; it takes roles/pubsub.subscriber on the subscription'],
    [404, 'HTTP 404; there is no such subscription, terraform makes it'],
    [503, 'HTTP 503'],
  ])('an answer %i says so, with the remedy, and never the token', async (status, why) => {
    const { letters } = await refusing(status);
    const error = await letters.deadLetters(10).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'bus_unavailable',
      message: `pull projects/p/subscriptions/${TOPIC}-dead-letter: ${why}`,
    });
    expect(String(error)).not.toContain('a-token');
    await letters.close();
    await expect(letters.deadLetters(10)).rejects.toMatchObject({ code: 'bus_unavailable' });
  });

  test('no answer is given up after 15 seconds', async () => {
    const { letters, asked, clock } = await refusing(null);
    const failing = letters.deadLetters(10).catch((reason: unknown) => reason);
    await vi.waitUntil(asked);
    await clock.advance(15_000);
    expect(await failing).toMatchObject({ message: expect.stringContaining('no answer within 15 s') });
  });
});

const message = (text: string) => ({ data: Buffer.from(text), attributes: { event_id: text } });

/** A server that refuses; null: that never answers. */
async function refusing(status: number | null) {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    if (status !== null) response.writeHead(status).end('{}');
  });
  onTestFinished(() => closeServer(server));
  const clock = fakeClock();
  const letters = createPubsubDeadLetters({
    projectId: 'p',
    origin: await listenOnLoopback(server),
    token: async () => 'a-token',
    topics: [TOPIC],
    publish: async () => [],
    hostClock: clock,
  });
  return { letters, clock, asked: () => requests > 0 };
}

/** A topic whose one subscription pushes to the recorder, and gives up after five deliveries. */
async function house({ endpoint }: Emulator) {
  const projectId = 'dead-letters';
  const admin = emulatorClient(endpoint, projectId);
  const recorder = await startRecorder();
  const deadLetters = deadLetterTopicOf(TOPIC);
  for (const name of [TOPIC, deadLetters]) await admin.createTopic(name);
  await admin.topic(deadLetters).createSubscription(deadLetters, { ackDeadlineSeconds: 60 });
  await admin.topic(TOPIC).createSubscription('pushed', {
    pushEndpoint: recorder.url('/pushed'),
    deadLetterPolicy: { deadLetterTopic: `projects/${projectId}/topics/${deadLetters}`, maxDeliveryAttempts: 5 },
  });
  const bus = createPubsubBus({ projectId, endpoint, hostClock, topics: [TOPIC] });
  onTestFinished(async () => {
    await bus.close();
    await admin.subscription('pushed').delete();
    await admin.close();
    await recorder.close();
  });
  return {
    bus,
    recorder,
    /** Each as a command of its own: what it leased is given back when the next is asked for. */
    letters() {
      const own = createPubsubDeadLetters({
        projectId,
        origin: `http://${endpoint}`,
        token: null,
        topics: [TOPIC],
        publish: bus.publish,
        hostClock,
      });
      return {
        ...own,
        async deadLetters(limit: number) {
          const page = await own.deadLetters(limit);
          await own.close();
          return page;
        },
      };
    },
    async until<T>(look: () => Promise<T | null>): Promise<T> {
      for (;;) {
        const seen = await look();
        if (seen !== null) return seen;
        await sleep(50);
      }
    },
  };
}
