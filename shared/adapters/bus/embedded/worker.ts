/** Entry point of the thread: the engine on the machine's clock and real sockets, asked by messages. */
import { workerData } from 'node:worker_threads';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { serveThread } from '../../thread/serve.ts';
import { seededRandom } from './chaos.ts';
import { createEngine, type EmbeddedBus } from './engine.ts';
import type { WorkerStart } from './protocol.ts';
import { httpPush } from './push.ts';
import { openStore } from './store.ts';
import { storeError } from './store-error.ts';

serveThread({
  unavailable: 'bus_unavailable',
  named: storeError,
  open(log) {
    const { file, maxBytes, seed, config } = workerData as WorkerStart;
    const store = openStore({ file, ...(maxBytes === undefined ? {} : { maxBytes }) });
    const client = httpPush();
    const bus = createEngine(config, {
      store,
      clock: hostClock,
      random: seededRandom(seed),
      push: client.push,
      log,
    });
    return async (method, args) => {
      const call = bus[method as keyof EmbeddedBus] as (...given: readonly unknown[]) => Promise<unknown>;
      const value = await call(...args);
      return method === 'close' ? client.close() : value;
    };
  },
});
