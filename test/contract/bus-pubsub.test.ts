/** Against Google's emulator: `npm run test:emulator`, or the one that PUBSUB_EMULATOR_HOST names. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, test } from 'vitest';
import { createPubsubBus } from '#shared/adapters/bus/pubsub.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { type Emulator, findEmulator } from '#test/support/pubsub/emulator.ts';
import { emulatorClient } from '#test/support/pubsub/infrastructure.ts';
import { type BusHarness, type BusSetup, busContract } from './bus.ts';
import { startRecorder } from './bus-recorder.ts';

const given = process.env['PUBSUB_EMULATOR_HOST'];
const WANTED = process.env['AURORA_TEST_EMULATOR'] !== undefined || given !== undefined;
const found = WANTED ? await findEmulator() : { missing: 'npm run test:emulator runs these' };

if ('missing' in found) {
  describe('bus contract: Pub/Sub', () => {
    test.skip(found.missing, () => undefined);
  });
} else {
  const emulator = await found.start();
  afterAll(() => emulator.stop());
  process.stderr.write(
    `bus-pubsub: against ${given === undefined ? 'an emulator of its own' : `${given} (PUBSUB_EMULATOR_HOST)`}\n`,
  );
  busContract('Pub/Sub, by its emulator', (setup) => harness(setup, emulator, `aurora-test-${randomUUID()}`), {
    'bound in flight': 'flow control is the push endpoint’s, by its answers',
    'ordering key in the envelope': 'the emulator leaves it out of pushes',
    'delivery attempt': 'the emulator leaves it out of pushes',
    '202 acknowledges': 'the emulator takes it for a refusal',
  });
}

async function harness(setup: BusSetup, { endpoint }: Emulator, projectId: string): Promise<BusHarness> {
  const admin = emulatorClient(endpoint, projectId);
  const recorder = await startRecorder();
  for (const name of setup.topics) await admin.createTopic(name);
  for (const { name, topic, ordered = false, maxAttempts, deadLetterTopic = null } of setup.subscriptions)
    await admin.topic(topic).createSubscription(name, {
      pushEndpoint: recorder.url(`/${name}`),
      ackDeadlineSeconds: 10,
      enableMessageOrdering: ordered,
      ...(deadLetterTopic === null
        ? {}
        : {
            deadLetterPolicy: {
              deadLetterTopic: `projects/${projectId}/topics/${deadLetterTopic}`,
              maxDeliveryAttempts: maxAttempts ?? 5,
            },
          }),
    });
  const bus = createPubsubBus({
    projectId,
    endpoint,
    hostClock,
    topics: setup.topics,
    ...(setup.topicLimits === undefined ? {} : { topicLimits: setup.topicLimits }),
  });
  return {
    bus,
    recorder,
    async until(condition) {
      while (!condition()) await sleep(5);
    },
    async dispose() {
      recorder.script(() => 204);
      recorder.release(204);
      await bus.close();
      for (const { name } of setup.subscriptions) await admin.subscription(name).delete();
      for (const name of setup.topics) await admin.topic(name).delete();
      await admin.close();
      await recorder.close();
    },
  };
}
