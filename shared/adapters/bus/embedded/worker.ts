import { parentPort, workerData } from 'node:worker_threads';
import { hostClock } from '#shared/adapters/clock/host.ts';
import type { Log } from '#shared/ports/log.ts';
import { seededRandom } from './chaos.ts';
import { createEngine, type EmbeddedBus } from './engine.ts';
import { type Answer, type Call, type FromWorker, type Level, toWire, type WorkerStart } from './protocol.ts';
import { httpPush } from './push.ts';
import { openStore } from './store.ts';
import { storeError } from './store-error.ts';

/** Entry point of the thread: the engine on the machine's clock and real sockets, asked by messages. */

const port = parentPort;
if (port === null) throw new Error('the worker of the embedded bus runs only as a worker thread');
const tell = (message: FromWorker): void => port.postMessage(message);

/** Answers of one turn of the loop leave as one message: a group commit resolves many at once. */
let answers: Answer[] = [];
function answer(one: Answer): void {
  if (answers.length === 0)
    setImmediate(() => {
      const together = answers;
      answers = [];
      tell({ type: 'answers', answers: together });
    });
  answers.push(one);
}

function threadLog(bindings: Readonly<Record<string, unknown>>): Log {
  const line = (level: Level) => (fields: Readonly<Record<string, unknown>>, message: string) =>
    tell({ type: 'log', level, fields: { ...bindings, ...fields }, message });
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: (fields) => threadLog({ ...bindings, ...fields }),
  };
}

function open(start: WorkerStart): { bus: EmbeddedBus; stop: () => Promise<void> } {
  const store = openStore({ file: start.file, ...(start.maxBytes === undefined ? {} : { maxBytes: start.maxBytes }) });
  const client = httpPush();
  const random = seededRandom(start.seed);
  const bus = createEngine(start.config, { store, clock: hostClock, random, push: client.push, log: threadLog({}) });
  return { bus, stop: client.close };
}

async function run(bus: EmbeddedBus, { method, args }: Call): Promise<unknown> {
  const call = bus[method] as (...args: readonly unknown[]) => Promise<unknown>;
  return call(...args);
}

try {
  const { bus, stop } = open(workerData as WorkerStart);
  port.on('message', (calls: readonly Call[]) => {
    for (const call of calls) {
      run(bus, call)
        .then((value) => (call.method === 'close' ? stop() : value))
        .then(
          (value) => answer({ id: call.id, value }),
          (error: unknown) => answer({ id: call.id, error: toWire(error) }),
        );
    }
  });
  tell({ type: 'opened' });
} catch (error) {
  tell({ type: 'failed', error: toWire(storeError(error)) });
}
