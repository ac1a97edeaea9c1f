/**
 * A contestant that is there: it values candidates, says what it would do, and hears what became of them. In: a request, its
 * eligible offers, the instant; later lessons. Out: a probability for each offer. Pure but for its own state: the draw is the
 * caller's, refits happen after fixed numbers of observations.
 */
import type { Features } from '#shared/domain/features.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { refitAfter } from '../fast/cadence.ts';
import { type CandidateValue, valueCandidates } from '../fast/candidate-value.ts';
import { NO_RECORD } from '../fast/estimate.ts';
import { createFastLearner, type FastLearner } from '../fast/fast-learner.ts';
import { type Lesson, teach } from '../fast/lesson.ts';
import { featuresFor } from '../features.ts';
import { type Contestant, linearContestant } from '../record/contestant.ts';
import { type ExplorationLimits, thompson } from '../thompson.ts';

export interface Valued {
  readonly offer: Offer;
  readonly features: Features;
  readonly value: CandidateValue;
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
  let refitAt = learner.observations() + refitAfter(learner.observations());
  let refits = 0;

  return {
    contestant,
    learner,
    refits: () => refits,
    value(workload, offers, nowMs) {
      const features = offers.map(featuresFor(workload, nowMs));
      const baselines = contestant.baselines(features);
      const asked = offers.map((offer, i) => ({
        offer,
        features: features[i] as Features,
        // A network that has no number for a candidate says nothing of it.
        baseline: baselines[i] ?? NO_RECORD,
      }));
      const values = valueCandidates(learner, workload, asked, nowMs);
      return asked.map((of, i) => ({ offer: of.offer, features: of.features, value: values[i] as CandidateValue }));
    },
    distribution: (workload, candidates) =>
      thompson(
        candidates.map(({ value }) => value.expectedUtility),
        candidates.map(({ value }) => value.leadVariance),
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
