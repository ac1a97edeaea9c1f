/**
 * Off-policy estimators of the mean reward of a target policy, each as a function of sums over the log, so that a bootstrap
 * resamples sums and not formulas. With w = target probability / propensity, r the reward, q and v a model's value of the
 * logged action and of the target policy:
 *   IPS        mean of w r                         (Horvitz and Thompson 1952)
 *   SNIPS      sum of w r / sum of w               (Swaminathan and Joachims 2015)
 *   DM         mean of v                           (direct method)
 *   DR         mean of v + w (r - q)               (Dudik, Langford and Li 2011)
 *   switch-DR  mean of v + w (r - q) where w <= threshold, of v elsewhere (Wang, Agarwal and Dudik 2017)
 * A log of several logging policies needs nothing else: every row is weighted by the propensity of its own logger.
 */
import type { Logged } from './logged.ts';
import { switchThreshold } from './switch-threshold.ts';

/** Per row, in the order of the log. The sums of its columns are all that an estimator reads. */
export interface Columns {
  readonly n: number;
  readonly weights: Float64Array;
  /** w r */
  readonly weighted: Float64Array;
  /** v; null unless every row has q and v. */
  readonly direct: Float64Array | null;
  /** v + w (r - q) */
  readonly doublyRobust: Float64Array | null;
  readonly switched: Float64Array | null;
  readonly threshold: number | null;
}

export interface ColumnSums {
  readonly n: number;
  readonly weights: number;
  readonly weighted: number;
  readonly direct: number | null;
  readonly doublyRobust: number | null;
  readonly switched: number | null;
}

export const ESTIMATORS = ['ips', 'snips', 'dm', 'dr', 'switch_dr'] as const;
export type Estimator = (typeof ESTIMATORS)[number];

/** @param clip weights above it count as it (Ionides 2008): less variance for some bias; Infinity: none */
export function columnsOf(log: readonly Logged[], clip: number): Columns {
  const n = log.length;
  const weights = Float64Array.from(log, (row) => Math.min(clip, row.targetProbability / row.propensity));
  const weighted = weights.map((w, i) => w * (log[i] as Logged).reward);
  if (!log.every((row) => row.qLogged !== null && row.vTarget !== null))
    return { n, weights, weighted, direct: null, doublyRobust: null, switched: null, threshold: null };
  const direct = Float64Array.from(log, (row) => row.vTarget as number);
  const correction = weights.map((w, i) => {
    const row = log[i] as Logged;
    return w * (row.reward - (row.qLogged as number));
  });
  const threshold = switchThreshold(weights, direct, correction);
  return {
    n,
    weights,
    weighted,
    direct,
    doublyRobust: direct.map((v, i) => v + (correction[i] as number)),
    switched: direct.map((v, i) => v + ((weights[i] as number) <= threshold ? (correction[i] as number) : 0)),
    threshold,
  };
}

/** Null where the log does not allow the estimate: no model, or (SNIPS) no row that the target policy could have made. */
export function estimate(estimator: Estimator, sums: ColumnSums): number | null {
  const mean = (sum: number | null): number | null => (sum === null ? null : sum / sums.n);
  switch (estimator) {
    case 'ips':
      return mean(sums.weighted);
    case 'snips':
      return sums.weights > 0 ? sums.weighted / sums.weights : null;
    case 'dm':
      return mean(sums.direct);
    case 'dr':
      return mean(sums.doublyRobust);
    case 'switch_dr':
      return mean(sums.switched);
    default:
      return estimator satisfies never;
  }
}

/** (sum w)^2 / sum w^2: as many rows of the target policy's own would tell as much (Kish 1965). 0 when no weight is positive. */
export function effectiveSampleSize(weights: Float64Array): number {
  const sum = weights.reduce((a, w) => a + w, 0);
  const squares = weights.reduce((a, w) => a + w * w, 0);
  return squares === 0 ? 0 : (sum * sum) / squares;
}
