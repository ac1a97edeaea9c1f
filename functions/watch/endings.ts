/** How a deployment ended: by itself, by us, by its tenant through route, or out of sight. Each gives the record with its end. Pure. */
import { MS_PER_HOUR } from '#shared/defaults.ts';
import type { Ending, OpenDeployment } from '#shared/domain/deployment.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { type InstanceStatus, UNSAID } from '#shared/providers/provider.ts';
import { endMs, figuresOf, type Look, mayHaveServed, notReadyMs, plannedMs, type StatusLook } from './reckon.ts';

/** What nobody can say of an instance that is gone. */
const NOT_KNOWN = {
  useful_gpu_hours: null,
  billed_gpu_hours: null,
  cost_usd: null,
  effective_usd_per_gpu_hour: null,
} as const;

type Verdict = Pick<Ending, 'status' | 'blame'>;

/** It still lives; it is terminated now. */
export function endedByUs(record: OpenDeployment, look: StatusLook, verdict: Verdict): OpenDeployment {
  const run = {
    readyMs: record.ready_at === null ? null : Date.parse(record.ready_at),
    endMs: look.untilMs,
    completed: verdict.status === 'completed',
  };
  const observed_at = rfc3339(look.untilMs);
  return { ...record, ending: { ...verdict, observed_at, ...figuresOf(record, look, run) } };
}

export function endedByItself(record: OpenDeployment, look: StatusLook): OpenDeployment {
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

/** Route told its provider at once; what it cost until then is known from what was seen. @param look at that instant */
export function endedByRoute(
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

export function lost(
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
