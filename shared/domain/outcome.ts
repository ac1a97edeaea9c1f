import { z } from 'zod';
import { features } from './features.ts';
import { count, name, nonNegative, probability, timestamp } from './primitives.ts';
import { workload } from './request.ts';

const outcomeStatus = z.enum(['ready', 'completed', 'failed_to_start', 'preempted', 'failed', 'cancelled']);

const blame = z.enum(['provider', 'tenant', 'network', 'ours']);

/**
 * What became of one attempt of a decision. `sequence` 0 is the interim `ready`, 1 the final one. The acted candidate's
 * features, workload and instant ride along, so that a learner needs no join.
 */
export const outcome = z.object({
  decision_id: z.string().min(1),
  /** 0 is the sampled action; fallbacks follow. */
  attempt: count,
  sequence: count,
  provider: name,
  offer_id: z.string(),
  observed_at: timestamp,
  status: outcomeStatus,
  final: z.boolean(),
  blame: blame.nullable(),
  ready_ms: nonNegative.nullable(),
  /** How far `ready_ms` may be off: it was seen between two looks. Null: nobody had to look. */
  ready_within_ms: nonNegative.nullable().default(null),
  latency_ms: nonNegative.nullable(),
  /** Hours the run was exposed to interruption. */
  exposure_hours: nonNegative.nullable(),
  useful_gpu_hours: nonNegative.nullable(),
  billed_gpu_hours: nonNegative.nullable(),
  cost_usd: nonNegative.nullable(),
  effective_usd_per_gpu_hour: nonNegative.nullable(),
  /** Of the decision: */
  decided_at: timestamp,
  tenant_id: name,
  request: workload,
  /** Of the acted candidate: null where it was never scored. */
  advertised_usd_per_gpu_hour: nonNegative.nullable(),
  advertised_latency_ms: nonNegative.nullable(),
  features: features.nullable(),
  mode: z.string(),
  /** Null for fallbacks: they teach the heads, not the policy. */
  propensity: probability.nullable(),
});
export type Outcome = z.infer<typeof outcome>;
