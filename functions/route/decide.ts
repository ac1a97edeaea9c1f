/** The decision from values alone: scores (or the rules) -> hard rules -> renormalise -> sample -> decision and events. */
import type { Candidate, Decision, Mode, Policy } from '#shared/domain/decision.ts';
import type { DeploymentOption, DeploymentRequest } from '#shared/domain/events/catalogue.ts';
import { decisionId, uniformDraw } from '#shared/domain/ids.ts';
import type { Offer } from '#shared/domain/offer.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Workload } from '#shared/domain/request.ts';
import type { Recommendation, ScoreAnswer } from '#shared/domain/score.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { epsilonSoftened, renormalise, sampleIndex } from '#shared/learning/policy.ts';
import type { Salt } from '#shared/platform.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import { eligibleOffers } from '#shared/rules/eligibility.ts';
import { actingPolicy } from '#shared/serving/acting-policy.ts';
import type { IndexedOffers } from '#shared/serving/offers.ts';
import { withinEventLimit } from './event-limit.ts';

export interface RouteInput {
  readonly requestId: string;
  readonly workload: Workload;
  readonly offers: IndexedOffers;
  readonly generation: string;
  readonly scores: ScoreAnswer | null;
  /** Why there are no scores; null when there are. */
  readonly fallbackReason: string | null;
  readonly nowMs: number;
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
  const { eligible, excluded, excludedTotal } = eligibleOffers(workload, input.offers.index);
  const distribution = eligible.length === 0 ? null : distributionOver(eligible, input);
  const id =
    distribution === null
      ? refusalId(workload.tenant_id, requestId, input.generation)
      : decisionId(workload.tenant_id, requestId);
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
    arm: null,
    overridden_by: null,
    propensity: final?.probability ?? null,
    salt_id: input.salt.id,
    policy: distribution?.policy ?? { kind: 'greedy', epsilon: 0 },
    model_version: model?.version ?? null,
    statistics_generation: null,
    model_age_s: model?.age_s ?? null,
    offers_age_s: Math.max(0, (nowMs - input.offers.observedAtMs) / 1000),
    score_ms: input.scoreMs,
    decide_ms: 0,
    fallback_reason: input.fallbackReason ?? distribution?.fallbackReason ?? null,
  });
  return { decision, deployment: final === null ? null : deploymentOf(decision, final, candidates) };
}

/**
 * A refusal is a decision of its own, so that the same request may succeed on later offers. No request_id holds a control
 * character, so no request can take the id of another's refusal.
 */
const refusalId = (tenantId: string, requestId: string, generation: string): string =>
  decisionId(tenantId, `${requestId}\u0000refused@${generation}`);

interface Distribution {
  /** Best first by what acts; their probabilities sum to 1. */
  readonly candidates: Candidate[];
  readonly recommended: string | null;
  readonly mode: Mode;
  readonly policy: Policy;
  /** That scored, whether it acts or not. */
  readonly model: ScoreAnswer['model'];
  readonly fallbackReason: string | null;
}

function distributionOver(eligible: readonly Offer[], input: RouteInput): Distribution {
  if (input.scores === null) return fromRules(eligible, input, null);
  return fromScores(eligible, input, input.scores) ?? fromRules(eligible, input, 'recommendations_ineligible');
}

/** Below it, what is left of a distribution is mostly its exploration; renormalised, exploration would become the rule. */
const MIN_MASS_LEFT = 0.5;

/** Score's distribution over what is eligible here and now. Null when nothing that it recommends is. */
function fromScores(eligible: readonly Offer[], input: RouteInput, scores: ScoreAnswer): Distribution | null {
  const { workload, nowMs } = input;
  const unmatched = new Map(eligible.map((offer) => [offer.offer_id, offer]));
  const known: { readonly offer: Offer; readonly scored: Recommendation }[] = [];
  for (const scored of scores.recommendations) {
    const offer = unmatched.get(scored.offer_id);
    if (offer === undefined) continue;
    unmatched.delete(scored.offer_id);
    known.push({ offer, scored });
  }
  if (known.length === 0) return null;
  const policy = workload.priority === 'critical' ? actingPolicy(workload) : scores.policy;
  const given = known.map(({ scored }) => scored.probability);
  const mass = given.reduce((sum, probability) => sum + probability, 0);
  const conditioned = mass >= MIN_MASS_LEFT && policy.kind === scores.policy.kind;
  const probabilities = conditioned
    ? renormalise(
        given,
        given.map(() => true),
      )
    : epsilonSoftened(
        known.map((_, rank) => -rank),
        policy.epsilon,
      );
  return {
    candidates: known.map(
      ({ offer, scored }, index): Candidate => ({
        provider: offer.provider,
        offer_id: offer.offer_id,
        // As scored, for the predictions and the features are about these figures.
        usd_per_gpu_hour: scored.usd_per_gpu_hour,
        latency_ms: scored.latency_ms,
        rule_score: scored.rule_score,
        probability: probabilities[index] ?? 0,
        expected_utility: scored.expected_utility,
        utility_variance: scored.utility_variance,
        predicted: scored.predicted,
        features: scored.features ?? candidateFeatures(workload, offer, nowMs),
      }),
    ),
    recommended: scores.recommendations[0]?.offer_id ?? null,
    mode: scores.mode,
    policy,
    model: scores.model,
    fallbackReason: null,
  };
}

/** `eligible` comes best rule score first. */
function fromRules(eligible: readonly Offer[], input: RouteInput, fallbackReason: string | null): Distribution {
  const { workload, nowMs } = input;
  const policy = actingPolicy(workload);
  const scores = eligible.map((offer) => classicScore(workload.weights, offer));
  const probabilities = epsilonSoftened(scores, policy.epsilon);
  return {
    candidates: eligible.map(
      (offer, index): Candidate => ({
        provider: offer.provider,
        offer_id: offer.offer_id,
        usd_per_gpu_hour: offer.usd_per_gpu_hour,
        latency_ms: offer.latency_ms,
        rule_score: scores[index] ?? 0,
        probability: probabilities[index] ?? 0,
        expected_utility: null,
        utility_variance: null,
        predicted: null,
        features: candidateFeatures(workload, offer, nowMs),
      }),
    ),
    recommended: eligible[0]?.offer_id ?? null,
    mode: 'rules',
    policy,
    model: null,
    fallbackReason,
  };
}

/** Candidates stand best first by what acts, so the fallbacks need no order of their own. */
function deploymentOf(decision: Decision, final: Candidate, candidates: readonly Candidate[]): DeploymentRequest {
  const others = candidates.filter((candidate) => candidate.offer_id !== final.offer_id);
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
    option: optionOf(final),
    fallbacks: others.slice(0, MAX_FALLBACKS).map(optionOf),
  };
}

const optionOf = (candidate: Candidate): DeploymentOption => ({
  provider: candidate.provider,
  offer_id: candidate.offer_id,
  advertised_usd_per_gpu_hour: candidate.usd_per_gpu_hour,
  advertised_latency_ms: candidate.latency_ms,
  features: candidate.features,
});
