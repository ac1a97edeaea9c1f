/** What the fast learner says of a candidate, and how it comes from heads and drifts. The same for the learner and for whoever scores with its posterior. */
import type { Features } from '#shared/domain/features.ts';
import { rowOf } from './effects.ts';
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
  readonly noise: { readonly price: number; readonly latency: number; readonly ready: number };
  /** P(the provider is not as its record says). */
  readonly shifted: number;
}

export interface Knowledge {
  readonly words: Words;
  readonly view: (head: HeadName) => HeadView;
  /** Null: nothing is known of the provider. */
  readonly drifts: (provider: string) => ProviderDrifts | null;
}

/** @param features of the set FEATURE_SET */
export function estimateOf(
  { words, view, drifts }: Knowledge,
  features: Features,
  baseline: Baseline,
  nowMs: number,
): Estimate {
  const row = rowOf(features, words.finding);
  const drift = drifts(row.provider);
  const mean = { ...baseline };
  const variance = { ...baseline };
  let asEver = 1;
  for (const head of HEAD_NAMES) {
    const of = view(head);
    const shift = drift === null ? UNMOVED : drift[head].at(nowMs);
    mean[head] = baseline[head] + of.mean(row) + shift.mean;
    variance[head] = of.variance(row) + shift.variance;
    asEver *= 1 - shift.shifted;
  }
  const noise = { price: view('price').noise, latency: view('latency').noise, ready: view('ready').noise };
  return { mean, variance, noise, shifted: 1 - asEver };
}

const UNMOVED = { mean: 0, variance: 0, shifted: 0 };
