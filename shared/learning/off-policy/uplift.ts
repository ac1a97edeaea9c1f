/**
 * How much more one policy would have earned than another, from the log of a third. In: for each logged decision, in order of
 * time, what both would have done. Out: the mean difference by the doubly robust estimator and by SNIPS, with one-sided limits
 * by a bootstrap of contiguous blocks (neighbours share outages and load), and how much evidence there is.
 * Paired: what is hard for both cancels.
 */
import { blockSums, resampledSums } from '../evaluate/bootstrap.ts';
import { effectiveSampleSize } from './estimators.ts';

/** What a policy would have done at a logged decision. */
export interface Choice {
  /** Probability with which it takes the logged action. */
  readonly probability: number;
  /** A model's value of the logged action, and its expected value under the policy. */
  readonly q: number;
  readonly v: number;
}

export interface LoggedPair {
  readonly reward: number;
  /** Of the logged action under the policy that acted; in (0, 1]. */
  readonly propensity: number;
  readonly target: Choice;
  readonly other: Choice;
}

export interface Limits {
  readonly mean: number;
  /** One-sided, each at the error that was asked for. */
  readonly low: number;
  readonly high: number;
  /** Standard deviation of the mean. */
  readonly deviation: number;
}

export interface Uplift {
  readonly rows: number;
  readonly dr: Limits;
  /** Null: one of the two policies never takes what was logged. */
  readonly snips: Limits | null;
  /** Effective sample size of the target's weights, and the largest of them before clipping. */
  readonly ess: number;
  readonly max_weight: number;
}

export interface UpliftOptions {
  readonly seed: number;
  /** Error of each one-sided limit. */
  readonly alpha: number;
  /** Weights above it count as it (Ionides 2008): one row must not decide. */
  readonly clip: number;
}

/** Null of no rows. */
export function upliftOf(rows: readonly LoggedPair[], { seed, alpha, clip }: UpliftOptions): Uplift | null {
  if (rows.length === 0) return null;
  const weightOf = ({ probability }: Choice, { propensity }: LoggedPair): number =>
    Math.min(clip, probability / propensity);
  const weights = Float64Array.from(rows, (row) => weightOf(row.target, row));
  const others = Float64Array.from(rows, (row) => weightOf(row.other, row));
  const robust = ({ q, v }: Choice, weight: number, reward: number): number => v + weight * (reward - q);
  const dr = Float64Array.from(
    rows,
    (row, i) =>
      robust(row.target, weights[i] as number, row.reward) - robust(row.other, others[i] as number, row.reward),
  );
  const rewards = Float64Array.from(rows, ({ reward }) => reward);
  const earned = (of: Float64Array): Float64Array => of.map((weight, i) => weight * (rewards[i] as number));
  const columns = [dr, weights, earned(weights), others, earned(others)].map(blockSums);
  const count = blockSums(new Float64Array(rows.length).fill(1));
  const difference = ([, w, wr, o, or]: readonly number[]): number =>
    (wr as number) / (w as number) - (or as number) / (o as number);
  const draws = resampledSums([count, ...columns], seed);
  const whole = columns.map((sums) => sums.reduce((a, b) => a + b, 0));
  const limits = (value: number, drawn: readonly number[]): Limits => {
    const sorted = Float64Array.from(drawn).sort();
    const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? value;
    const middle = sorted.reduce((a, b) => a + b, 0) / sorted.length;
    const spread = sorted.reduce((sum, drawnValue) => sum + (drawnValue - middle) ** 2, 0) / sorted.length;
    return { mean: value, low: at(alpha), high: at(1 - alpha), deviation: Math.sqrt(spread) };
  };
  const snips = difference(whole);
  return {
    rows: rows.length,
    dr: limits(
      (whole[0] as number) / rows.length,
      draws.map(([n, sum]) => (sum as number) / (n as number)),
    ),
    snips: Number.isFinite(snips)
      ? limits(snips, draws.map(([, ...sums]) => difference(sums)).filter(Number.isFinite))
      : null,
    ess: effectiveSampleSize(weights),
    max_weight: rows.reduce((most, { target, propensity }) => Math.max(most, target.probability / propensity), 0),
  };
}
