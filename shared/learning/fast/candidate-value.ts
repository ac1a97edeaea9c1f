import type { Predicted } from '#shared/domain/decision.ts';
import type { Features } from '#shared/domain/features.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { latencyAt, priceAt, readyAt, readyMsAt, survivalAt, utilityFor } from '../expected-utility.ts';
import { HEADS, type HeadName, type PerHead } from '../heads.ts';
import { leaderOf } from '../policy/thompson.ts';
import type { Baseline, Estimate, Estimator } from './estimate.ts';

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
  const utility = utilityFor(workload);
  const points = candidates.map(({ offer, features, baseline }) => {
    const estimate = estimator.estimate(features, baseline, nowMs);
    return pointOf(estimate, { workload, offer, utility });
  });
  const leader = points[leaderOf(points.map((point) => point.expectedUtility))];
  const apart = leader === undefined ? [] : leadVariances(estimator, leader, points);
  return points.map((point, i) => ({
    predicted: point.predicted,
    expectedUtility: point.expectedUtility,
    variance: HEADS.reduce((sum, head) => sum + point.slopes[head] ** 2 * point.estimate.variance[head], 0),
    leadVariance: point === leader ? 0 : (apart[i] as number),
  }));
}

/** The utility at the centre of a candidate's estimate, and how it answers to each head. */
interface Point {
  readonly estimate: Estimate;
  readonly predicted: Predicted;
  readonly expectedUtility: number;
  readonly slopes: PerHead<number>;
}

interface Setting {
  readonly workload: Workload;
  readonly offer: AskedCandidate['offer'];
  readonly utility: (predicted: Predicted) => number;
}

/** A step of one head moves one part of the utility, so the others are worked out once. */
function pointOf(estimate: Estimate, { workload, offer, utility }: Setting): Point {
  const { mean, variance, noise } = estimate;
  const centre: PerHead<number> = {
    start: mean.start / Math.sqrt(1 + (Math.PI * variance.start) / 8),
    hazard: mean.hazard,
    price: mean.price + noise.price / 2,
    latency: mean.latency + noise.latency / 2,
    ready: mean.ready + noise.ready / 2,
  };
  const ready = readyAt(centre.start);
  const survival = survivalAt(centre.hazard, workload);
  const completed = ready * survival;
  const usd_per_gpu_hour = priceAt(centre.price, offer);
  const latency_ms = latencyAt(centre.latency, offer);
  const ready_ms = readyMsAt(centre.ready);
  const slope = (head: HeadName, at: (z: number) => number): number => {
    const step = Math.min(MAX_STEP, Math.max(MIN_STEP, Math.sqrt(variance[head])));
    return (at(centre[head] + step) - at(centre[head] - step)) / (2 * step);
  };
  const predicted = { ready, completed, usd_per_gpu_hour, latency_ms, ready_ms };
  return {
    estimate,
    predicted,
    expectedUtility: utility(predicted),
    slopes: {
      start: slope('start', (z) => {
        const moved = readyAt(z);
        return utility({ ready: moved, completed: moved * survival, usd_per_gpu_hour, latency_ms, ready_ms });
      }),
      hazard: slope('hazard', (z) => {
        const moved = ready * survivalAt(z, workload);
        return utility({ ready, completed: moved, usd_per_gpu_hour, latency_ms, ready_ms });
      }),
      price: slope('price', (z) =>
        utility({ ready, completed, usd_per_gpu_hour: priceAt(z, offer), latency_ms, ready_ms }),
      ),
      latency: slope('latency', (z) =>
        utility({ ready, completed, usd_per_gpu_hour, latency_ms: latencyAt(z, offer), ready_ms }),
      ),
      ready: slope('ready', (z) => utility({ ready, completed, usd_per_gpu_hour, latency_ms, ready_ms: readyMsAt(z) })),
    },
  };
}

/** Of the difference of each one's utility to the leader's. */
function leadVariances(estimator: Estimator, leader: Point, points: readonly Point[]): number[] {
  const common = estimator.covariances(
    leader.estimate,
    points.map(({ estimate }) => estimate),
  );
  return points.map(({ estimate, slopes }, i) => {
    const variance = HEADS.reduce((sum, head) => {
      const [own, its] = [slopes[head], leader.slopes[head]];
      const apart = own * own * estimate.variance[head] + its * its * leader.estimate.variance[head];
      return sum + apart - 2 * own * its * (common[i]?.[head] as number);
    }, 0);
    // Rounding may leave less than nothing of what two candidates do not share.
    return Math.max(0, variance);
  });
}
