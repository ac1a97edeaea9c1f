/** Which requests are run, and what a run is called. Pure. */
import type { Suite } from '#shared/probes/suite.ts';

/** Number of the period of the suite that an instant is in. @param ms host epoch milliseconds */
export const slotOf = ({ periodMs }: Suite, ms: number): number => Math.floor(ms / periodMs);

/** The same for all requests of a period, so that what they publish is one. */
export const runIdOf = ({ id }: Suite, slot: number): string => `${id}-${slot}`;

export type Due = 'due' | 'too_old' | 'counted';

/** @param countedSlot of the newest run that was counted; -1: none */
export function isDue(asked: {
  readonly suite: Suite;
  readonly requestedMs: number;
  readonly nowMs: number;
  readonly countedSlot: number;
}): Due {
  const { suite, requestedMs, nowMs, countedSlot } = asked;
  if (nowMs - requestedMs > suite.periodMs) return 'too_old';
  return slotOf(suite, requestedMs) <= countedSlot ? 'counted' : 'due';
}
