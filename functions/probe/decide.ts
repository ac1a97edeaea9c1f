/** Which requests are run, and what a run is called. Pure. */
import { rfc3339 } from '#shared/domain/primitives.ts';
import { type AlertState, isCounted } from '#shared/probes/alerting.ts';
import type { Suite } from '#shared/probes/suite.ts';

/** When the period of the suite began that an instant is in. @param ms host epoch milliseconds */
export const periodOf = ({ periodMs }: Suite, ms: number): string => rfc3339(Math.floor(ms / periodMs) * periodMs);

/** The same for all requests of a period, so that what they publish is one. */
export const runIdOf = ({ id }: Suite, period: string): string => `${id}@${period}`;

export type Due = 'due' | NotDue;
export type NotDue = 'too_old' | 'too_new' | 'counted';

/** The clocks of two machines differ by less. */
const MAX_AHEAD_MS = 10_000;

export function isDue(asked: {
  readonly suite: Suite;
  readonly requestedMs: number;
  readonly nowMs: number;
  readonly state: AlertState;
}): Due {
  const { suite, requestedMs, nowMs, state } = asked;
  if (nowMs - requestedMs > suite.periodMs) return 'too_old';
  // Counted, it would stand in the way of all until its time has come.
  if (requestedMs - nowMs > MAX_AHEAD_MS) return 'too_new';
  return isCounted(state, periodOf(suite, requestedMs), rfc3339(nowMs)) ? 'counted' : 'due';
}
