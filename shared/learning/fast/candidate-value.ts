import type { Predicted } from '#shared/domain/decision.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { expectedUtility, partsFromRaw } from '../expected-utility.ts';
import type { TargetScales } from '../heads.ts';
import { type Estimate, HEAD_NAMES } from './estimate.ts';

export interface CandidateValue {
  readonly predicted: Predicted;
  readonly expectedUtility: number;
  /** Of the expected utility: what is not known, not what is left to chance. */
  readonly variance: number;
}

/** The linear predictors are in natural units already. */
const UNSCALED: TargetScales = {
  price: { mean: 0, std: 1 },
  latency: { mean: 0, std: 1 },
  ready: { mean: 0, std: 1 },
};
/** Difference quotients reach as far as the posterior does, within what keeps them a slope. */
const MIN_STEP = 0.02;
const MAX_STEP = 1;

/**
 * Expected utility of a candidate and its variance by the delta method over the five heads. Means of lognormals count the
 * spread of one response; P(start) is the mean of the logistic under the posterior (MacKay 1992: eta shrinks by
 * sqrt(1 + pi v / 8)).
 */
export function candidateValue(estimate: Estimate, workload: Workload, offer: Offer): CandidateValue {
  const { mean, variance, noise } = estimate;
  const centre = [
    mean.start / Math.sqrt(1 + (Math.PI * variance.start) / 8),
    mean.hazard,
    mean.price + noise.price / 2,
    mean.latency + noise.latency / 2,
    mean.ready + noise.ready / 2,
  ];
  const parts = (raw: readonly number[]): Predicted => partsFromRaw(raw, 0, UNSCALED, workload, offer);
  const value = (raw: readonly number[]): number => expectedUtility(workload, parts(raw));
  const uncertain = HEAD_NAMES.reduce((sum, name, head) => {
    const step = Math.min(MAX_STEP, Math.max(MIN_STEP, Math.sqrt(variance[name])));
    const moved = (by: number): number => value(centre.map((z, i) => (i === head ? z + by : z)));
    const slope = (moved(step) - moved(-step)) / (2 * step);
    return sum + slope * slope * variance[name];
  }, 0);
  const predicted = parts(centre);
  return { predicted, expectedUtility: expectedUtility(workload, predicted), variance: uncertain };
}
