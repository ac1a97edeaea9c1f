import { quantile } from './stats.ts';

export interface CallTimes {
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Times each call by itself. The first half is not counted: the engine compiles meanwhile. */
export function timeCalls(calls: number, call: (index: number) => unknown): CallTimes {
  for (let i = 0; i < calls; i++) call(i);
  const times = new Float64Array(calls);
  for (let i = 0; i < calls; i++) {
    const since = performance.now();
    call(i);
    times[i] = (performance.now() - since) * 1_000;
  }
  return { p50Us: quantile(times, 0.5), p99Us: quantile(times, 0.99) };
}
