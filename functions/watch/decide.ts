import { OVERTIME_MS, START_LIMIT_MS } from '#shared/defaults.ts';
import { type DeploymentRecord, endedOf, type OpenDeployment } from '#shared/domain/deployment.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { isOver } from '#shared/providers/provider.ts';
import { endedByItself, endedByRoute, endedByUs, lost } from './endings.ts';
import { finalOutcome, readyOutcome } from './outcomes.ts';
import { createdMs, type Look, plannedEndMs, readiness, type StatusLook, seenOf } from './reckon.ts';

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

export function observe(given: OpenDeployment, look: Look): Observation {
  // Decided at an earlier look; a run was killed before everybody had been told.
  if (given.ending !== null) return observed(given, look, false);
  const { status } = look;
  if (status === null) return observed(unseen(given, look), look, true);
  const known = noted(given, { ...look, status });
  // Also of an instant that its provider told: one that says for how long it is up tells another at each look.
  const reckoned = known.ready_at !== given.ready_at || look.latencyMs !== null;
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
