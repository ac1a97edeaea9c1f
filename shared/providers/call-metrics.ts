import { AuroraError } from '#shared/errors.ts';
import type { Metrics } from '#shared/telemetry/metrics.ts';

/** From a local fake to a provider that takes its time. */
const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface Timed<T> {
  readonly value: T;
  /** Host milliseconds. */
  readonly ms: number;
}

/** Counts and times each attempt; waiting for its turn is not in it. */
export function callMetrics(
  metrics: Metrics,
  provider: string,
): <T>(operation: string, work: () => Promise<T>) => Promise<Timed<T>> {
  const calls = metrics.counter({
    name: 'aurora_provider_calls_total',
    help: 'Calls to a provider by what became of them: ok, or the code of the error.',
    labels: ['provider', 'operation', 'result'],
  });
  const seconds = metrics.histogram({
    name: 'aurora_provider_call_seconds',
    help: 'Time of a call to a provider, answer included.',
    labels: ['provider', 'operation'],
    buckets: BUCKETS_S,
  });
  return async (operation, work) => {
    const startedMs = metrics.stopwatchMs();
    const note = (result: string): number => {
      const ms = metrics.stopwatchMs() - startedMs;
      calls.with({ provider, operation, result }).add();
      seconds.with({ provider, operation }).observe(ms / 1_000);
      return ms;
    };
    try {
      const value = await work();
      return { value, ms: note('ok') };
    } catch (error) {
      // Anything else is the reason of a caller that gave up.
      note(error instanceof AuroraError ? error.code : 'given_up');
      throw error;
    }
  };
}
