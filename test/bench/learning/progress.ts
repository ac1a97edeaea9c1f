import { availableParallelism } from 'node:os';
import { MAX_THREADS } from '#cli/threads.ts';
import { isAlone, type LearningJob, nameOf, secondsOf } from './jobs/index.ts';

/** Where the bench stands, in words, and how long it will still take at the pace so far. */
export interface Progress {
  turn(job: LearningJob, share: number): void;
  /** @param elapsedMs since the bench began */
  line(elapsedMs: number): string;
}

export function createProgress(
  jobs: readonly LearningJob[],
  threads = Math.min(MAX_THREADS, availableParallelism()),
): Progress {
  const shares = new Map<LearningJob, number>();
  const wall = (job: LearningJob): number => secondsOf(job) / (isAlone(job) ? 1 : threads);
  const all = jobs.reduce((sum, job) => sum + wall(job), 0);
  return {
    turn: (job, share) => void shares.set(job, share),
    line(elapsedMs) {
      const spent = [...shares].reduce((sum, [job, share]) => sum + wall(job) * share, 0);
      const share = all === 0 ? 1 : spent / all;
      const done = [...shares.values()].filter((value) => value >= 1).length;
      const left = share === 0 ? [] : [`about ${minutes((elapsedMs * (1 / share - 1)) / 60_000)} left`];
      const running = [...shares]
        .filter(([, value]) => value < 1)
        .map(([job, value]) => `${nameOf(job)}: ${Math.floor(100 * value)} %`);
      return [`${done} of ${jobs.length} jobs`, ...left, ...running].join(' | ');
    },
  };
}

const minutes = (value: number): string => (value < 1.5 ? `${Math.ceil(60 * value)} s` : `${Math.round(value)} min`);
