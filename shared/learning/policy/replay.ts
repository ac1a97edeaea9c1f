import type { Decision } from '#shared/domain/decision.ts';
import { areValued, distributionOf, leftOf } from './distribution.ts';

/**
 * The probabilities of a decision from its row alone, as the policy gives them: bit for bit the logged ones. Null: decided
 * elsewhere, by a policy that nobody wrote down, or the row lacks what the policy looked at. (Rows from before `dropped` lack what
 * was not eligible any more; where something was not, they differ.)
 */
export function replayPolicy({
  policy,
  candidates,
}: Pick<Decision, 'policy' | 'candidates'>): readonly number[] | null {
  if (policy.kind === 'recorded' || !areValued(policy, candidates)) return null;
  const kept = candidates.map(({ dropped }) => !dropped);
  return leftOf(policy, distributionOf(policy, candidates), kept).probabilities;
}
