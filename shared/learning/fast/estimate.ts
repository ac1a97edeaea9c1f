/** What the fast learner says of a candidate, and how it comes from heads and drifts. The same for the learner and for whoever scores with its posterior. */
import type { Features } from '#shared/domain/features.ts';
import { eachHead, HEADS, type PerHead } from '../heads.ts';
import { type Row, rowOf } from './effects.ts';
import type { EffectsView } from './effects-view.ts';
import type { ProviderDrifts } from './provider-drifts.ts';
import type { Words } from './words.ts';

/** What a model without a record says of any candidate; a trained model's raw outputs may take its place. */
export type Baseline = PerHead<number>;

/** Nine starts of ten succeed; an interruption in 30 hours; promises hold; two and a half minutes until ready. */
export const NO_RECORD: Baseline = {
  start: Math.log(9),
  hazard: Math.log(1 / 30),
  price: 0,
  latency: 0,
  ready: Math.log(150_000),
};

/** Linear predictors (heads.ts, unscaled) with their variances, and the variance of one response, 0 for heads that have none. */
export interface Estimate {
  readonly mean: PerHead<number>;
  readonly variance: PerHead<number>;
  /** What of the variance is the provider's drift: its candidates have it in common. */
  readonly drift: PerHead<number>;
  readonly noise: PerHead<number>;
  /** P(the provider is not as its record says). */
  readonly shifted: number;
  readonly row: Row;
}

/** Whoever says what a candidate is expected to do: the learner, or its posterior as it was stored. */
export interface Estimator {
  /** @param features of the set FEATURE_SET @param nowMs world epoch milliseconds: drifts fade */
  estimate(features: Features, baseline: Baseline, nowMs: number): Estimate;
  /** Of the predictors of one candidate with those of others, in their order. */
  covariances(one: Estimate, others: readonly Estimate[]): readonly PerHead<number>[];
}

export interface Knowledge {
  readonly words: Words;
  readonly view: () => EffectsView;
  /** Null: nothing is known of the provider. */
  readonly drifts: (provider: string) => ProviderDrifts | null;
}

export const estimatorOf = (knowledge: Knowledge): Estimator => ({
  estimate: (features, baseline, nowMs) => estimateOf(knowledge, features, baseline, nowMs),
  covariances(one, others) {
    const byEffects = knowledge.view().covariances(
      one.row,
      others.map(({ row }) => row),
    );
    return byEffects.map((common, i) =>
      others[i]?.row.provider === one.row.provider ? eachHead((head) => common[head] + one.drift[head]) : common,
    );
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
  const { moments, noise } = view();
  const by = moments(row);
  const shift = eachHead((head) => (known === null ? UNMOVED : known[head].at(nowMs)));
  return {
    mean: eachHead((head) => baseline[head] + by.mean[head] + shift[head].mean),
    variance: eachHead((head) => by.variance[head] + shift[head].variance),
    drift: eachHead((head) => shift[head].variance),
    noise,
    shifted: 1 - HEADS.reduce((asEver, head) => asEver * (1 - shift[head].shifted), 1),
    row,
  };
}

const UNMOVED = { mean: 0, variance: 0, shifted: 0 };
