import { z } from 'zod';
import { features } from './features.ts';
import { count, name, nonNegative, probability, timestamp } from './primitives.ts';
import { workload } from './request.ts';

/**
 * rules: the classic score acts; apprentice: it acts, and a model's figures are logged beside it; switchback: the arm of the
 * block acts; online: a model acts; recorded: decided elsewhere and imported.
 */
export const mode = z.enum(['rules', 'apprentice', 'switchback', 'online', 'recorded']);
export type Mode = z.infer<typeof mode>;

/** Predicted parts of the utility for one candidate. */
export const predicted = z.object({
  /** P(becomes ready). */
  ready: probability,
  /** P(completes). */
  completed: probability,
  usd_per_gpu_hour: nonNegative,
  latency_ms: nonNegative,
  ready_ms: nonNegative,
});
export type Predicted = z.infer<typeof predicted>;

export const candidate = z.object({
  provider: name,
  offer_id: z.string(),
  usd_per_gpu_hour: z.number(),
  latency_ms: z.number().nullable(),
  rule_score: z.number(),
  /** Probability with which the policy takes this candidate. */
  probability,
  expected_utility: z.number().nullable(),
  /** Posterior variance of the expected utility; null when no posterior spoke. */
  utility_variance: z.number().nullable(),
  /** Of its difference to the expected utility of the leader: what the policy looked at. Rows from before it have null. */
  lead_variance: z.number().nullable().default(null),
  predicted: predicted.nullable(),
  features: features.nullable(),
  /** Valued by score, not eligible any more when route decided: probability 0, never deployed. Kept, so that the policy replays. */
  dropped: z.boolean().default(false),
});
export type Candidate = z.infer<typeof candidate>;

/** Why an offer was not eligible, and what would have made it so. */
export const exclusion = z.object({
  provider: name,
  offer_id: z.string(),
  reason: z.enum([
    'inactive',
    'region',
    'gpu_type',
    'gpu_count',
    'latency',
    'price',
    'reputation',
    'capacity',
    'candidate_limit',
    'blocked',
    'call_rate',
    'provider_down',
  ]),
  /** The smallest change of the request (or offer) that would make it eligible, e.g. "max_price >= 1.87". */
  needed: z.string(),
});
export type Exclusion = z.infer<typeof exclusion>;

/** The best gets all but epsilon, which is spread evenly; greedy: epsilon is 0. By rank: the candidates stand best first. */
const softened = z.object({ kind: z.enum(['epsilon_softened', 'greedy']), epsilon: probability });
/** Thompson sampling within an exploration budget (shared/learning/policy/thompson.ts), over expected utility and lead variance. */
const thompson = z.object({ kind: z.literal('thompson'), budget: nonNegative, share: probability, floor: probability });
/**
 * The rules act and an apprentice looks on: of the exploration epsilon a part is uniform, the rest goes where the apprentice's
 * own Thompson distribution would go. The candidates stand best first by the rules.
 */
const forApprentice = thompson.extend({ kind: z.literal('for_apprentice'), epsilon: probability });
/** Decided elsewhere: nobody wrote down how. */
const recorded = z.object({ kind: z.literal('recorded'), epsilon: probability });

/** How a decision here was drawn. */
export const actingPolicy = z.discriminatedUnion('kind', [softened, thompson, forApprentice]);
export type ActingPolicy = z.infer<typeof actingPolicy>;

const policy = z.discriminatedUnion('kind', [softened, thompson, forApprentice, recorded]);

/** One routing decision, complete: the policy part replays exactly from it. */
export const decision = z.object({
  decision_id: z.string().min(1),
  request_id: name,
  decided_at: timestamp,
  tenant_id: name,
  request: workload,
  offers_generation: z.string().nullable(),
  candidates: z.array(candidate).max(64),
  excluded: z.array(exclusion).max(256),
  excluded_total: count,
  recommended_offer_id: z.string().nullable(),
  final_provider: name.nullable(),
  final_offer_id: z.string().nullable(),
  mode,
  /** Who acted, where actors are compared: in a trial, or when a share decides. */
  arm: z.string().nullable(),
  /** What came after score had answered and outweighed it: `kill_switch`, `incident`. */
  overridden_by: z.string().nullable(),
  /** Probability of the FINAL action under the policy that acted; null when it was forced or is unknown. */
  propensity: probability.nullable(),
  salt_id: z.string(),
  policy,
  /** Whose figures the candidates carry, whether it acted or not: a version, or `linear`. */
  model_version: z.string().nullable(),
  /** Of the statistics behind its posterior. */
  statistics_generation: z.string().nullable(),
  /** World seconds. */
  model_age_s: nonNegative.nullable(),
  offers_age_s: nonNegative.nullable(),
  /** Host milliseconds of each stage. */
  score_ms: nonNegative.nullable(),
  decide_ms: nonNegative,
  /** Why the scores were not used, e.g. "deadline_exceeded"; null when they were. */
  fallback_reason: z.string().nullable(),
});
export type Decision = z.infer<typeof decision>;
