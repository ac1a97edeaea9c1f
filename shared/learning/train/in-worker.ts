import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { TRAINING_DEADLINE_MS } from '#shared/defaults.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { TrainedModel, TrainProgress, TrainRequest } from './index.ts';
import type { FromWorker, ToWorker } from './protocol.ts';

export interface WorkerDeps {
  readonly clock: HostClock;
  onProgress?(progress: TrainProgress): void;
  /** Stops the worker; the training is then to be asked for again. */
  readonly signal?: AbortSignal;
  readonly deadlineMs?: number;
  /** The worker's module: a bundle keeps it elsewhere. */
  readonly workerUrl?: URL;
}

/** Rows copied to the worker per turn of the event loop: about 3 ms. */
const ROWS_PER_TURN = 512;

/**
 * `trainModel` in a thread of its own: the event loop of the caller stays free (its delay: p99 8 ms). Loads no tfjs here.
 * The thread ends with the call, however it ends.
 * @throws what trainModel throws; TransientError deadline_exceeded, draining (aborted), internal (the worker crashed)
 */
export async function trainInWorker(request: TrainRequest, deps: WorkerDeps): Promise<TrainedModel> {
  const { signal, deadlineMs = TRAINING_DEADLINE_MS, workerUrl = new URL('./worker.ts', import.meta.url) } = deps;
  if (signal?.aborted) throw aborted(signal);
  const worker = new Worker(workerUrl, { name: 'aurora-train' });
  const outcome = Promise.withResolvers<TrainedModel>();
  const stop = (): void => outcome.reject(aborted(signal));
  const cancelDeadline = deps.clock.after(deadlineMs, () =>
    outcome.reject(new TransientError('deadline_exceeded', `training took longer than ${deadlineMs} ms`)),
  );
  signal?.addEventListener('abort', stop, { once: true });
  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'progress') deps.onProgress?.(message.progress);
    else if (message.kind === 'done') outcome.resolve(message.model);
    else outcome.reject(new RejectedError(message.code, message.message));
  });
  worker.on('error', (cause) => outcome.reject(crashed(cause)));
  worker.on('messageerror', (cause) => outcome.reject(crashed(cause)));
  worker.on('exit', (code) => outcome.reject(crashed(new Error(`exit code ${code}`))));
  try {
    await Promise.race([outcome.promise, send(worker, request)]);
    return await outcome.promise;
  } finally {
    cancelDeadline();
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

/** A terminated worker takes no more messages and posting to it does nothing, so an early end needs no word here. */
async function send(worker: Worker, { examples, ...request }: TrainRequest): Promise<void> {
  const post = (message: ToWorker): void => worker.postMessage(message);
  for (let from = 0; from < examples.length; from += ROWS_PER_TURN) {
    post({ kind: 'rows', rows: examples.slice(from, from + ROWS_PER_TURN) });
    await setImmediate();
  }
  post({ kind: 'train', request });
}

const aborted = (signal: AbortSignal | undefined): TransientError =>
  new TransientError('draining', 'training was stopped', { cause: signal?.reason });

const crashed = (cause: unknown): TransientError =>
  new TransientError('internal', 'the training worker crashed', { cause });
