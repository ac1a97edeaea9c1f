import { epsilonSoftened } from '#shared/learning/policy/chances.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import { HEARS_NOTHING, type Policy } from './policy.ts';

/** The classic score of the cluster's router, without exploration: the baseline that must be beaten. */
export const rulesPolicy = (): Policy => ({
  ...HEARS_NOTHING,
  distribution: ({ workload, offers }) =>
    epsilonSoftened(
      offers.map((offer) => classicScore(workload.weights, offer)),
      0,
    ),
});
