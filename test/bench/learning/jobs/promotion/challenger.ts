/**
 * A challenger with wrong beliefs, the same wrong ones throughout. Of the candidates of a request it believes
 *   mean of the truths + cos(angle) (truth - that mean) + sin(angle) x taste
 * with a normal number of its own for each offer as its taste, and it takes the best. From angle 0, the truth, over pi / 2, taste
 * alone, to pi, the truth upside down, its choices are worth less and less, while what it believes keeps the level and the
 * spread of true utilities. Its beliefs are the model of the estimators too, biased in its own favour as those of any policy
 * that takes what it thinks best.
 */
import type { Features } from '#shared/domain/features.ts';
import type { Workload } from '#shared/domain/request.ts';
import { createFastLearner } from '#shared/learning/fast/fast-learner.ts';
import { FEATURE_SET } from '#shared/learning/features.ts';
import { epsilonSoftened } from '#shared/learning/policy/chances.ts';
import { normalQuantile } from '#shared/learning/policy/normal.ts';
import { EXPLORATION } from '#shared/learning/policy/thompson.ts';
import { linearContestant } from '#shared/learning/record/contestant.ts';
import type { Player } from '#shared/learning/stages/player.ts';
import type { Market } from '#sim/market/market.ts';
import { uniforms } from '#sim/market/random.ts';

export interface Beliefs {
  /** Of the tastes. */
  readonly seed: number;
  /** 0..pi. */
  readonly angle: number;
}

/** Standard deviation of the tastes: that of true utilities among the candidates of a request, .16 to .21 in both markets. */
const TASTE = 0.2;
/** It speaks of no features; whoever judges it asks for its beliefs instead. */
const NO_FEATURES: Features = { set: FEATURE_SET.set, hash: FEATURE_SET.hash, numeric: [], categorical: [] };

export function challengerPlayer({ seed, angle }: Beliefs, market: Market): Player {
  const tastes = new Map<string, number>();
  const tasteOf = (offerId: string): number => {
    const taste = tastes.get(offerId) ?? TASTE * normalQuantile(uniforms(seed, 'taste', offerId)());
    tastes.set(offerId, taste);
    return taste;
  };
  return {
    contestant: linearContestant(),
    value(workload, offers, nowMs) {
      const truths = offers.map(({ offer_id }) => market.trueExpectation(workload, offer_id, nowMs));
      const mean = truths.reduce((sum, truth) => sum + truth.expected_utility, 0) / truths.length;
      return truths.map(({ expected_utility: truth, ...predicted }, i) => {
        const offer = offers[i] as (typeof offers)[number];
        const expectedUtility = mean + Math.cos(angle) * (truth - mean) + Math.sin(angle) * tasteOf(offer.offer_id);
        return { offer, features: NO_FEATURES, predicted, expectedUtility, variance: 0, leadVariance: 0 };
      });
    },
    distribution: (workload, candidates) =>
      challengerDistribution(
        workload,
        candidates.map(({ expectedUtility }) => expectedUtility),
      ),
    hear: () => undefined,
    learner: createFastLearner(),
    refits: () => 0,
  };
}

/** Greedy on what it believes, with the floor of exploration. */
export const challengerDistribution = (
  { priority }: Pick<Workload, 'priority'>,
  believed: readonly number[],
): number[] => epsilonSoftened(believed, priority === 'critical' ? 0 : EXPLORATION.floor);
