/** What a provider does not say, reckoned from what was seen of an instance. All pure; times are world epoch milliseconds. */
import { MS_PER_HOUR, SERVED_SHARE } from '#shared/defaults.ts';
import type { Ending, OpenDeployment, SeenDeployment } from '#shared/domain/deployment.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { InstanceStatus } from '#shared/providers/provider.ts';

/** One look at an instance. */
export interface Look {
  /** Null: the provider knows no such instance. */
  readonly status: InstanceStatus | null;
  /** It stood so at some instant between these two: the call and its answer. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** The look before this one at the same provider; null: none that is remembered. */
  readonly beforeMs: number | null;
  /** Measured at its address just now; null: not measured. */
  readonly latencyMs: number | null;
}

export type StatusLook = Look & { readonly status: InstanceStatus };

/** Run time that was bought: gpu_hours / gpu_count. */
export const plannedMs = ({ request: { request } }: OpenDeployment): number =>
  (request.gpu_hours / request.gpu_count) * MS_PER_HOUR;

/** When its planned time is over at the latest; null: not ready yet. */
export const plannedEndMs = (record: OpenDeployment): number | null =>
  record.ready_at === null ? null : Date.parse(record.ready_at) + record.ready_within_ms + plannedMs(record);

export const createdMs = (record: OpenDeployment, status: InstanceStatus): number =>
  Date.parse(status.created_at ?? record.claimed_at);

/** The last instant at which it was known not to be ready. */
export function notReadyMs(record: OpenDeployment, { status, beforeMs }: StatusLook): number {
  const created = createdMs(record, status);
  // Never looked at: the look before says nothing of it.
  if (record.seen?.state !== 'provisioning') return created;
  return Math.max(created, Date.parse(record.seen.at), beforeMs ?? created);
}

/** When it became ready: its provider's word, else the middle between the last look that saw it otherwise and this one. */
export function readiness(
  record: OpenDeployment,
  look: StatusLook,
): Pick<OpenDeployment, 'ready_at' | 'ready_within_ms'> | null {
  const { status, untilMs } = look;
  if (status.ready_at !== null) return { ready_at: status.ready_at, ready_within_ms: 0 };
  if (status.state !== 'running') return null;
  const from = Math.min(untilMs, notReadyMs(record, look));
  return { ready_at: rfc3339((from + untilMs) / 2), ready_within_ms: (untilMs - from) / 2 };
}

/** When it ended: its provider's word, else the middle between the last look, when it still lived, and this one. */
export function endMs(record: OpenDeployment, { status, untilMs, beforeMs }: StatusLook): number {
  if (status.ended_at !== null) return Date.parse(status.ended_at);
  // Without that look it may have lived until now; half of a long run would be far off.
  if (beforeMs === null) return untilMs;
  const since = record.ready_at === null ? createdMs(record, status) : Date.parse(record.ready_at);
  return (Math.min(untilMs, Math.max(since, beforeMs)) + untilMs) / 2;
}

/** A relative change of the price that is worth a write; the USD price of a token moves with every look. */
const PRICE_NEWS = 0.01;

/** What was seen, with what this look adds; the same object when nothing in it matters. */
export function seenOf({ seen: before }: OpenDeployment, { status, fromMs, latencyMs }: StatusLook): SeenDeployment {
  const now: SeenDeployment = {
    at: rfc3339(fromMs),
    state: status.state === 'provisioning' ? 'provisioning' : 'running',
    address: status.address ?? before?.address ?? null,
    gpu_count: status.gpu_count ?? before?.gpu_count ?? null,
    usd_per_hour: status.usd_per_hour ?? before?.usd_per_hour ?? null,
    storage_usd_per_hour: status.storage_usd_per_hour ?? before?.storage_usd_per_hour ?? null,
    latency_ms: status.latency_ms ?? latencyMs ?? before?.latency_ms ?? null,
  };
  return before !== null && isSame(before, now) ? before : now;
}

const isSame = (a: SeenDeployment, b: SeenDeployment): boolean =>
  a.state === b.state &&
  a.gpu_count === b.gpu_count &&
  a.latency_ms === b.latency_ms &&
  a.address?.host === b.address?.host &&
  a.address?.port === b.address?.port &&
  a.address?.tls === b.address?.tls &&
  isSamePrice(a.usd_per_hour, b.usd_per_hour) &&
  isSamePrice(a.storage_usd_per_hour, b.storage_usd_per_hour);

const isSamePrice = (a: number | null, b: number | null): boolean =>
  a === null || b === null ? a === b : Math.abs(a - b) <= PRICE_NEWS * Math.max(a, b);

/** Whether a workload that ended by itself may have been done: read in its favour where looks leave the instants open. */
export function mayHaveServed(record: OpenDeployment, look: StatusLook): boolean {
  const ready =
    record.ready_at === null ? notReadyMs(record, look) : Date.parse(record.ready_at) - record.ready_within_ms;
  const ended = look.status.ended_at === null ? look.untilMs : Date.parse(look.status.ended_at);
  return ended - ready >= SERVED_SHARE * plannedMs(record);
}

/** The hours and the money of a run that is over. Work is saved hourly: a run that breaks keeps its whole hours. */
export function figuresOf(
  record: OpenDeployment,
  look: StatusLook,
  run: { readonly readyMs: number | null; readonly endMs: number; readonly completed: boolean },
): Omit<Ending, 'status' | 'observed_at' | 'blame'> {
  const { status, untilMs } = look;
  const { request, option } = record.request;
  const seen = seenOf(record, look);
  const created = createdMs(record, status);
  const runHours = run.readyMs === null ? 0 : hours(run.endMs - run.readyMs);
  const given = seen.gpu_count ?? request.gpu_count;
  const exposure = status.exposure_hours ?? runHours;
  const saved = Math.min(request.gpu_hours, Math.floor(exposure) * request.gpu_count);
  const useful = run.completed ? request.gpu_hours : (status.useful_gpu_hours ?? saved);
  const billed = status.billed_gpu_hours ?? runHours * given;
  // A provider that names no price charges what it offered.
  const usdPerHour = seen.usd_per_hour ?? option.advertised_usd_per_gpu_hour * given;
  // Storage is billed until somebody terminates it, and that is now.
  const storage = (seen.storage_usd_per_hour ?? 0) * hours(untilMs - created);
  const cost = status.cost_usd ?? usdPerHour * runHours + storage;
  // More GPUs than were asked for do no more work, but are paid: of a run that was done, what its hours came to.
  const counted = run.completed ? useful : billed;
  return {
    ready_ms: run.readyMs === null ? null : Math.max(0, run.readyMs - created),
    latency_ms: seen.latency_ms,
    exposure_hours: exposure,
    useful_gpu_hours: useful,
    billed_gpu_hours: billed,
    cost_usd: cost,
    effective_usd_per_gpu_hour: Number.isFinite(cost / counted) ? cost / counted : null,
  };
}

const hours = (ms: number): number => Math.max(0, ms) / MS_PER_HOUR;
