/** Runs the jobs that have no result yet: first those that may share the machine, then one by one those that measure time. */
import { runInThreads } from '#cli/threads.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { isAlone, type LearningJob, type LearningResult, nameOf, secondsOf } from './jobs/index.ts';
import type { Measured, Results } from './results.ts';

interface Deps {
  readonly results: Results;
  readonly clock: HostClock;
  readonly signal: AbortSignal;
  onTurn(job: LearningJob, share: number): void;
  onDone(job: LearningJob, seconds: number): void;
}

/** The longest first, so that two threads end at about the same time. */
export const missing = (jobs: readonly LearningJob[], results: Pick<Results, 'get'>): readonly LearningJob[] =>
  jobs.filter((job) => results.get(job) === undefined).toSorted((a, b) => secondsOf(b) - secondsOf(a));

/** @throws TransientError internal, deadline_exceeded; the signal's reason */
export async function measure(jobs: readonly LearningJob[], deps: Deps): Promise<readonly Measured[]> {
  const { results, clock, signal, onTurn, onDone } = deps;
  const run = async (some: readonly LearningJob[]): Promise<void> => {
    const startedMs = new Map<LearningJob, number>();
    const started = (job: LearningJob): number => {
      const known = startedMs.get(job) ?? clock.now();
      startedMs.set(job, known);
      return known;
    };
    await runInThreads<LearningJob, LearningResult>(
      {
        script: new URL('./worker.ts', import.meta.url),
        name: 'aurora-bench',
        jobs: some,
        clock,
        nameOf,
        onStart: started,
        onTurn,
        onResult(job, result) {
          const seconds = (clock.now() - started(job)) / 1000;
          results.add(job, result, seconds);
          onTurn(job, 1);
          onDone(job, seconds);
        },
      },
      signal,
    );
  };
  const waiting = missing(jobs, results);
  await run(waiting.filter((job) => !isAlone(job)));
  for (const job of waiting.filter(isAlone)) await run([job]);
  return jobs.flatMap((job) => results.get(job) ?? []);
}
