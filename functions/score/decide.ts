import { REMARKABLE_COMPLETION, REMARKABLE_LATENCY_RATIO, REMARKABLE_PRICE_RATIO } from '#shared/defaults.ts';
import { RULES } from '#shared/domain/actor.ts';
import type { Control } from '#shared/domain/control.ts';
import type { ActingPolicy } from '#shared/domain/decision.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import type { Recommendation, ScoreAnswer } from '#shared/domain/score.ts';
import { areValued, distributionOf, type Ranked } from '#shared/learning/policy/distribution.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import { eligibleOffers } from '#shared/rules/eligibility.ts';
import type { Acting } from '#shared/serving/acting.ts';
import { apprenticePolicy, modelPolicy, rulesPolicy } from '#shared/serving/acting-policy.ts';
import type { IndexedOffers } from '#shared/serving/offers.ts';
import type { Company, ServedModel, ShownValue } from './company.ts';
import { whoActs } from './who-acts.ts';

export interface ScoreInput {
  readonly workload: Workload;
  /** Whom a share or a trial takes it for: its decision's id. */
  readonly decisionId: string;
  readonly offers: IndexedOffers;
  readonly generation: string;
  readonly control: Control;
  readonly company: Company;
  /** World milliseconds past which a posterior is too old to act on. */
  readonly staleLimitMs: number;
  readonly nowMs: number;
  readonly includeFeatures: boolean;
}

/** The whole answer from values alone: ranked by what acts, then the distribution over the ranks. */
export function decideScores(input: ScoreInput): ScoreAnswer {
  const { workload, decisionId, offers, control, company, staleLimitMs, nowMs, includeFeatures } = input;
  const { eligible, excluded, excludedTotal } = eligibleOffers(workload, offers.index);
  const asked = { atMs: nowMs, decisionId, tenantId: workload.tenant_id, priority: workload.priority, staleLimitMs };
  const { acting, model, fault } = whoActs(control, company, asked);
  const byModel = acting.actor !== RULES;
  const values = model === null ? null : model.value(workload, eligible, nowMs);
  const candidates = eligible.map((offer, i): Valued => {
    const value = values?.[i] ?? null;
    const ruleScore = classicScore(workload.weights, offer);
    return { offer, value, ruleScore, acts: byModel ? (value?.expectedUtility ?? Number.NaN) : ruleScore };
  });
  const ranked = candidates
    .sort((a, b) => b.acts - a.acts)
    .map((candidate, index) => recommendation(candidate, index + 1, includeFeatures));
  const policy = policyOf(acting, ranked);
  const probabilities = distributionOf(policy, ranked);

  return {
    model: model === null ? null : modelOf(model, byModel, nowMs),
    statistics_generation: model?.posterior?.statisticsGeneration ?? null,
    mode: acting.mode,
    arm: acting.arm,
    recommendations: ranked.map((one, i) => ({ ...one, probability: probabilities[i] ?? 0 })),
    excluded,
    excluded_total: excludedTotal,
    policy,
    fault,
    offers_generation: input.generation,
    data_age_s: Math.max(0, (nowMs - offers.observedAtMs) / 1000),
  };
}

/** In a trial, and beside a share, the rules act as they would alone: what is compared must be what it is. */
function policyOf({ actor, mode, explore }: Acting, ranked: readonly Ranked[]): ActingPolicy {
  if (actor !== RULES) return modelPolicy(explore);
  const apprentice = apprenticePolicy();
  return explore && mode === 'apprentice' && areValued(apprentice, ranked) ? apprentice : rulesPolicy(explore);
}

interface Valued {
  readonly offer: Offer;
  readonly value: ShownValue | null;
  readonly ruleScore: number;
  /** Higher is better. */
  readonly acts: number;
}

function modelOf({ name, trainedAtMs, posterior }: ServedModel, acts: boolean, nowMs: number): ScoreAnswer['model'] {
  const age = (sinceMs: number): number => Math.max(0, (nowMs - sinceMs) / 1000);
  return {
    version: name,
    stage: acts ? 'online' : 'apprentice',
    age_s: age(trainedAtMs ?? posterior?.writtenAtMs ?? nowMs),
    statistics_age_s: posterior === null ? null : age(posterior.writtenAtMs),
  };
}

/** Without its probability, which depends on the others. */
function recommendation(
  { offer, value, ruleScore }: Valued,
  rank: number,
  includeFeatures: boolean,
): Omit<Recommendation, 'probability'> {
  const base = {
    provider: offer.provider,
    offer_id: offer.offer_id,
    rank,
    usd_per_gpu_hour: offer.usd_per_gpu_hour,
    latency_ms: offer.latency_ms,
    expected_utility: value?.expectedUtility ?? null,
    utility_variance: value?.variance ?? null,
    lead_variance: value?.leadVariance ?? null,
    rule_score: ruleScore,
    predicted: value?.predicted ?? null,
    reasons: reasons(offer, value),
  };
  return includeFeatures && value !== null ? { ...base, features: value.features } : base;
}

/** Where the model expects something else than the provider promises. */
function reasons(offer: Offer, value: ShownValue | null): string[] {
  if (value === null) return ['scored by the rules alone'];
  const { predicted } = value;
  const found: string[] = [];
  if (predicted.completed < REMARKABLE_COMPLETION)
    found.push(`completes in ${Math.round(predicted.completed * 100)} % of such runs`);
  if (predicted.usd_per_gpu_hour > offer.usd_per_gpu_hour * REMARKABLE_PRICE_RATIO) {
    found.push(
      `paid price about ${predicted.usd_per_gpu_hour.toFixed(2)}, advertised ${offer.usd_per_gpu_hour.toFixed(2)} USD/GPU-hour`,
    );
  }
  if (offer.latency_ms !== null && predicted.latency_ms > offer.latency_ms * REMARKABLE_LATENCY_RATIO) {
    found.push(`latency about ${Math.round(predicted.latency_ms)}, advertised ${Math.round(offer.latency_ms)} ms`);
  }
  return found;
}
