import { z } from 'zod';
import { exclusion, policy, predicted } from './decision.ts';
import { features } from './features.ts';
import { count, name, nonNegative, probability } from './primitives.ts';
import { routeRequest } from './request.ts';

/** `POST /agent/route`: a request, and whether the answer shall carry the features as scored (the router logs them). */
export const scoreRequest = routeRequest.extend({ include_features: z.boolean().optional() });

export const recommendation = z.object({
  provider: name,
  offer_id: z.string(),
  /** 1 is best by expected utility of the acting policy. */
  rank: z.int().min(1),
  usd_per_gpu_hour: z.number(),
  latency_ms: z.number().nullable(),
  expected_utility: z.number().nullable(),
  utility_variance: z.number().nullable(),
  rule_score: z.number(),
  probability,
  predicted: predicted.nullable(),
  reasons: z.array(z.string()),
  features: features.optional(),
});
export type Recommendation = z.infer<typeof recommendation>;

/** What score answers. `stage` apprentice: the model's figures are shown, the rules' probabilities act. */
export const scoreAnswer = z.object({
  model: z.object({ version: name, stage: z.enum(['apprentice', 'online']), age_s: nonNegative }).nullable(),
  mode: z.enum(['rules', 'apprentice', 'online']),
  recommendations: z.array(recommendation).max(64),
  excluded: z.array(exclusion),
  excluded_total: count,
  policy,
  offers_generation: z.string(),
  /** World seconds since the offers were observed. */
  data_age_s: nonNegative,
});
export type ScoreAnswer = z.infer<typeof scoreAnswer>;
