import { advertisedParts, expectedUtility } from '#shared/learning/expected-utility.ts';
import { epsilonSoftened } from '#shared/learning/policy/chances.ts';
import { HEARS_NOTHING, type Policy } from './policy.ts';

/** The tenant's own utility, every promise taken at its word: the second baseline. */
export const advertisedPolicy = (): Policy => ({
  ...HEARS_NOTHING,
  distribution: ({ workload, offers }) =>
    epsilonSoftened(
      offers.map((offer) => expectedUtility(workload, advertisedParts(offer))),
      0,
    ),
});
