import { REMARKABLE_COMPLETION, REMARKABLE_LATENCY_RATIO, REMARKABLE_PRICE_RATIO } from '#shared/defaults.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import type { Recommendation, ScoreAnswer } from '#shared/domain/score.ts';
import { epsilonSoftened } from '#shared/learning/policy.ts';
import type { CandidateScore } from '#shared/learning/scorer.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import { eligibleOffers } from '#shared/rules/eligibility.ts';
import { actingPolicy } from '#shared/serving/acting-policy.ts';
import type { IndexedOffers } from '#shared/serving/offers.ts';
import type { ServedModel } from './served-model.ts';

export interface ScoreInput {
  readonly workload: Workload;
  readonly offers: IndexedOffers;
  readonly generation: string;
  readonly model: ServedModel | null;
  readonly nowMs: number;
  readonly includeFeatures: boolean;
}

/** The whole answer from values alone. */
export function decideScores(input: ScoreInput): ScoreAnswer {
  const { workload, offers, model, nowMs } = input;
  const { eligible, excluded, excludedTotal } = eligibleOffers(workload, offers.index);
  const ruleScores = eligible.map((offer) => classicScore(workload.weights, offer));
  const scored = model === null ? null : model.scorer.score(workload, eligible, nowMs);
  const acting =
    model?.stage === 'online' && scored !== null ? scored.map((candidate) => candidate.expectedUtility) : ruleScores;
  const policy = actingPolicy(workload);
  const probabilities = epsilonSoftened(acting, policy.epsilon);
  const order = acting.map((_, index) => index).sort((a, b) => (acting[b] ?? 0) - (acting[a] ?? 0) || a - b);

  return {
    model:
      model === null
        ? null
        : { version: model.version, stage: model.stage, age_s: Math.max(0, (nowMs - model.createdAtMs) / 1000) },
    mode: model === null ? 'rules' : model.stage,
    recommendations: order.map((index, position) =>
      recommendation({
        offer: eligible[index] as Offer,
        scored: scored?.[index] ?? null,
        ruleScore: ruleScores[index] ?? 0,
        probability: probabilities[index] ?? 0,
        rank: position + 1,
        includeFeatures: input.includeFeatures,
      }),
    ),
    excluded,
    excluded_total: excludedTotal,
    policy,
    offers_generation: input.generation,
    data_age_s: Math.max(0, (nowMs - offers.observedAtMs) / 1000),
  };
}

function recommendation(input: {
  readonly offer: Offer;
  readonly scored: CandidateScore | null;
  readonly ruleScore: number;
  readonly probability: number;
  readonly rank: number;
  readonly includeFeatures: boolean;
}): Recommendation {
  const { offer, scored } = input;
  const base = {
    provider: offer.provider,
    offer_id: offer.offer_id,
    rank: input.rank,
    usd_per_gpu_hour: offer.usd_per_gpu_hour,
    latency_ms: offer.latency_ms,
    expected_utility: scored?.expectedUtility ?? null,
    utility_variance: null,
    rule_score: input.ruleScore,
    probability: input.probability,
    predicted: scored?.predicted ?? null,
    reasons: reasons(offer, scored),
  };
  return input.includeFeatures && scored !== null ? { ...base, features: scored.features } : base;
}

/** Where the model expects something else than the provider promises. */
function reasons(offer: Offer, scored: CandidateScore | null): string[] {
  if (scored === null) return ['scored by the rules: no model serves yet'];
  const { predicted } = scored;
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
