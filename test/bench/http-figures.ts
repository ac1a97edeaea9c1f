import { type Figure, figure } from './bench-case.ts';
import type { LoadResult } from './load.ts';

interface Measured {
  readonly name: string;
  readonly results: readonly LoadResult[];
}

/** Rate, p99 and the server's CPU of one subject against those of its floor, round by round. */
export function httpFigures(
  subject: Measured,
  floor: Measured,
  aim: { readonly perSecond?: number; readonly tried?: string } = {},
): Figure[] {
  const baseline = (of: (result: LoadResult) => number) => ({ name: floor.name, values: floor.results.map(of) });
  const cpu = (result: LoadResult): number => result.cpuUsPerRequest ?? Number.NaN;
  return [
    figure({
      name: subject.name,
      unit: 'requests/s',
      better: 'higher',
      values: subject.results.map(({ perSecond }) => perSecond),
      baseline: baseline(({ perSecond }) => perSecond),
      ...(aim.perSecond === undefined ? {} : { aim: aim.perSecond }),
      ...(aim.tried === undefined ? {} : { tried: aim.tried }),
    }),
    figure({
      name: `${subject.name}, p99`,
      unit: 'ms',
      better: 'lower',
      values: subject.results.map(({ p99Ms }) => p99Ms),
      baseline: baseline(({ p99Ms }) => p99Ms),
    }),
    figure({
      name: `${subject.name}, CPU of the server`,
      unit: 'µs/request',
      better: 'lower',
      values: subject.results.map(cpu),
      baseline: baseline(cpu),
    }),
  ];
}
