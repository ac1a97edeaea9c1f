import type { HostClock } from '#shared/ports/clock.ts';
import { runInThreads } from '../threads.ts';
import { type Game, type Job, jobsOf } from './game.ts';
import type { Play } from './world.ts';

export interface PlayedJob extends Job {
  readonly play: Play;
}

interface Deps {
  readonly clock: HostClock;
  /** Requests of the job that are done. */
  onTurn(job: Job, done: number): void;
}

/** Plays every job. @throws TransientError internal, deadline_exceeded */
export async function playGame(game: Game, { clock, onTurn }: Deps): Promise<readonly PlayedJob[]> {
  const played: PlayedJob[] = [];
  await runInThreads<Job, Play>({
    script: new URL('./worker.ts', import.meta.url),
    name: 'aurora-wargame',
    workerData: game,
    jobs: jobsOf(game),
    clock,
    nameOf: ({ policy, seed }) => `${policy}, world ${seed}`,
    onTurn,
    onResult(job, play) {
      played.push({ ...job, play });
      onTurn(job, game.decisions);
    },
  });
  return played;
}
