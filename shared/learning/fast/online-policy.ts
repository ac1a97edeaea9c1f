/**
 * The fast learner acting: candidates -> distribution, outcomes -> knowledge. In: a request, its eligible offers, the
 * instant; later what became of the choice. Out: a probability for each offer. Pure but for its own state: the draw is the
 * caller's, refits happen after fixed numbers of observations.
 */
import { LINEAR } from '#shared/domain/actor.ts';
import type { Features } from '#shared/domain/features.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { contenderOf, noRecord } from '../contender.ts';
import { type ExplorationLimits, thompson } from '../thompson.ts';
import { refitAfter } from './cadence.ts';
import type { CandidateValue } from './candidate-value.ts';
import { NO_RECORD } from './estimate.ts';
import { createFastLearner, type FastLearner, type FinalSeen, type ReadySeen } from './fast-learner.ts';

export interface Valued {
  readonly offer: Offer;
  readonly features: Features;
  readonly value: CandidateValue;
}

export interface OnlinePolicy {
  value(workload: Workload, offers: readonly Offer[], nowMs: number): readonly Valued[];
  /** `critical` is never explored on. Same order as given; sums to 1. */
  distribution(workload: Workload, candidates: readonly Valued[]): number[];
  ready(seen: Omit<ReadySeen, 'baseline'>): void;
  final(seen: Omit<FinalSeen, 'baseline'>): void;
  drop(key: string, atMs: number): void;
  readonly learner: FastLearner;
  refits(): number;
}

const NO_EXPLORATION: ExplorationLimits = { budget: 0, share: 0, floor: 0 };

export function createOnlinePolicy(exploration: ExplorationLimits): OnlinePolicy {
  const learner = createFastLearner();
  const contender = contenderOf({ name: LINEAR, estimator: learner, baselines: noRecord });
  let refitAt = refitAfter(0);
  let refits = 0;

  const refitWhenDue = (nowMs: number): void => {
    if (learner.observations() < refitAt) return;
    learner.refit(nowMs);
    refits += 1;
    refitAt = learner.observations() + refitAfter(learner.observations());
  };

  return {
    learner,
    refits: () => refits,
    value: (workload, offers, nowMs) =>
      contender
        .value(workload, offers, nowMs)
        .map((value, i) => ({ offer: offers[i] as Offer, features: value.features, value })),
    distribution: (workload, candidates) =>
      thompson(
        candidates.map(({ value }) => value.expectedUtility),
        candidates.map(({ value }) => value.leadVariance),
        workload.priority === 'critical' ? NO_EXPLORATION : exploration,
      ),
    ready(seen) {
      learner.ready({ ...seen, baseline: NO_RECORD });
      refitWhenDue(seen.atMs);
    },
    final(seen) {
      learner.final({ ...seen, baseline: NO_RECORD });
      refitWhenDue(seen.atMs);
    },
    drop: (key, atMs) => learner.drop(key, atMs),
  };
}
