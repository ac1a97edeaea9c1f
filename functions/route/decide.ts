/** The decision from values alone: scores (or the rules) -> hard rules -> renormalise -> sample -> decision and events. */
import type { Candidate, Decision } from '#shared/domain/decision.ts';
import type { DeploymentOption, DeploymentRequest } from '#shared/domain/events/catalogue.ts';
import { decisionId, uniformDraw } from '#shared/domain/ids.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Workload } from '#shared/domain/request.ts';
import { sampleIndex } from '#shared/learning/policy/chances.ts';
import { GREEDY } from '#shared/learning/policy/distribution.ts';
import type { Salt } from '#shared/platform.ts';
import { eligibleOffers } from '#shared/rules/eligibility.ts';
import type { Restrictions } from '#shared/rules/restrictions.ts';
import type { IndexedOffers } from '#shared/serving/offers.ts';
import { type DistributionInput, distributionOver } from './distribution.ts';
import { withinEventLimit } from './event-limit.ts';

export interface RouteInput extends DistributionInput {
  readonly requestId: string;
  readonly offers: IndexedOffers;
  readonly generation: string;
  /** Hard, and unknown to score: what it recommends all the same is dropped. */
  readonly restrictions: Restrictions;
  readonly salt: Salt;
  readonly scoreMs: number | null;
}

export interface Routed {
  readonly decision: Decision;
  /** Null when nothing is eligible. */
  readonly deployment: DeploymentRequest | null;
}

/** Tried in turn when an offer is gone. More than three tries keep a tenant waiting for what is likely sold out. */
const MAX_FALLBACKS = 3;

/** Everything but `decide_ms`, which only the caller can measure; 0 here. */
export function decideRoute(input: RouteInput): Routed {
  const { workload, requestId, nowMs } = input;
  const { eligible, excluded, excludedTotal } = eligibleOffers(workload, input.offers.index, input.restrictions);
  const refused = eligible.length === 0;
  const id = refused
    ? refusalId(workload.tenant_id, requestId, input.generation)
    : decisionId(workload.tenant_id, requestId);
  const distribution = refused ? null : distributionOver(eligible, id, input);
  const candidates = distribution?.candidates ?? [];
  const chosen = sampleIndex(
    candidates.map((candidate) => candidate.probability),
    uniformDraw(input.salt.secret, id),
  );
  const final = candidates[chosen] ?? null;
  const model = distribution?.model ?? null;

  const decision = withinEventLimit({
    decision_id: id,
    request_id: requestId,
    decided_at: rfc3339(nowMs),
    tenant_id: workload.tenant_id,
    request: workload,
    offers_generation: input.generation,
    candidates,
    excluded,
    excluded_total: excludedTotal,
    recommended_offer_id: distribution?.recommended ?? null,
    final_provider: final?.provider ?? null,
    final_offer_id: final?.offer_id ?? null,
    mode: distribution?.mode ?? 'rules',
    arm: distribution?.arm ?? null,
    overridden_by: distribution?.overriddenBy ?? null,
    propensity: final?.probability ?? null,
    salt_id: input.salt.id,
    policy: distribution?.policy ?? GREEDY,
    model_version: model?.version ?? null,
    statistics_generation: distribution?.statisticsGeneration ?? null,
    model_age_s: model?.age_s ?? null,
    offers_age_s: Math.max(0, (nowMs - input.offers.observedAtMs) / 1000),
    score_ms: input.scoreMs,
    decide_ms: 0,
    fallback_reason: refused ? input.fallbackReason : (distribution?.fallbackReason ?? null),
  });
  if (final === null) return { decision, deployment: null };
  return { decision, deployment: deploymentOf(decision, final, candidates, mostOf(input.restrictions, workload)) };
}

/**
 * A refusal is a decision of its own, so that the same request may succeed on later offers. No request_id holds a control
 * character, so no request can take the id of another's refusal.
 */
const refusalId = (tenantId: string, requestId: string, generation: string): string =>
  decisionId(tenantId, `${requestId}\u0000refused@${generation}`);

/** Candidates stand best first by what acts, so the fallbacks need no order of their own. */
function deploymentOf(
  decision: Decision,
  final: Candidate,
  candidates: readonly Candidate[],
  mostUsd: number,
): DeploymentRequest {
  const others = candidates.filter(({ offer_id, dropped }) => !dropped && offer_id !== final.offer_id);
  return {
    decision_id: decision.decision_id,
    request_id: decision.request_id,
    decided_at: decision.decided_at,
    requested_at: decision.decided_at,
    tenant_id: decision.tenant_id,
    request: decision.request,
    mode: decision.mode,
    propensity: decision.propensity,
    attempt: 0,
    option: optionOf(final, mostUsd),
    fallbacks: others.slice(0, MAX_FALLBACKS).map((other) => optionOf(other, mostUsd)),
  };
}

/** USD per GPU-hour that its tenant may pay at most: prices move between an offer and its instance, and some are only bid then. */
const mostOf = ({ maxUsdPerGpuHour, maxUsdPerDeployment }: Restrictions, { gpu_hours: hours }: Workload): number =>
  Math.min(maxUsdPerGpuHour, maxUsdPerDeployment / hours);

const optionOf = (candidate: Candidate, mostUsd: number): DeploymentOption => ({
  provider: candidate.provider,
  offer_id: candidate.offer_id,
  advertised_usd_per_gpu_hour: candidate.usd_per_gpu_hour,
  advertised_latency_ms: candidate.latency_ms,
  // An offer was let in by the same limit, and not by its quotient.
  ...(mostUsd === Number.POSITIVE_INFINITY
    ? {}
    : { max_usd_per_gpu_hour: Math.max(mostUsd, candidate.usd_per_gpu_hour) }),
  features: candidate.features,
});
