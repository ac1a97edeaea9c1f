import { z } from 'zod';
import { type DeploymentRequest, deploymentRequest } from './events/catalogue.ts';
import { type Outcome, outcome } from './outcome.ts';
import { count, nonNegative, timestamp } from './primitives.ts';

/**
 * `deployments/<decision_id>`: what deploy and watch know of one deployment. One record, its writes by compare-and-swap.
 * States:
 *   deploying     an attempt is claimed; the provider may or may not have created the instance (its label tells)
 *   gone          the attempt came to nothing: its offer is gone, or its provider silent for too long; its events may not be
 *                 published yet
 *   live          the instance exists; watch follows it
 *   cancelled     its tenant gave it up before deploy had taken it; deploy publishes the outcome when it does
 *   ended         final outcome published, or no offer was left
 * deploying -> live | gone; gone -> deploying (next attempt, maybe at another provider) | ended; live -> ended; cancelled -> ended.
 * `cancel_requested_at` may come in at any open state: whoever holds the record next ends it.
 */
const seen = z.object({
  /** World time of the look. */
  at: timestamp,
  state: z.enum(['provisioning', 'running']),
  address: z.object({ host: z.string(), port: z.int(), tls: z.boolean() }).nullable(),
  gpu_count: z.int().nullable(),
  usd_per_hour: nonNegative.nullable(),
  storage_usd_per_hour: nonNegative.nullable(),
  /** Measured at its address; null: not yet. */
  latency_ms: nonNegative.nullable(),
});
export type SeenDeployment = z.infer<typeof seen>;

/** How it ended, as its final outcome says it: durable before anybody is told, so that a repetition says the same. */
const ending = outcome.pick({
  status: true,
  observed_at: true,
  blame: true,
  ready_ms: true,
  latency_ms: true,
  exposure_hours: true,
  useful_gpu_hours: true,
  billed_gpu_hours: true,
  cost_usd: true,
  effective_usd_per_gpu_hour: true,
});
export type Ending = z.infer<typeof ending>;

const openDeployment = z.object({
  state: z.enum(['deploying', 'gone', 'live']),
  attempt: count,
  request: deploymentRequest,
  instance_id: z.string().nullable(),
  /** World time of the attempt's first claim. */
  claimed_at: timestamp,
  /** How the attempt came to nothing. In doubt: the provider may have made an instance and never said so. */
  given_up: z
    .object({ at: timestamp, blame: z.enum(['provider', 'ours']), in_doubt: z.boolean() })
    .nullable()
    .default(null),
  /** Interim `ready` outcome published. */
  ready_published: z.boolean(),
  /** World time at which it was ready, as far as seen. */
  ready_at: timestamp.nullable().default(null),
  /** Milliseconds by which `ready_at` may be off, either way: half the time between two looks; 0: its provider's word. */
  ready_within_ms: nonNegative.default(0),
  /** World time since which the provider says that it knows no such instance; null while it knows it. */
  unknown_since: timestamp.nullable().default(null),
  /** World time at which its tenant asked for its end; null: nobody did. */
  cancel_requested_at: timestamp.nullable().default(null),
  /** As watch saw it last; null: not yet. */
  seen: seen.nullable().default(null),
  /** Of a live one that is over: what is left is to publish it, to have its billing ended, to forget it. */
  ending: ending.nullable().default(null),
});
export type OpenDeployment = z.infer<typeof openDeployment>;

/** What a late duplicate must still find: 0.1 KB. The request, 2.5 KB, is in the warehouse, and hundreds of thousands of these are kept. */
const endedDeployment = z.object({
  state: z.literal('ended'),
  attempt: count,
  instance_id: z.string().nullable(),
  offer_id: z.string().nullable().default(null),
  /** With its tenant's id it gives the decision's: the intent, which has it too, is forgotten earlier. */
  request_id: z.string().nullable().default(null),
  /** Of the last outcome; null: written by a build that kept none. */
  status: z.string().nullable().default(null),
  ended_at: timestamp.nullable().default(null),
});
export type EndedDeployment = z.infer<typeof endedDeployment>;

const cancelledDeployment = z.object({ state: z.literal('cancelled'), cancelled_at: timestamp });

export const deploymentRecord = z.discriminatedUnion('state', [openDeployment, cancelledDeployment, endedDeployment]);
export type DeploymentRecord = z.infer<typeof deploymentRecord>;

/** `last`: the outcome that ended it. */
export const endedOf = (
  { attempt, request, instance_id }: OpenDeployment,
  last: Pick<Outcome, 'status' | 'observed_at'>,
): EndedDeployment => ({
  state: 'ended',
  attempt,
  instance_id,
  offer_id: request.option.offer_id,
  request_id: request.request_id,
  status: last.status,
  ended_at: last.observed_at,
});

export const deploymentKey = (decisionId: string): string => `deployments/${decisionId}`;
/** Index of live deployments: the keys that watch lists. Value: {decision_id}. */
export const liveKey = (decisionId: string): string => `live/${decisionId}`;
export const LIVE_PREFIX = 'live/';

/**
 * Index of what may be billed and nobody follows: attempts of which a silent provider may have made an instance, and instances
 * whose termination failed. Watch looks until the provider has answered, and terminates what it finds.
 */
export const doubtKey = (decisionId: string, attempt: number): string => `in-doubt/${decisionId}/${attempt}`;
export const DOUBT_PREFIX = 'in-doubt/';
export const doubt = z.object({
  decision_id: z.string(),
  attempt: count,
  provider: z.string(),
  /** World time at which the attempt was given up, or its instance should have been terminated. */
  since: timestamp,
  /** Which instance; null: nobody knows whether there is one. */
  instance_id: z.string().nullable().default(null),
});
export type Doubt = z.infer<typeof doubt>;

/** What an outcome row carries of its attempt, whatever became of it. */
export function attemptOf({ decision_id, attempt, option, ...request }: DeploymentRequest) {
  return {
    decision_id,
    attempt,
    provider: option.provider,
    offer_id: option.offer_id,
    decided_at: request.decided_at,
    tenant_id: request.tenant_id,
    request: request.request,
    advertised_usd_per_gpu_hour: option.advertised_usd_per_gpu_hour,
    advertised_latency_ms: option.advertised_latency_ms,
    features: option.features,
    mode: request.mode,
    propensity: request.propensity,
  } satisfies Partial<Outcome>;
}
