import { MS_PER_HOUR } from '#shared/defaults.ts';
import { attemptOf, type DeploymentRecord, endedOf, type OpenDeployment } from '#shared/domain/deployment.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { InstanceStatus } from '#shared/providers/provider.ts';

/** What follows from an instance's status: events to publish, then the record to keep. */
export interface Observation {
  readonly outcomes: readonly Outcome[];
  /** The record as it stands after the events are out; the same object when nothing changed. */
  readonly next: DeploymentRecord;
}

/** World milliseconds for which an instance may be unknown to its provider before it counts as failed: listings lag. */
const UNKNOWN_GRACE_MS = 30 * 60_000;

const NOTHING_SEEN = {
  state: 'failed',
  blame: 'provider',
  ended_at: null,
  request_id: null,
  address: null,
  gpu_count: null,
  usd_per_hour: null,
  storage_usd_per_hour: null,
  latency_ms: null,
  useful_gpu_hours: 0,
  billed_gpu_hours: 0,
  cost_usd: 0,
} as const;

const NOT_KNOWN = {
  useful_gpu_hours: null,
  billed_gpu_hours: null,
  cost_usd: null,
  effective_usd_per_gpu_hour: null,
} as const;

/** `status` null: the provider knows no such instance. */
export function observe(record: OpenDeployment, status: InstanceStatus | null, nowMs: number): Observation {
  if (status === null) return unknown(record, nowMs);
  const outcomes: Outcome[] = [];
  const { ready_at: readyAt, state } = status;
  if (readyAt !== null && !record.ready_published) {
    const ready = { ...outcomeOf(record, status), sequence: 0, status: 'ready', final: false } as const;
    outcomes.push({ ...ready, observed_at: readyAt, ...NOT_YET });
  }
  if (state === 'provisioning' || state === 'running') return { outcomes, next: seen(record, readyAt) };
  const final = {
    ...outcomeOf(record, status),
    status: state === 'exited' ? 'failed' : state,
    observed_at: status.ended_at ?? rfc3339(nowMs),
  } as const;
  return { outcomes: [...outcomes, final], next: endedOf(record, final) };
}

function seen(record: OpenDeployment, readyAt: string | null): OpenDeployment {
  const news = readyAt !== null && !record.ready_published;
  if (record.unknown_since === null && !news) return record;
  return news
    ? { ...record, unknown_since: null, ready_published: true, ready_at: readyAt }
    : { ...record, unknown_since: null };
}

/** What an interim outcome cannot know. */
const NOT_YET = { ...NOT_KNOWN, blame: null, exposure_hours: null } as const;

/** The final outcome but for its status and instant. */
function outcomeOf(record: OpenDeployment, status: InstanceStatus): Outcome {
  const { request } = record;
  return {
    ...attemptOf(request),
    sequence: 1,
    observed_at: status.created_at ?? record.claimed_at,
    status: 'completed',
    final: true,
    blame: status.blame,
    ready_ms:
      status.ready_at === null
        ? null
        : Math.max(0, Date.parse(status.ready_at) - Date.parse(status.created_at ?? record.claimed_at)),
    latency_ms: status.latency_ms,
    exposure_hours: status.exposure_hours,
    useful_gpu_hours: status.useful_gpu_hours,
    billed_gpu_hours: status.billed_gpu_hours,
    cost_usd: status.cost_usd,
    effective_usd_per_gpu_hour:
      status.cost_usd !== null && status.billed_gpu_hours !== null && status.billed_gpu_hours > 0
        ? status.cost_usd / status.billed_gpu_hours
        : null,
  };
}

/** After the grace it is the provider's failure. What it cost and how much of it was useful nobody can say any more. */
function unknown(record: OpenDeployment, nowMs: number): Observation {
  const { unknown_since: since, ready_at: readyAt } = record;
  if (since === null) return { outcomes: [], next: { ...record, unknown_since: rfc3339(nowMs) } };
  const lostMs = Date.parse(since) + UNKNOWN_GRACE_MS;
  if (nowMs < lostMs) return { outcomes: [], next: record };
  const lostAt = rfc3339(lostMs);
  const facts = outcomeOf(record, {
    ...NOTHING_SEEN,
    instance_id: record.instance_id ?? '',
    created_at: record.claimed_at,
    ready_at: readyAt,
    exposure_hours: readyAt === null ? 0 : Math.max(0, Date.parse(since) - Date.parse(readyAt)) / MS_PER_HOUR,
  });
  const outcome = { ...facts, ...NOT_KNOWN, status: 'failed', observed_at: lostAt } as const;
  return { outcomes: [outcome], next: endedOf(record, outcome) };
}
