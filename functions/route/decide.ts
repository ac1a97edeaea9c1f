/** The decision from values alone: scores (or the rules) -> hard rules -> renormalise -> sample -> decision and events. */
import type { Candidate, Decision, Mode, Policy } from '#shared/domain/decision.ts';
import type { DeploymentOption, DeploymentRequest } from '#shared/domain/events/catalogue.ts';
import { decisionId, uniformDraw } from '#shared/domain/ids.ts';
import type { Offer } from '#shared/domain/offer.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Workload } from '#shared/domain/request.ts';
import type { ScoreAnswer } from '#shared/domain/score.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { epsilonSoftened, renormalise, sampleIndex } from '#shared/learning/policy.ts';
import type { Salt } from '#shared/platform.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import { eligibleOffers } from '#shared/rules/eligibility.ts';
import { actingPolicy } from '#shared/serving/acting-policy.ts';
import type { IndexedOffers } from '#shared/serving/offers.ts';

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
  readonly decideMs: number;
}

export interface Routed {
  readonly decision: Decision;
  /** Null when nothing is eligible. */
  readonly deployment: DeploymentRequest | null;
}

/** Tried in turn when an offer is gone. More than three tries keep a tenant waiting for what is likely sold out. */
const MAX_FALLBACKS = 3;

export function decideRoute(input: RouteInput): Routed {
  const { workload, requestId, nowMs } = input;
  const { eligible, excluded, excludedTotal } = eligibleOffers(workload, input.offers.index);
  const distribution = eligible.length === 0 ? null : distributionOver(eligible, input);
  const id =
    distribution === null
      ? // A refusal is a decision of its own, so that the same request may succeed on later offers.
        decisionId(workload.tenant_id, `${requestId}#refused@${input.generation}`)
      : decisionId(workload.tenant_id, requestId);
  const chosen =
    distribution === null ? null : sampleIndex(distribution.probabilities, uniformDraw(input.salt.secret, id));
  const candidates = distribution === null ? [] : distribution.candidates;
  const final = chosen === null ? null : (candidates[chosen] ?? null);

  const decision: Decision = {
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
    model_version: input.scores?.model?.version ?? null,
    statistics_generation: null,
    model_age_s: input.scores?.model?.age_s ?? null,
    offers_age_s: Math.max(0, (nowMs - input.offers.observedAtMs) / 1000),
    score_ms: input.scoreMs,
    decide_ms: input.decideMs,
    fallback_reason: input.fallbackReason,
  };
  return { decision, deployment: final === null ? null : deploymentOf(decision, final) };
}

interface Distribution {
  readonly candidates: Candidate[];
  readonly probabilities: readonly number[];
  readonly recommended: string | null;
  readonly mode: Mode;
  readonly policy: Policy;
}

function distributionOver(eligible: readonly Offer[], input: RouteInput): Distribution {
  return (input.scores === null ? null : fromScores(eligible, input, input.scores)) ?? fromRules(eligible, input);
}

/** Score's distribution over what is eligible here and now. Null when nothing that it recommends is. */
function fromScores(eligible: readonly Offer[], input: RouteInput, scores: ScoreAnswer): Distribution | null {
  const byId = new Map(eligible.map((offer) => [offer.offer_id, offer]));
  const known = scores.recommendations.filter((recommendation) => byId.has(recommendation.offer_id));
  if (known.length === 0) return null;
  const probabilities = renormalise(
    known.map((recommendation) => recommendation.probability),
    known.map(() => true),
  );
  return {
    candidates: known.map((recommendation, index): Candidate => {
      const offer = byId.get(recommendation.offer_id) as Offer;
      return {
        provider: recommendation.provider,
        offer_id: recommendation.offer_id,
        usd_per_gpu_hour: recommendation.usd_per_gpu_hour,
        latency_ms: recommendation.latency_ms,
        rule_score: recommendation.rule_score,
        probability: probabilities[index] ?? 0,
        expected_utility: recommendation.expected_utility,
        utility_variance: recommendation.utility_variance,
        predicted: recommendation.predicted,
        features: recommendation.features ?? candidateFeatures(input.workload, offer, input.nowMs),
      };
    }),
    probabilities,
    recommended: scores.recommendations[0]?.offer_id ?? null,
    mode: scores.mode,
    policy: scores.policy,
  };
}

function fromRules(eligible: readonly Offer[], input: RouteInput): Distribution {
  const { workload, nowMs } = input;
  const policy = actingPolicy(workload);
  const scores = eligible.map((offer) => classicScore(workload.weights, offer));
  const probabilities = epsilonSoftened(scores, policy.epsilon);
  const best = scores.indexOf(Math.max(...scores));
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
    probabilities,
    recommended: eligible[best]?.offer_id ?? null,
    mode: 'rules',
    policy,
  };
}

function deploymentOf(decision: Decision, final: Candidate): DeploymentRequest {
  const value = (candidate: Candidate): number => candidate.expected_utility ?? candidate.rule_score;
  const others = decision.candidates.filter((candidate) => candidate.offer_id !== final.offer_id);
  const fallbacks = others.sort((a, b) => value(b) - value(a)).slice(0, MAX_FALLBACKS);
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
    fallbacks: fallbacks.map(optionOf),
  };
}

const optionOf = (candidate: Candidate): DeploymentOption => ({
  provider: candidate.provider,
  offer_id: candidate.offer_id,
  advertised_usd_per_gpu_hour: candidate.usd_per_gpu_hour,
  advertised_latency_ms: candidate.latency_ms,
  features: candidate.features,
});
