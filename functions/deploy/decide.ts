import { attemptOf, type DeploymentRecord, type OpenDeployment } from '#shared/domain/deployment.ts';
import type { DeploymentRequest } from '#shared/domain/events/catalogue.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';

/** What a delivery asks for, given what is on record. */
export type Step =
  /** Claim the attempt, then create the instance. */
  | 'claim'
  /** Claimed before, fate unknown: create again (the label makes it idempotent). */
  | 'create'
  /** The offer was gone: publish what follows from it (again). */
  | 'move_on'
  /** Instance exists: make sure that watch sees it. */
  | 'index'
  /** Nothing to do: a late duplicate. */
  | 'done';

export function nextStep(record: DeploymentRecord | null, request: DeploymentRequest): Step {
  if (record === null || record.attempt < request.attempt) return 'claim';
  if (record.attempt > request.attempt) return 'done';
  switch (record.state) {
    case 'deploying':
      return 'create';
    case 'gone':
      return 'move_on';
    case 'live':
      return 'index';
    case 'ended':
      return 'done';
  }
}

export const claimed = (request: DeploymentRequest, nowMs: number): OpenDeployment => ({
  state: 'deploying',
  attempt: request.attempt,
  request,
  instance_id: null,
  claimed_at: rfc3339(nowMs),
  ready_published: false,
  ready_at: null,
  unknown_since: null,
});

/** The request for the next offer, or null when none is left. Sent at the instant at which the last attempt was claimed, so that a repetition is the same event. */
export function nextAttempt(record: OpenDeployment): DeploymentRequest | null {
  const { request } = record;
  const [option, ...fallbacks] = request.fallbacks;
  if (option === undefined) return null;
  return {
    ...request,
    requested_at: record.claimed_at,
    attempt: request.attempt + 1,
    propensity: null,
    option,
    fallbacks,
  };
}

/** "Offer gone" is the failed start of the attempt. */
export function goneOutcome({ request, claimed_at }: OpenDeployment): Outcome {
  return {
    ...attemptOf(request),
    sequence: 1,
    observed_at: claimed_at,
    status: 'failed_to_start',
    final: true,
    blame: 'provider',
    ready_ms: null,
    latency_ms: null,
    exposure_hours: 0,
    useful_gpu_hours: 0,
    billed_gpu_hours: 0,
    cost_usd: 0,
    effective_usd_per_gpu_hour: null,
  };
}
