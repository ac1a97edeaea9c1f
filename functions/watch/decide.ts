import type { DeploymentRecord } from '#shared/domain/deployment.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { InstanceStatus } from '#shared/providers/provider.ts';

/** What follows from an instance's status: events to publish, and whether the deployment has ended. */
export interface Observation {
  readonly outcomes: readonly Outcome[];
  readonly ready: boolean;
  readonly ended: boolean;
}

/** World milliseconds after which an instance that its provider does not know counts as failed: listings lag behind creation. */
const UNKNOWN_GRACE_MS = 30 * 60_000;

export function observe(record: DeploymentRecord, status: InstanceStatus | null, nowMs: number): Observation {
  if (status === null) return lost(record, nowMs);
  const outcomes: Outcome[] = [];
  const becameReady = status.ready_at !== null;
  if (becameReady && !record.ready_published) {
    outcomes.push({
      ...outcomeOf(record, status),
      sequence: 0,
      status: 'ready',
      final: false,
      observed_at: status.ready_at ?? '',
      ...NOT_YET,
    });
  }
  const ended = status.state !== 'provisioning' && status.state !== 'running';
  if (ended) {
    outcomes.push({
      ...outcomeOf(record, status),
      sequence: 1,
      status: status.state as Outcome['status'],
      final: true,
      observed_at: status.ended_at ?? rfc3339(nowMs),
    });
  }
  return { outcomes, ready: becameReady, ended };
}

/** What an interim outcome cannot know. */
const NOT_YET = {
  blame: null,
  exposure_hours: null,
  useful_gpu_hours: null,
  billed_gpu_hours: null,
  cost_usd: null,
  effective_usd_per_gpu_hour: null,
} as const;

function outcomeOf(record: DeploymentRecord, status: InstanceStatus): Outcome {
  const { request } = record;
  return {
    decision_id: request.decision_id,
    attempt: request.attempt,
    sequence: 1,
    provider: request.option.provider,
    offer_id: request.option.offer_id,
    observed_at: status.created_at,
    status: 'completed',
    final: true,
    blame: status.blame,
    ready_ms:
      status.ready_at === null ? null : Math.max(0, Date.parse(status.ready_at) - Date.parse(status.created_at)),
    latency_ms: status.latency_ms,
    exposure_hours: status.exposure_hours,
    useful_gpu_hours: status.useful_gpu_hours,
    billed_gpu_hours: status.billed_gpu_hours,
    cost_usd: status.cost_usd,
    effective_usd_per_gpu_hour: status.billed_gpu_hours > 0 ? status.cost_usd / status.billed_gpu_hours : null,
    decided_at: request.decided_at,
    tenant_id: request.tenant_id,
    request: request.request,
    advertised_usd_per_gpu_hour: request.option.advertised_usd_per_gpu_hour,
    advertised_latency_ms: request.option.advertised_latency_ms,
    features: request.option.features,
    mode: request.mode,
    propensity: request.propensity,
  };
}

/** The provider knows no such instance. After a grace it is a failure of the provider. */
function lost(record: DeploymentRecord, nowMs: number): Observation {
  const claimedMs = Date.parse(record.claimed_at);
  if (nowMs - claimedMs < UNKNOWN_GRACE_MS) return { outcomes: [], ready: false, ended: false };
  const at = rfc3339(claimedMs + UNKNOWN_GRACE_MS);
  const status: InstanceStatus = {
    instance_id: record.instance_id ?? '',
    state: 'failed',
    blame: 'provider',
    created_at: record.claimed_at,
    ready_at: null,
    ended_at: at,
    latency_ms: null,
    exposure_hours: 0,
    useful_gpu_hours: 0,
    billed_gpu_hours: 0,
    cost_usd: 0,
  };
  return { outcomes: [{ ...outcomeOf(record, status), status: 'failed', observed_at: at }], ready: false, ended: true };
}
