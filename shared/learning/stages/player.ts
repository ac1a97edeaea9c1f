/**
 * A contestant that is there: it values candidates, says what it would do, and hears what became of them. In: a request, its
 * eligible offers, the instant; later lessons. Out: a probability for each offer. Pure but for its own state: the draw is the
 * caller's, refits happen after fixed numbers of observations.
 */
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { contenderOf, type OfferValue } from '../contender.ts';
import { refitAfter } from '../fast/cadence.ts';
import { NO_RECORD } from '../fast/estimate.ts';
import { createFastLearner, type FastLearner } from '../fast/fast-learner.ts';
import { type Lesson, teach } from '../fast/lesson.ts';
import { type ExplorationLimits, thompson } from '../policy/thompson.ts';
import { type Contestant, linearContestant } from '../record/contestant.ts';

export interface Valued extends OfferValue {
  readonly offer: Offer;
}

export interface Player {
  readonly contestant: Contestant;
  value(workload: Workload, offers: readonly Offer[], nowMs: number): readonly Valued[];
  /** `critical` is never explored on. Same order as given; sums to 1. */
  distribution(workload: Workload, candidates: readonly Valued[]): number[];
  hear(lesson: Lesson): void;
  readonly learner: FastLearner;
  refits(): number;
}

const NO_EXPLORATION: ExplorationLimits = { budget: 0, share: 0, floor: 0 };

/** @param learner of the contestant, if it has learnt before */
export function createPlayer(
  exploration: ExplorationLimits,
  contestant: Contestant = linearContestant(),
  learner: FastLearner = createFastLearner(),
): Player {
  const contender = contenderOf({ ...contestant, estimator: learner });
  let refitAt = learner.observations() + refitAfter(learner.observations());
  let refits = 0;

  return {
    contestant,
    learner,
    refits: () => refits,
    value: (workload, offers, nowMs) =>
      contender.value(workload, offers, nowMs).map((value, i) => ({ ...value, offer: offers[i] as Offer })),
    distribution: (workload, candidates) =>
      thompson(
        candidates.map(({ expectedUtility }) => expectedUtility),
        candidates.map(({ leadVariance }) => leadVariance),
        workload.priority === 'critical' ? NO_EXPLORATION : exploration,
      ),
    hear(lesson) {
      const baseline = lesson.kind === 'drop' ? NO_RECORD : contestant.lessonBaseline(lesson.seen);
      if (baseline === null) return;
      teach(learner, lesson, baseline);
      if (learner.observations() < refitAt) return;
      learner.refit(lesson.seen.atMs);
      refits += 1;
      refitAt = learner.observations() + refitAfter(learner.observations());
    },
  };
}
