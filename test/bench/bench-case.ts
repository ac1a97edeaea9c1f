/**
 * What a case of the bench takes and gives. A figure is the median over the rounds; its baseline was measured in the same
 * rounds, alternating with it, so that what else the machine does falls on both.
 */
import type { HostClock } from '#shared/ports/clock.ts';
import type { World } from './fixtures/world.ts';
import { median } from './stats.ts';

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly value: Spread;
  /** What the ratio is to: a floor (nothing can be better), a peer, or the plain way. */
  readonly baseline: { readonly name: string; readonly value: Spread } | null;
  /** Median over the rounds of value / baseline. */
  readonly ratio: number | null;
  /** At least it when higher is better, at most it when lower is. */
  readonly aim: number | null;
  /** What was done about it, for the report when the aim is missed. */
  readonly tried: string | null;
}

export interface CaseResult {
  readonly figures: readonly Figure[];
  /** What was measured, in plain words: sizes, settings, versions. */
  readonly facts: readonly string[];
}

export interface BenchContext {
  /** A smoke run: everything happens, nothing is measured well. */
  readonly quick: boolean;
  /** An empty directory of this case's own, removed afterwards. */
  readonly directory: string;
  readonly hostClock: HostClock;
  /** Trained once per run of the bench. */
  world(): Promise<World>;
}

export interface BenchCase {
  readonly name: string;
  readonly title: string;
  /** It takes so long that it runs only when --only names it. */
  readonly onlyByName?: boolean;
  readonly run: (context: BenchContext) => Promise<CaseResult>;
}

export const spreadOf = (values: readonly number[]): Spread => ({
  median: median(values),
  low: Math.min(...values),
  high: Math.max(...values),
});

/** A figure from the numbers of its rounds; `baseline.values[i]` belongs to the round of `values[i]`. */
export function figure(given: {
  readonly name: string;
  readonly unit: string;
  readonly better: Figure['better'];
  readonly values: readonly number[];
  readonly baseline?: { readonly name: string; readonly values: readonly number[] };
  readonly aim?: number;
  readonly tried?: string;
}): Figure {
  const { name, unit, better, values, baseline, aim, tried } = given;
  return {
    name,
    unit,
    better,
    value: spreadOf(values),
    baseline: baseline === undefined ? null : { name: baseline.name, value: spreadOf(baseline.values) },
    ratio: baseline === undefined ? null : median(values.map((value, i) => value / (baseline.values[i] ?? Number.NaN))),
    aim: aim ?? null,
    tried: tried ?? null,
  };
}

export const meetsAim = ({ aim, better, value }: Figure): boolean | null =>
  aim === null ? null : better === 'higher' ? value.median >= aim : value.median <= aim;
