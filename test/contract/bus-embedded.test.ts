import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createEmbeddedBus } from '#shared/adapters/bus/embedded/index.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { type BusHarness, type BusSetup, busContract } from './bus.ts';
import { startRecorder } from './bus-recorder.ts';

/** The machine's clock with backoffs of milliseconds: nothing here waits for a time, only for a push. */
async function harness(setup: BusSetup, inProcess: boolean): Promise<BusHarness> {
  const directory = await mkdtemp(join(tmpdir(), 'aurora-bus-'));
  const recorder = await startRecorder();
  const bus = await createEmbeddedBus({
    file: join(directory, 'bus.sqlite'),
    topics: setup.topics,
    subscriptions: setup.subscriptions.map((subscription) => ({
      pushUrl: null,
      ackDeadlineMs: 60_000,
      minBackoffMs: 1,
      maxBackoffMs: 20,
      maxAttempts: 100,
      deadLetterTopic: null,
      ordered: false,
      maxInFlight: 8,
      ...subscription,
    })),
    hostClock,
    random: () => 0.5,
    inProcess,
  });
  await bus.start(setup.subscriptions.map(({ name }) => ({ name, pushUrl: recorder.url(`/${name}`) })));
  return {
    bus,
    recorder,
    async until(condition) {
      while (!condition()) await nextTurn();
    },
    async dispose() {
      recorder.script(() => 204);
      recorder.release(204);
      await bus.close();
      await recorder.close();
      await rm(directory, { recursive: true });
    },
  };
}

busContract('embedded, in a worker', (setup) => harness(setup, false));
busContract('embedded, in process', (setup) => harness(setup, true));
