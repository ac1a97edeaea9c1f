/** What the fast learner says of a candidate, and how it comes from heads and drifts. The same for the learner and for whoever scores with its posterior. */
import type { Features } from '#shared/domain/features.ts';
import { type Row, rowOf } from './effects.ts';
import type { HeadView } from './head-view.ts';
import type { ProviderDrifts } from './provider-drifts.ts';
import type { Words } from './words.ts';

/** What a model without a record says of any candidate; a trained model's raw outputs may take its place. Order of heads.ts. */
export interface Baseline {
  readonly start: number;
  readonly hazard: number;
  readonly price: number;
  readonly latency: number;
  readonly ready: number;
}

export type HeadName = keyof Baseline;
export const HEAD_NAMES: readonly HeadName[] = ['start', 'hazard', 'price', 'latency', 'ready'];

/** Nine starts of ten succeed; an interruption in 30 hours; promises hold; two and a half minutes until ready. */
export const NO_RECORD: Baseline = {
  start: Math.log(9),
  hazard: Math.log(1 / 30),
  price: 0,
  latency: 0,
  ready: Math.log(150_000),
};

/** Linear predictors (heads.ts, unscaled) with their variances, and the variance of one response of the gaussian heads. */
export interface Estimate {
  readonly mean: Baseline;
  readonly variance: Baseline;
  /** What of the variance is the provider's drift: its candidates have it in common. */
  readonly drift: Baseline;
  readonly noise: { readonly price: number; readonly latency: number; readonly ready: number };
  /** P(the provider is not as its record says). */
  readonly shifted: number;
  readonly row: Row;
}

/** Whoever says what a candidate is expected to do: the learner, or its posterior as it was stored. */
export interface Estimator {
  /** @param features of the set FEATURE_SET @param nowMs world epoch milliseconds: drifts fade */
  estimate(features: Features, baseline: Baseline, nowMs: number): Estimate;
  /** Of a head's predictor of one candidate with that of others: prepared once for the one that all are held against. */
  covarianceWith(head: HeadName, one: Estimate): (other: Estimate) => number;
}

export interface Knowledge {
  readonly words: Words;
  readonly view: (head: HeadName) => HeadView;
  /** Null: nothing is known of the provider. */
  readonly drifts: (provider: string) => ProviderDrifts | null;
}

export const estimatorOf = (knowledge: Knowledge): Estimator => ({
  estimate: (features, baseline, nowMs) => estimateOf(knowledge, features, baseline, nowMs),
  covarianceWith(head, one) {
    const byEffects = knowledge.view(head).covarianceWith(one.row);
    return (other) => byEffects(other.row) + (other.row.provider === one.row.provider ? one.drift[head] : 0);
  },
});

function estimateOf(
  { words, view, drifts }: Knowledge,
  features: Features,
  baseline: Baseline,
  nowMs: number,
): Estimate {
  const row = rowOf(features, words.finding);
  const known = drifts(row.provider);
  const [mean, variance, drift] = [{ ...baseline }, { ...baseline }, { ...baseline }];
  let asEver = 1;
  for (const head of HEAD_NAMES) {
    const of = view(head);
    const shift = known === null ? UNMOVED : known[head].at(nowMs);
    mean[head] = baseline[head] + of.mean(row) + shift.mean;
    variance[head] = of.variance(row) + shift.variance;
    drift[head] = shift.variance;
    asEver *= 1 - shift.shifted;
  }
  const noise = { price: view('price').noise, latency: view('latency').noise, ready: view('ready').noise };
  return { mean, variance, drift, noise, shifted: 1 - asEver, row };
}

const UNMOVED = { mean: 0, variance: 0, shifted: 0 };
