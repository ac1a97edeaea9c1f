import type { TargetScale } from '../heads.ts';

/** Mean and spread by which values become numbers of the order of one. */
type Scale = TargetScale;

/** A spread below this is a constant: dividing by it would blow rounding up into signal. */
const SPREAD_FLOOR = 1e-6;
/**
 * Rows that a spread of 1 counts as before any is seen: features are logarithms, shares and flags, so 1 is what to expect.
 * Else a number that hardly moved in the first hours (the hour of day, a price) would be blown up to whole standard
 * deviations, and a model of those hours would speak of the next ones with the greatest certainty.
 */
const UNIT_SPREAD_ROWS = 60;
/** Stretches of the record between which a drift is looked for. */
const STRETCHES = 5;
/** Of the variance; a pure trend is not divided by zero. */
const MIN_STEADY_SHARE = 0.01;

/** Of one target over the rows that have it. */
export function targetScaleOf(values: readonly (number | null)[]): Scale {
  const { mean, variance } = momentsOf(values.filter((value) => value !== null));
  const std = Math.sqrt(variance);
  return { mean, std: std < SPREAD_FLOOR ? 1 : std };
}

/**
 * Of one numeric feature, values in order of time. The spread is no estimate of the past's but of what the weight on it may
 * rest on: it is divided by the share of the variance that lies within fifths of the record. What differs from fifth to fifth
 * only (the hour of day before a whole day was seen) cannot be told from all else that came with that time; so such a feature
 * enters small and the penalty on the weights keeps it silent, until the record has seen it come back.
 */
export function inputScaleOf(values: readonly number[]): Scale {
  const { mean, variance } = momentsOf(values);
  if (Math.sqrt(variance) < SPREAD_FLOOR) return { mean, std: 1 };
  const believed = variance / steadyShareOf(values, mean, variance) ** 2;
  return {
    mean,
    std: Math.sqrt((values.length * believed + UNIT_SPREAD_ROWS) / (values.length + UNIT_SPREAD_ROWS)),
  };
}

/** The share of the variance that is not between stretches; 1 = nothing moves with time. */
function steadyShareOf(values: readonly number[], mean: number, variance: number): number {
  let between = 0;
  for (let stretch = 0; stretch < STRETCHES; stretch++) {
    const at = (part: number): number => Math.floor((part * values.length) / STRETCHES);
    const part = values.slice(at(stretch), at(stretch + 1));
    between += (part.length / values.length) * (momentsOf(part).mean - mean) ** 2;
  }
  return Math.max(MIN_STEADY_SHARE, 1 - between / variance);
}

function momentsOf(values: readonly number[]): { readonly mean: number; readonly variance: number } {
  if (values.length === 0) return { mean: 0, variance: 0 };
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length };
}
