import { parentPort } from 'node:worker_threads';
import { RejectedError } from '#shared/errors.ts';
import type { FromWorker, ToWorker } from './protocol.ts';
import { createStudy } from './study.ts';

/** Thread of the study: one call after the other, in the order in which they came. What is no refusal is a crash. */
if (parentPort === null) throw new Error('worker.ts runs in a worker thread only');
const port = parentPort;
const study = createStudy({ stopwatchMs: () => performance.now() });
let last: Promise<void> = Promise.resolve();

async function answer({ id, ...call }: ToWorker): Promise<void> {
  try {
    const method = study[call.method] as (...args: unknown[]) => Promise<unknown>;
    const value = await method(...call.args);
    port.postMessage({ id, value } satisfies FromWorker);
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    port.postMessage({ id, code: error.code as never, message: error.message } satisfies FromWorker);
  }
}

port.on('message', (call: ToWorker) => {
  last = last.then(() => answer(call));
});
