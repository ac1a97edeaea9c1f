import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { type Game, type Job, jobsOf } from './game.ts';
import type { FromThread, ThreadGame, ToThread } from './protocol.ts';
import type { Play } from './world.ts';

/** More would starve whatever else runs on a machine of two cores. */
const MAX_THREADS = 2;
/** A thread tells of itself many times a second; one that is silent so long hangs. */
const SILENCE_LIMIT_MS = 5 * 60_000;

export interface PlayedJob extends Job {
  readonly play: Play;
}

interface Deps {
  readonly clock: HostClock;
  /** Requests of the job that are done. */
  onTurn(job: Job, done: number): void;
}

/** Plays every job; the threads end with the call, however it ends. @throws TransientError internal, deadline_exceeded */
export async function playGame(game: Game, deps: Deps): Promise<readonly PlayedJob[]> {
  const waiting = [...jobsOf(game)];
  const played: PlayedJob[] = [];
  const threads = Math.min(MAX_THREADS, availableParallelism(), waiting.length);
  const workers = Array.from({ length: threads }, () => {
    const workerData: ThreadGame = game;
    return new Worker(new URL('./worker.ts', import.meta.url), { name: 'aurora-wargame', workerData });
  });
  const work = async (worker: Worker): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      played.push({ ...job, play: await playIn(worker, job, deps) });
      deps.onTurn(job, game.decisions);
    }
  };
  try {
    await Promise.all(workers.map(work));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return played;
}

async function playIn(worker: Worker, job: Job, { clock, onTurn }: Deps): Promise<Play> {
  const { promise, resolve, reject } = Promise.withResolvers<Play>();
  const silent = (): void =>
    reject(new TransientError('deadline_exceeded', `${nameOf(job)}: no word for ${SILENCE_LIMIT_MS} ms`));
  let cancelDeadline = clock.after(SILENCE_LIMIT_MS, silent);
  const onMessage = (message: FromThread): void => {
    cancelDeadline();
    cancelDeadline = clock.after(SILENCE_LIMIT_MS, silent);
    if (message.kind === 'turn') onTurn(job, message.done);
    else resolve(message.play);
  };
  const onError = (cause: unknown): void =>
    reject(new TransientError('internal', `${nameOf(job)}: the thread crashed: ${String(cause)}`, { cause }));
  const onExit = (code: number): void => onError(new Error(`exit code ${code}`));
  worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  try {
    worker.postMessage(job satisfies ToThread);
    return await promise;
  } finally {
    cancelDeadline();
    worker.off('message', onMessage).off('error', onError).off('exit', onExit);
  }
}

const nameOf = ({ policy, seed }: Job): string => `${policy}, world ${seed}`;
