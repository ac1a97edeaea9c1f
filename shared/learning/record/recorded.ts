/** A decision of the record as off-policy evaluation reads it: all its candidates, which was drawn with what chance, and what became of it. */
import { MATURITY_GRACE_MS, MS_PER_HOUR, READY_LIMIT_DEFAULT_MS } from '#shared/defaults.ts';
import type { Features } from '#shared/domain/features.ts';
import type { Workload } from '#shared/domain/request.ts';

export interface RecordedCandidate {
  readonly offer: { readonly usd_per_gpu_hour: number; readonly latency_ms: number | null };
  readonly features: Features;
  readonly ruleScore: number;
  /** With which the policy that acted took it. */
  readonly probability: number;
}

export interface RecordedDecision {
  readonly decisionId: string;
  /** World epoch milliseconds. */
  readonly decidedAtMs: number;
  readonly workload: Workload;
  /** In the order of the row: best first by what acted. Those that were dropped before the draw are not among them. */
  readonly candidates: readonly RecordedCandidate[];
  /** Index of the sampled action; -1: nobody has said yet. */
  readonly taken: number;
  /** Of the sampled action; null: it was forced. */
  readonly propensity: number | null;
  /** Whether its first attempt is over. */
  readonly ended: boolean;
  /** Realised utility of its first attempt; null: it has not ended, or its end says nothing of the offer. */
  readonly reward: number | null;
}

/** A decision with what its actor expected of each candidate. */
export interface ValuedDecision extends RecordedDecision {
  readonly expected: readonly number[];
}

/** A decision that can say what another policy would have earned: drawn, anything else could have been drawn, and its reward is known. */
export interface RewardedDecision extends RecordedDecision {
  readonly propensity: number;
  readonly reward: number;
}

/**
 * The decisions whose reward is known, of those that failures do not stand out among: their runs could all have ended as of the
 * instant by their plan alone (matured.ts), and (nearly) all have been heard of. Failures are known in minutes, successes after the
 * run and whatever it takes to tell: where news is slow, only what is older counts.
 * @param decisions in the order of their instants, those not ended among them
 */
export function finished<D extends RecordedDecision>(
  decisions: readonly D[],
  asOfMs: number,
): readonly (D & { readonly reward: number })[] {
  const planned = decisions.filter(({ workload, decidedAtMs }) => {
    const runMs = (workload.gpu_hours / workload.gpu_count) * MS_PER_HOUR;
    return decidedAtMs + runMs + READY_LIMIT_DEFAULT_MS + MATURITY_GRACE_MS <= asOfMs;
  });
  return planned
    .slice(0, heardOf(planned))
    .filter((decision): decision is D & { readonly reward: number } => decision.reward !== null);
}

/** How many of the first there are whose newest ones have (nearly) all ended. */
function heardOf(decisions: readonly RecordedDecision[]): number {
  let open = 0;
  const openUpTo = [0, ...decisions.map(({ ended }) => (open += ended ? 0 : 1))];
  for (let count = decisions.length; count > 0; count--) {
    const newest = Math.min(count, NEWEST);
    const missing = (openUpTo[count] as number) - (openUpTo[count - newest] as number);
    if (missing <= OPEN_SHARE * newest) return count;
  }
  return 0;
}

/** Of so many decisions so few may be open: what is never heard of at all must not hold up the rest. */
const NEWEST = 100;
const OPEN_SHARE = 0.05;

/**
 * Those of them that carry a judgement of other policies: drawn from a distribution that left nothing out. A greedy choice
 * (critical, an incident) says nothing of what was not chosen.
 */
export const rewarded = <D extends RecordedDecision>(
  decisions: readonly D[],
  asOfMs: number,
): readonly (D & RewardedDecision)[] => finished(decisions, asOfMs).filter(isExplored);

export const isExplored = <D extends RecordedDecision & { readonly reward: number }>(
  decision: D,
): decision is D & RewardedDecision =>
  decision.propensity !== null && decision.candidates.every(({ probability }) => probability > 0);
