import { z } from 'zod';
import { actingPolicy, exclusion, mode, predicted } from './decision.ts';
import { features } from './features.ts';
import { count, name, nonNegative, probability } from './primitives.ts';
import { routeRequest } from './request.ts';

/** `POST /agent/route`: a request, and whether the answer shall carry the features as scored (the router logs them). */
export const scoreRequest = routeRequest.extend({ include_features: z.boolean().optional() });

export const recommendation = z.object({
  provider: name,
  offer_id: z.string(),
  /** 1 is best by what acts: the rule score, or the model's expected utility. */
  rank: z.int().min(1),
  usd_per_gpu_hour: z.number(),
  latency_ms: z.number().nullable(),
  expected_utility: z.number().nullable(),
  /** Of what is not known of it, not of what is left to chance. */
  utility_variance: z.number().nullable(),
  /** Of its difference to the first by expected utility: what exploration looks at. */
  lead_variance: z.number().nullable().default(null),
  rule_score: z.number(),
  probability,
  predicted: predicted.nullable(),
  reasons: z.array(z.string()),
  features: features.optional(),
});
export type Recommendation = z.infer<typeof recommendation>;

/** What score answers. What a score of an older build does not say is null. */
export const scoreAnswer = z.object({
  /** Whose figures the recommendations carry. `stage` online: it acts; apprentice: it is shown, and the rules act. */
  model: z
    .object({
      /** Or `linear`, the fast learner on its own. */
      version: name,
      stage: z.enum(['apprentice', 'online']),
      /** World seconds since its training; of `linear`, since its posterior was written. */
      age_s: nonNegative,
      /** World seconds since its posterior was written; null: the network alone. */
      statistics_age_s: nonNegative.nullable().default(null),
    })
    .nullable(),
  statistics_generation: z.string().nullable().default(null),
  mode: mode.exclude(['recorded']),
  arm: z.string().nullable().default(null),
  recommendations: z.array(recommendation).max(64),
  excluded: z.array(exclusion),
  excluded_total: count,
  policy: actingPolicy,
  /** Why the rules act in the place of who should; null: nobody is missing. */
  fault: z.string().nullable().default(null),
  offers_generation: z.string(),
  /** World seconds since the offers were observed. */
  data_age_s: nonNegative,
});
export type ScoreAnswer = z.infer<typeof scoreAnswer>;
