import type { Predicted } from '#shared/domain/decision.ts';
import type { Features } from '#shared/domain/features.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { expectedUtility, partsFromRaw } from '../expected-utility.ts';
import type { TargetScales } from '../heads.ts';
import { leaderOf } from '../thompson.ts';
import { type Baseline, type Estimate, type Estimator, HEAD_NAMES } from './estimate.ts';

export interface CandidateValue {
  readonly predicted: Predicted;
  readonly expectedUtility: number;
  /** Of the expected utility: what is not known, not what is left to chance. */
  readonly variance: number;
  /** Of its difference to the expected utility of the leader, the first of the highest: what it has not in common with it. The leader's is 0. */
  readonly leadVariance: number;
}

/** What is asked about: an offer as the request sees it. */
export interface AskedCandidate {
  readonly offer: Pick<Offer, 'usd_per_gpu_hour' | 'latency_ms'>;
  readonly features: Features;
  /** What is said of it before the learner has its say. */
  readonly baseline: Baseline;
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
 * Expected utilities of the candidates of one request, in their order, and how uncertain each is by the delta method over the
 * five heads. Means of lognormals count the spread of one response; P(start) is the mean of the logistic under the posterior
 * (MacKay 1992: eta shrinks by sqrt(1 + pi v / 8)).
 */
export function valueCandidates(
  estimator: Estimator,
  workload: Workload,
  candidates: readonly AskedCandidate[],
  nowMs: number,
): CandidateValue[] {
  const points = candidates.map(({ offer, features, baseline }) => {
    const estimate = estimator.estimate(features, baseline, nowMs);
    return pointOf(estimate, workload, offer);
  });
  const leader = points[leaderOf(points.map((point) => point.expectedUtility))];
  const apart = leader === undefined ? () => 0 : leadVarianceTo(estimator, leader);
  return points.map((point) => ({
    predicted: point.predicted,
    expectedUtility: point.expectedUtility,
    variance: HEAD_NAMES.reduce((sum, head) => sum + point.slopes[head] ** 2 * point.estimate.variance[head], 0),
    leadVariance: point === leader ? 0 : apart(point),
  }));
}

/** The utility at the centre of a candidate's estimate, and how it answers to each head. */
interface Point {
  readonly estimate: Estimate;
  readonly predicted: Predicted;
  readonly expectedUtility: number;
  readonly slopes: Baseline;
}

function pointOf(estimate: Estimate, workload: Workload, offer: AskedCandidate['offer']): Point {
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
  const slopes = { ...mean };
  HEAD_NAMES.forEach((name, head) => {
    const step = Math.min(MAX_STEP, Math.max(MIN_STEP, Math.sqrt(variance[name])));
    const moved = (by: number): number => value(centre.map((z, i) => (i === head ? z + by : z)));
    slopes[name] = (moved(step) - moved(-step)) / (2 * step);
  });
  const predicted = parts(centre);
  return { estimate, predicted, expectedUtility: expectedUtility(workload, predicted), slopes };
}

function leadVarianceTo(estimator: Estimator, leader: Point): (point: Point) => number {
  const covariances = HEAD_NAMES.map((head) => estimator.covarianceWith(head, leader.estimate));
  return ({ estimate, slopes }) =>
    // Rounding may leave less than nothing of what two candidates do not share.
    Math.max(
      0,
      HEAD_NAMES.reduce((sum, head, h) => {
        const [own, its] = [slopes[head], leader.slopes[head]];
        const common = own * its * (covariances[h] as (other: Estimate) => number)(estimate);
        return sum + own * own * estimate.variance[head] + its * its * leader.estimate.variance[head] - 2 * common;
      }, 0),
    );
}
