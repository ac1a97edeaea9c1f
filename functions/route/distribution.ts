/** Over which offers a decision is drawn, and with what probabilities: score's word within the hard rules, else the rules'. Pure. */
import { RULES } from '#shared/domain/actor.ts';
import { type Control, openIncidents } from '#shared/domain/control.ts';
import type { ActingPolicy, Candidate, Mode } from '#shared/domain/decision.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import type { ScoreAnswer } from '#shared/domain/score.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { areValued, distributionOf, GREEDY, leftOf } from '#shared/learning/policy/distribution.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import { actingAt } from '#shared/serving/acting.ts';
import { rulesPolicy } from '#shared/serving/acting-policy.ts';

export interface DistributionInput {
  readonly workload: Workload;
  readonly scores: ScoreAnswer | null;
  /** Why there are no scores; null when there are. */
  readonly fallbackReason: string | null;
  /** As route itself has heard it: what score knows is up to a poll older or newer. */
  readonly control: Control;
  readonly nowMs: number;
}

export interface Distribution {
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

/** @param eligible best rule score first, one at least */
export function distributionOver(eligible: readonly Offer[], id: string, input: DistributionInput): Distribution {
  const { scores, control } = input;
  const rules = (why: Partial<Distribution>): Distribution => ({ ...fromRules(eligible, id, input), ...why });
  if (scores === null) return rules({});
  // Pulled since score heard of it: no model acts any more, from the first instance on that knows.
  if (control.kill !== null && scores.mode !== 'rules' && scores.mode !== 'apprentice')
    return rules({ overriddenBy: 'kill_switch' });
  if (!isSure(scores)) return rules({ fallbackReason: 'scores_unsure' });
  return fromScores(eligible, input, scores) ?? rules({ fallbackReason: 'recommendations_ineligible' });
}

/** Of a sum of up to 64 probabilities. */
const ROUNDING = 1e-9;

/** Whether it carries what its own policy looks at, and says of every case what to do. Else nothing could be replayed from the row. */
function isSure({ policy, recommendations }: ScoreAnswer): boolean {
  const mass = recommendations.reduce((sum, { probability }) => sum + probability, 0);
  return recommendations.length === 0 || (areValued(policy, recommendations) && Math.abs(mass - 1) < ROUNDING);
}

/** Score's distribution over what is eligible here and now. Null when nothing that it recommends is, or it names an offer twice. */
function fromScores(eligible: readonly Offer[], input: DistributionInput, scores: ScoreAnswer): Distribution | null {
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
function fromRules(eligible: readonly Offer[], id: string, input: DistributionInput): Distribution {
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
