/** The decision from values alone: scores (or the rules) -> hard rules -> renormalise -> sample -> decision and events. */
import { RULES } from '#shared/domain/actor.ts';
import { type Control, openIncidents } from '#shared/domain/control.ts';
import type { ActingPolicy, Candidate, Decision, Mode } from '#shared/domain/decision.ts';
import type { DeploymentOption, DeploymentRequest } from '#shared/domain/events/catalogue.ts';
import { decisionId, uniformDraw } from '#shared/domain/ids.ts';
import type { Offer } from '#shared/domain/offer.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Workload } from '#shared/domain/request.ts';
import type { ScoreAnswer } from '#shared/domain/score.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { sampleIndex } from '#shared/learning/policy/chances.ts';
import { distributionOf, GREEDY, leftOf } from '#shared/learning/policy/distribution.ts';
import type { Salt } from '#shared/platform.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import { eligibleOffers } from '#shared/rules/eligibility.ts';
import { actingAt } from '#shared/serving/acting.ts';
import { rulesPolicy } from '#shared/serving/acting-policy.ts';
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
  /** As route itself has heard it: what score knows is up to a poll older or newer. */
  readonly control: Control;
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
  readonly arm: string | null;
  readonly overriddenBy: 'kill_switch' | 'incident' | null;
  readonly policy: ActingPolicy;
  /** That scored, whether it acts or not. */
  readonly model: ScoreAnswer['model'];
  readonly statisticsGeneration: string | null;
  readonly fallbackReason: string | null;
}

function distributionOver(eligible: readonly Offer[], id: string, input: RouteInput): Distribution {
  const { scores, control } = input;
  const rules = (why: Partial<Distribution>): Distribution => ({ ...fromRules(eligible, id, input), ...why });
  if (scores === null) return rules({});
  // Pulled since score heard of it: no model acts any more, from the first instance on that knows.
  if (control.kill !== null && scores.mode !== 'rules' && scores.mode !== 'apprentice')
    return rules({ overriddenBy: 'kill_switch' });
  return fromScores(eligible, input, scores) ?? rules({ fallbackReason: 'recommendations_ineligible' });
}

/** Score's distribution over what is eligible here and now. Null when nothing that it recommends is, or it names an offer twice. */
function fromScores(eligible: readonly Offer[], input: RouteInput, scores: ScoreAnswer): Distribution | null {
  const { workload, nowMs, control } = input;
  const { recommendations } = scores;
  const here = new Map(eligible.map((offer) => [offer.offer_id, offer]));
  const kept = recommendations.map(({ offer_id }) => here.has(offer_id));
  const named = new Set(recommendations.map(({ offer_id }) => offer_id));
  if (!kept.includes(true) || named.size < recommendations.length) return null;

  const incident = openIncidents(control, nowMs).length > 0;
  const settled = (workload.priority === 'critical' || incident) && scores.policy.kind !== 'greedy';
  const left = settled
    ? leftOf(GREEDY, distributionOf(GREEDY, recommendations), kept)
    : leftOf(
        scores.policy,
        recommendations.map(({ probability }) => probability),
        kept,
      );
  return {
    candidates: recommendations.map((scored, index): Candidate => {
      const offer = here.get(scored.offer_id) ?? null;
      return {
        provider: offer?.provider ?? scored.provider,
        offer_id: scored.offer_id,
        // As scored, for the predictions and the features are about these figures.
        usd_per_gpu_hour: scored.usd_per_gpu_hour,
        latency_ms: scored.latency_ms,
        rule_score: scored.rule_score,
        probability: left.probabilities[index] ?? 0,
        expected_utility: scored.expected_utility,
        utility_variance: scored.utility_variance,
        lead_variance: scored.lead_variance,
        predicted: scored.predicted,
        features: scored.features ?? (offer === null ? null : candidateFeatures(workload, offer, nowMs)),
        dropped: offer === null,
      };
    }),
    recommended: recommendations[0]?.offer_id ?? null,
    mode: scores.mode,
    arm: scores.arm,
    overriddenBy: settled && incident ? 'incident' : null,
    policy: left.policy,
    model: scores.model,
    statisticsGeneration: scores.statistics_generation,
    fallbackReason: scores.fault,
  };
}

/** `eligible` comes best rule score first. */
function fromRules(eligible: readonly Offer[], id: string, input: RouteInput): Distribution {
  const { workload, nowMs, control, fallbackReason } = input;
  const asked = { atMs: nowMs, decisionId: id, tenantId: workload.tenant_id, priority: workload.priority };
  const { explore, arm } = actingAt(control, { champion: null, shown: null }, asked);
  const policy = rulesPolicy(explore);
  const candidates = eligible.map(
    (offer): Candidate => ({
      provider: offer.provider,
      offer_id: offer.offer_id,
      usd_per_gpu_hour: offer.usd_per_gpu_hour,
      latency_ms: offer.latency_ms,
      rule_score: classicScore(workload.weights, offer),
      probability: 0,
      expected_utility: null,
      utility_variance: null,
      lead_variance: null,
      predicted: null,
      features: candidateFeatures(workload, offer, nowMs),
      dropped: false,
    }),
  );
  const probabilities = distributionOf(policy, candidates);
  return {
    candidates: candidates.map((candidate, index) => ({ ...candidate, probability: probabilities[index] ?? 0 })),
    recommended: eligible[0]?.offer_id ?? null,
    mode: 'rules',
    arm: arm === null ? null : RULES,
    overriddenBy: null,
    policy,
    model: null,
    statisticsGeneration: null,
    fallbackReason,
  };
}

/** Candidates stand best first by what acts, so the fallbacks need no order of their own. */
function deploymentOf(decision: Decision, final: Candidate, candidates: readonly Candidate[]): DeploymentRequest {
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
