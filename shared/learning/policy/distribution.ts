/**
 * From a policy and its ranked candidates to probabilities, and from these to what is left of them. Score, route and replay
 * share it, so that a logged decision gives the same bits again.
 */
import type { ActingPolicy } from '#shared/domain/decision.ts';
import { epsilonSoftened, exploringForApprentice, renormalise } from './chances.ts';
import { thompson } from './thompson.ts';

/** A candidate as its policy sees it; candidates stand best first by what acts. */
export interface Ranked {
  readonly expected_utility: number | null;
  readonly lead_variance: number | null;
}

/** Takes the best. */
export const GREEDY = { kind: 'greedy', epsilon: 0 } as const satisfies ActingPolicy;

const softened = (epsilon: number) => ({ kind: 'epsilon_softened', epsilon }) as const satisfies ActingPolicy;

/** Whether they carry what the policy looks at. */
export const areValued = (policy: ActingPolicy, ranked: readonly Ranked[]): boolean =>
  byRankAlone(policy) || ranked.every((one) => one.expected_utility !== null && one.lead_variance !== null);

const byRankAlone = (policy: ActingPolicy): policy is Extract<ActingPolicy, { kind: 'epsilon_softened' | 'greedy' }> =>
  policy.kind === 'epsilon_softened' || policy.kind === 'greedy';

/** One probability each, in sum 1. @throws RangeError unless they are valued */
export function distributionOf(policy: ActingPolicy, ranked: readonly Ranked[]): number[] {
  if (byRankAlone(policy)) return byRank(ranked.length, policy.epsilon);
  const figure = (value: number | null): number => {
    if (value === null) throw new RangeError('expected an expected utility and a lead variance of every candidate');
    return value;
  };
  const sampled = thompson(
    ranked.map((one) => figure(one.expected_utility)),
    ranked.map((one) => figure(one.lead_variance)),
    policy,
  );
  return policy.kind === 'thompson' ? sampled : exploringForApprentice(ranks(ranked.length), sampled, policy.epsilon);
}

/** Scores of candidates that stand best first. */
const ranks = (count: number): number[] => Array.from({ length: count }, (_, rank) => -rank);

const byRank = (count: number, epsilon: number): number[] => epsilonSoftened(ranks(count), epsilon);

/** Below it, what is left of a distribution is mostly its exploration; renormalised, exploration would become the rule. */
const MIN_MASS_LEFT = 0.5;

export interface Left {
  /** That which acts on what is left. */
  readonly policy: ActingPolicy;
  /** One each, 0 for what is not kept. */
  readonly probabilities: readonly number[];
}

/**
 * A distribution over what is still there: as given when that is everything, else renormalised; or, when too little of it is
 * left, the policy anew on the rest. Thompson cannot act anew: its variances are those against a leader who may be gone. Then
 * the best of the rest is taken, by the rules softened as they are without an apprentice.
 */
export function leftOf(policy: ActingPolicy, given: readonly number[], kept: readonly boolean[]): Left {
  if (kept.every(Boolean)) return { policy, probabilities: given };
  const mass = given.reduce((sum, probability, i) => (kept[i] === true ? sum + probability : sum), 0);
  if (mass >= MIN_MASS_LEFT) return { policy, probabilities: renormalise(given, kept) };
  const anew = byRankAlone(policy) ? policy : policy.kind === 'thompson' ? GREEDY : softened(policy.epsilon);
  const rest = byRank(kept.filter(Boolean).length, anew.epsilon);
  let rank = 0;
  return { policy: anew, probabilities: kept.map((keep) => (keep ? (rest[rank++] as number) : 0)) };
}
