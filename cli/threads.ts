/**
 * Jobs on worker threads: each thread takes the next one when it has done one; all threads end with the call, however it
 * ends. `runInThreads` is the side that has the jobs, `serveJobs` the one that does them.
 */
import { availableParallelism } from 'node:os';
import { parentPort, Worker } from 'node:worker_threads';
import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';

/** More would starve whatever else runs on a machine of two cores. */
export const MAX_THREADS = 2;
/** A thread tells of itself many times a second; one that is silent so long hangs. */
const SILENCE_LIMIT_MS = 5 * 60_000;

/** What a thread says. `done`: how far it is, in the units of the job. */
type FromThread<Result> =
  | { readonly kind: 'turn'; readonly done: number }
  | { readonly kind: 'result'; readonly result: Result };

export interface ThreadWork<Job, Result> {
  /** Calls serveJobs. */
  readonly script: URL;
  readonly name: string;
  readonly workerData?: unknown;
  /** In the order in which they are taken. */
  readonly jobs: readonly Job[];
  readonly clock: HostClock;
  nameOf(job: Job): string;
  onStart?(job: Job): void;
  onTurn(job: Job, done: number): void;
  onResult(job: Job, result: Result): void;
}

/** @throws TransientError internal, deadline_exceeded; the signal's reason */
export async function runInThreads<Job, Result>(work: ThreadWork<Job, Result>, signal?: AbortSignal): Promise<void> {
  const waiting = [...work.jobs];
  const threads = Math.min(MAX_THREADS, availableParallelism(), waiting.length);
  const workers = Array.from(
    { length: threads },
    () => new Worker(work.script, { name: work.name, workerData: work.workerData }),
  );
  const stopped = Promise.withResolvers<never>();
  const stop = (): void => stopped.reject(signal?.reason);
  signal?.addEventListener('abort', stop);
  const take = async (worker: Worker): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      signal?.throwIfAborted();
      work.onStart?.(job);
      work.onResult(job, await runIn(worker, job, work));
    }
  };
  try {
    await Promise.race([Promise.all(workers.map(take)), stopped.promise]);
  } finally {
    signal?.removeEventListener('abort', stop);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

async function runIn<Job, Result>(worker: Worker, job: Job, work: ThreadWork<Job, Result>): Promise<Result> {
  const { clock, nameOf, onTurn } = work;
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const silent = (): void =>
    reject(new TransientError('deadline_exceeded', `${nameOf(job)}: no word for ${SILENCE_LIMIT_MS} ms`));
  let cancelDeadline = clock.after(SILENCE_LIMIT_MS, silent);
  const onMessage = (message: FromThread<Result>): void => {
    cancelDeadline();
    cancelDeadline = clock.after(SILENCE_LIMIT_MS, silent);
    if (message.kind === 'turn') onTurn(job, message.done);
    else resolve(message.result);
  };
  const onError = (cause: unknown): void =>
    reject(new TransientError('internal', `${nameOf(job)}: the thread crashed: ${String(cause)}`, { cause }));
  const onExit = (code: number): void => onError(new Error(`exit code ${code}`));
  worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  try {
    worker.postMessage(job);
    return await promise;
  } finally {
    cancelDeadline();
    worker.off('message', onMessage).off('error', onError).off('exit', onExit);
  }
}

/** In the thread: does one job after the other. The job was checked before it was sent; what fails here is a crash. */
export function serveJobs<Job, Result>(run: (job: Job, onTurn: (done: number) => void) => Promise<Result>): void {
  if (parentPort === null) throw new Error('expected to run in a worker thread');
  const port = parentPort;
  const tell = (message: FromThread<Result>): void => port.postMessage(message);
  port.on('message', async (job: Job) => {
    tell({ kind: 'result', result: await run(job, (done) => tell({ kind: 'turn', done })) });
  });
}
