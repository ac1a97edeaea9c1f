/**
 * Whether what is asked for and offered has changed between two stretches of the record: the population stability index of each
 * feature (Siddiqi, Credit Risk Scorecards, 2006), less what chance alone makes of as many rows. Looked at over all candidates of
 * the decisions, never over those that were taken: who acts would look like drift. The hour of day is left out, for it only moves
 * on.
 */
import type { Features } from '#shared/domain/features.ts';
import { FEATURE_SET } from '../features.ts';

export interface DriftReport {
  /** Decisions on each side. */
  readonly before: number;
  readonly after: number;
  /** The feature that moved most, and its index over chance; null: too few decisions to tell. */
  readonly feature: string | null;
  readonly index: number | null;
}

/** Of each side, decisions: below, bins of a tenth hold so few that chance is all there is to see. */
const MIN_DECISIONS = 200;
const BINS = 10;
/** A word that is rarer is one of the others. */
const MIN_WORD_SHARE = 0.01;
const LEFT_OUT = new Set(['hour_sin', 'hour_cos']);

type Sample = readonly (readonly Features[])[];

/** @param before, after the candidates' features of each decision */
export function driftBetween(before: Sample, after: Sample): DriftReport {
  const sizes = { before: before.length, after: after.length };
  if (Math.min(before.length, after.length) < MIN_DECISIONS) return { ...sizes, feature: null, index: null };
  const [old, recent] = [before.flat(), after.flat()];
  // Candidates of a decision share most of it: as evidence they count as one.
  const noise = (bins: number): number => (bins - 1) * (1 / before.length + 1 / after.length);
  const indices = [
    ...FEATURE_SET.numeric.flatMap((name, i) =>
      LEFT_OUT.has(name) ? [] : [{ name, ...numericIndex(old, recent, ({ numeric }) => numeric[i] ?? 0) }],
    ),
    ...FEATURE_SET.categorical.map((name, i) => ({
      name,
      ...wordIndex(old, recent, ({ categorical }) => categorical[i] ?? ''),
    })),
  ].map(({ name, index, bins }) => ({ name, index: Math.max(0, index - noise(bins)) }));
  const most = indices.reduce((a, b) => (b.index > a.index ? b : a));
  return { ...sizes, feature: most.name, index: most.index };
}

/** Bins are deciles of the old values; equal values never part. */
function numericIndex(old: readonly Features[], recent: readonly Features[], of: (features: Features) => number) {
  const sorted = Float64Array.from(old, of).sort();
  const edges = [
    ...new Set(Array.from({ length: BINS - 1 }, (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / BINS)] ?? 0)),
  ];
  const binOf = (features: Features): number => {
    const value = of(features);
    const bin = edges.findIndex((edge) => value < edge);
    return bin === -1 ? edges.length : bin;
  };
  return stability(old.map(binOf), recent.map(binOf));
}

function wordIndex(old: readonly Features[], recent: readonly Features[], of: (features: Features) => string) {
  const counts = new Map<string, number>();
  for (const features of old) counts.set(of(features), (counts.get(of(features)) ?? 0) + 1);
  const binOf = (features: Features): string => {
    const word = of(features);
    return (counts.get(word) ?? 0) < MIN_WORD_SHARE * old.length ? '' : word;
  };
  return stability(old.map(binOf), recent.map(binOf));
}

/** Sum of (p - q) log(p / q) over the bins, half a row added to each so that an empty one is not infinitely far. */
function stability<B>(old: readonly B[], recent: readonly B[]): { readonly index: number; readonly bins: number } {
  const tally = (of: readonly B[]): Map<B, number> => {
    const counts = new Map<B, number>();
    for (const bin of of) counts.set(bin, (counts.get(bin) ?? 0) + 1);
    return counts;
  };
  const [p, q] = [tally(old), tally(recent)];
  const bins = new Set([...p.keys(), ...q.keys()]);
  let index = 0;
  for (const bin of bins) {
    const a = ((p.get(bin) ?? 0) + 0.5) / (old.length + bins.size / 2);
    const b = ((q.get(bin) ?? 0) + 0.5) / (recent.length + bins.size / 2);
    index += (a - b) * Math.log(a / b);
  }
  return { index, bins: bins.size };
}
