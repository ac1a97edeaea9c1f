/**
 * The study in a thread of its own: a refit takes 0.2 to 0.7 s and the statistics as text as long again (300 to 20,000
 * observations of ten providers), which no event loop beside a router can spare.
 * States: none -> running (first call) -> none (it crashed: every call under way fails, what was open is gone, and the next call
 * starts another) | stopped.
 */
import { Worker } from 'node:worker_threads';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { FromWorker, Study, ToWorker } from './protocol.ts';

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

type Method = Exclude<keyof Study, 'stop'>;

/** @param workerUrl the thread's module: a bundle keeps it elsewhere */
export function studyInThread({ workerUrl = new URL('./worker.ts', import.meta.url) } = {}): Study {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | null = null;
  let stopped = false;
  let calls = 0;

  const lose = (lost: Worker, cause: unknown): void => {
    if (worker !== lost) return;
    worker = null;
    const error = new TransientError('internal', 'the thread of the learners ended', { cause });
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };

  function running(): Worker {
    if (stopped) throw new TransientError('draining', 'the thread of the learners was stopped');
    if (worker !== null) return worker;
    const started = new Worker(workerUrl, { name: 'aurora-learn' });
    started.on('message', (message: FromWorker) => {
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if ('code' in message) call?.reject(new RejectedError(message.code, message.message));
      else call?.resolve(message.value as never);
    });
    started.on('error', (cause) => lose(started, cause));
    started.on('messageerror', (cause) => lose(started, cause));
    started.on('exit', (code) => lose(started, new Error(`exit code ${code}`)));
    worker = started;
    return started;
  }

  const call =
    <M extends Method>(method: M) =>
    (...args: Parameters<Study[M]>): ReturnType<Study[M]> =>
      new Promise((resolve, reject) => {
        const to = running();
        calls += 1;
        waiting.set(calls, { resolve, reject });
        to.postMessage({ id: calls, method, args } as unknown as ToWorker);
      }) as ReturnType<Study[M]>;

  return {
    open: call('open'),
    take: call('take'),
    readRecord: call('readRecord'),
    snapshot: call('snapshot'),
    posterior: call('posterior'),
    close: call('close'),
    async stop() {
      stopped = true;
      const last = worker;
      if (last === null) return;
      lose(last, new Error('stopped'));
      await last.terminate();
    },
  };
}
