import { EXPLORATION_EPSILON } from '#shared/defaults.ts';
import type { ActingPolicy } from '#shared/domain/decision.ts';
import { GREEDY } from '#shared/learning/policy/distribution.ts';
import { EXPLORATION } from '#shared/learning/policy/thompson.ts';

/** How a ranking by the rule score becomes a distribution. */
export const rulesPolicy = (explore: boolean): ActingPolicy =>
  explore ? { kind: 'epsilon_softened', epsilon: EXPLORATION_EPSILON } : GREEDY;

/** How a ranking by a model's expected utility does. */
export const modelPolicy = (explore: boolean): ActingPolicy =>
  explore ? { kind: 'thompson', ...EXPLORATION } : GREEDY;

/** How a ranking by the rule score does beside an apprentice that is sure of how sure it is. */
export const apprenticePolicy = (): ActingPolicy => ({
  kind: 'for_apprentice',
  epsilon: EXPLORATION_EPSILON,
  ...EXPLORATION,
});
