import { MS_PER_HOUR, OVERTIME_MS, START_LIMIT_MS } from '#shared/defaults.ts';
import {
  attemptOf,
  type DeploymentRecord,
  type Ending,
  endedOf,
  type OpenDeployment,
} from '#shared/domain/deployment.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { type InstanceStatus, isOver, UNSAID } from '#shared/providers/provider.ts';
import {
  createdMs,
  endMs,
  figuresOf,
  type Look,
  mayHaveServed,
  notReadyMs,
  plannedEndMs,
  plannedMs,
  readiness,
  type StatusLook,
  seenOf,
} from './reckon.ts';

/** What follows from a look at a live deployment. */
export interface Observation {
  /** With what is known now; the same object when nothing that matters has changed. `ending` given: it is over. */
  readonly record: OpenDeployment;
  /** What is to be published stands on what was reckoned here: the record must be durable first. */
  readonly noteFirst: boolean;
  readonly outcomes: readonly Outcome[];
}

/** World milliseconds for which an instance may be unknown to its provider before it counts as failed: listings lag. */
const UNKNOWN_GRACE_MS = 30 * 60_000;

/** What nobody can say of an instance that is gone. */
const NOT_KNOWN = {
  useful_gpu_hours: null,
  billed_gpu_hours: null,
  cost_usd: null,
  effective_usd_per_gpu_hour: null,
} as const;

export function observe(given: OpenDeployment, look: Look): Observation {
  // Decided at an earlier look; a run was killed before everybody had been told.
  if (given.ending !== null) return observed(given, look, false);
  const { status } = look;
  if (status === null) return observed(unseen(given, look), look, true);
  const known = noted(given, { ...look, status });
  const reckoned = (known.ready_at !== given.ready_at && status.ready_at === null) || look.latencyMs !== null;
  const over = concluded(known, { ...look, status });
  return observed(over ?? known, look, over !== null || reckoned);
}

function observed(record: OpenDeployment, { status }: Look, noteFirst: boolean): Observation {
  const outcomes: Outcome[] = [];
  if (record.ready_at !== null && !record.ready_published) outcomes.push(readyOutcome(record, status?.created_at));
  if (record.ending !== null) outcomes.push(finalOutcome(record, record.ending));
  return { record, noteFirst, outcomes };
}

/** The record once its outcomes are published. */
export function published(record: OpenDeployment, outcomes: readonly Outcome[]): DeploymentRecord {
  if (record.ending !== null) return endedOf(record, record.ending);
  return outcomes.length === 0 ? record : { ...record, ready_published: true };
}

/** Each field in its place: an end that was stored meanwhile gives the same bytes. */
const finalOutcome = (record: OpenDeployment, ending: Ending): Outcome => ({
  ...attemptOf(record.request),
  sequence: 1,
  observed_at: ending.observed_at,
  status: ending.status,
  final: true,
  blame: ending.blame,
  ready_ms: ending.ready_ms,
  ready_within_ms: withinOf(record, ending.ready_ms),
  latency_ms: ending.latency_ms,
  exposure_hours: ending.exposure_hours,
  useful_gpu_hours: ending.useful_gpu_hours,
  billed_gpu_hours: ending.billed_gpu_hours,
  cost_usd: ending.cost_usd,
  effective_usd_per_gpu_hour: ending.effective_usd_per_gpu_hour,
});

/** Null: it never was ready, or its provider said when. */
const withinOf = ({ ready_within_ms: ms }: OpenDeployment, readyMs: number | null): number | null =>
  readyMs === null || ms === 0 ? null : ms;

/** What an interim outcome holds: what is known by then. */
function readyOutcome(record: OpenDeployment, createdAt: string | null | undefined): Outcome {
  const readyAt = record.ready_at ?? record.claimed_at;
  const seenMs = Math.max(0, Date.parse(readyAt) - Date.parse(createdAt ?? record.claimed_at));
  const readyMs = record.ending === null ? seenMs : record.ending.ready_ms;
  return {
    ...attemptOf(record.request),
    sequence: 0,
    observed_at: readyAt,
    status: 'ready',
    final: false,
    blame: null,
    ready_ms: readyMs,
    ready_within_ms: withinOf(record, readyMs),
    latency_ms: record.ending === null ? (record.seen?.latency_ms ?? null) : record.ending.latency_ms,
    exposure_hours: null,
    ...NOT_KNOWN,
  };
}

/** The record with what the look says of an instance that is there. */
function noted(record: OpenDeployment, look: StatusLook): OpenDeployment {
  const ready = record.ready_at === null ? readiness(record, look) : null;
  const seen = isOver(look.status) ? record.seen : seenOf(record, look);
  if (record.unknown_since === null && ready === null && seen === record.seen) return record;
  return { ...record, unknown_since: null, ...ready, seen };
}

/** The record with its end, or null while it goes on. */
function concluded(record: OpenDeployment, look: StatusLook): OpenDeployment | null {
  if (isOver(look.status)) return endedByItself(record, look);
  if (record.cancel_requested_at !== null) return endedByUs(record, look, { status: 'cancelled', blame: 'tenant' });
  const planned = plannedEndMs(record);
  if (planned !== null && look.fromMs >= planned + OVERTIME_MS)
    return endedByUs(record, look, { status: 'completed', blame: null });
  if (record.ready_at === null && look.fromMs >= createdMs(record, look.status) + START_LIMIT_MS)
    return endedByUs(record, look, { status: 'failed_to_start', blame: 'provider' });
  return null;
}

type Verdict = Pick<Ending, 'status' | 'blame'>;

/** It still lives; it is terminated now. */
function endedByUs(record: OpenDeployment, look: StatusLook, verdict: Verdict): OpenDeployment {
  const run = {
    readyMs: record.ready_at === null ? null : Date.parse(record.ready_at),
    endMs: look.untilMs,
    completed: verdict.status === 'completed',
  };
  const observed_at = rfc3339(look.untilMs);
  return { ...record, ending: { ...verdict, observed_at, ...figuresOf(record, look, run) } };
}

function endedByItself(record: OpenDeployment, look: StatusLook): OpenDeployment {
  const verdict = givenUp(record, look, verdictOf(record, look));
  const completed = verdict.status === 'completed';
  const end = endMs(record, look);
  const readyMs = record.ready_at === null ? unseenReadyMs(record, look, verdict, end) : Date.parse(record.ready_at);
  const figures = figuresOf(record, look, { readyMs, endMs: end, completed });
  const ready_at = readyMs === null ? null : rfc3339(readyMs);
  return { ...record, ready_at, ending: { ...verdict, observed_at: rfc3339(end), ...figures } };
}

/** All of it came between two looks: what was done ran for its time; what was taken away ran, and nobody knows since when. */
function unseenReadyMs(record: OpenDeployment, look: StatusLook, verdict: Verdict, end: number): number | null {
  const notReady = Math.min(end, notReadyMs(record, look));
  if (verdict.status === 'completed') return Math.max(notReady, end - plannedMs(record));
  // A provider that has books would have said it.
  const isUnknown = verdict.status === 'preempted' && look.status.exposure_hours === null;
  return isUnknown ? (notReady + end) / 2 : null;
}

/**
 * Its tenant's end of it, which route may have carried out already: some providers say only that their customer has ended it. What is
 * another's doing, or was over before, keeps its own.
 */
function givenUp({ cancel_requested_at: at }: OpenDeployment, { status }: StatusLook, verdict: Verdict): Verdict {
  const own = verdict.status === 'completed' || (verdict.blame !== null && verdict.blame !== 'tenant');
  const before = at !== null && status.ended_at !== null && Date.parse(status.ended_at) < Date.parse(at);
  return at === null || own || before ? verdict : { status: 'cancelled', blame: 'tenant' };
}

/** What ended by itself is its tenant's doing, unless its provider says otherwise. */
function verdictOf(record: OpenDeployment, look: StatusLook): Verdict {
  const { state, blame } = look.status;
  switch (state) {
    case 'exited':
      if (mayHaveServed(record, look)) return { status: 'completed', blame: null };
      return { status: record.ready_at === null ? 'failed_to_start' : 'failed', blame: blame ?? 'tenant' };
    case 'provisioning':
    case 'running':
      throw new Error(`an instance that is ${state} has not ended`);
    default:
      return { status: state, blame };
  }
}

/** After the grace it is the provider's failure. What it cost and how much of it was useful nobody can say any more. */
function unseen(record: OpenDeployment, look: Look): OpenDeployment {
  const { unknown_since: since, cancel_requested_at: cancelledAt, seen } = record;
  const { untilMs } = look;
  if (cancelledAt !== null) {
    const verdict = { status: 'cancelled', blame: 'tenant', observed_at: rfc3339(untilMs) } as const;
    const ended = since === null && seen !== null;
    return ended
      ? endedByRoute(record, verdict, { ...look, untilMs: Date.parse(cancelledAt) })
      : lost(record, verdict, since);
  }
  if (since === null) return { ...record, unknown_since: rfc3339(untilMs) };
  const lostMs = Date.parse(since) + UNKNOWN_GRACE_MS;
  if (untilMs < lostMs) return record;
  return lost(record, { status: 'failed', blame: 'provider', observed_at: rfc3339(lostMs) }, since);
}

/** Route told its provider at once; what it cost until then is known from what was seen. @param look at that instant */
function endedByRoute(
  record: OpenDeployment,
  verdict: Verdict & Pick<Ending, 'observed_at'>,
  look: Look,
): OpenDeployment {
  const { request, instance_id, ready_at: readyAt } = record;
  const status: InstanceStatus = {
    ...UNSAID,
    instance_id: instance_id ?? '',
    request_id: request.decision_id,
    state: 'cancelled',
    blame: 'tenant',
  };
  const readyMs = readyAt === null ? null : Math.min(Date.parse(readyAt), look.untilMs);
  const figures = figuresOf(record, { ...look, status }, { readyMs, endMs: look.untilMs, completed: false });
  return { ...record, ending: { ...verdict, ...figures } };
}

function lost(
  record: OpenDeployment,
  verdict: Verdict & Pick<Ending, 'observed_at'>,
  since: string | null,
): OpenDeployment {
  const { ready_at: readyAt, claimed_at: claimedAt } = record;
  const from = Date.parse(readyAt ?? claimedAt);
  const ending: Ending = {
    ...verdict,
    ready_ms: readyAt === null ? null : Math.max(0, from - Date.parse(claimedAt)),
    latency_ms: record.seen?.latency_ms ?? null,
    exposure_hours: readyAt === null ? 0 : Math.max(0, Date.parse(since ?? verdict.observed_at) - from) / MS_PER_HOUR,
    ...NOT_KNOWN,
  };
  return { ...record, ending };
}
