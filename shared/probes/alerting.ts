/**
 * When somebody is woken, and when not. Pure: state and a run's results in, state and what changed out.
 *   quiet -> firing    `failures` of the last `of` runs were bad
 *   firing -> quiet    `clear` runs in a row were good, or the check is no longer in the suite
 * A run in which a check was skipped, or in maintenance, says nothing of it. A run that was counted already, or that is older than one
 * that was, counts for nothing: duplicates and late ones do no harm.
 */
import { z } from 'zod';
import { count, timestamp } from '#shared/domain/primitives.ts';
import { type AlertTransition, alertTransition, type CheckResult, probeId } from '#shared/domain/probe.ts';
import type { AlertRule } from './suite.ts';

const checkState = z.object({
  /** Oldest first; true: bad. At most as many as the rule looks at. */
  recent: z.array(z.boolean()).max(100),
  /** Good ones in a row, the last included. */
  good: count,
  /** Since when it fires; null: quiet. */
  firing_since: timestamp.nullable(),
});
type CheckState = z.infer<typeof checkState>;

export const alertState = z.object({
  /** When the newest period began that was counted; null: none was. An instant, for a suite may come to have longer periods. */
  last_period: timestamp.nullable(),
  checks: z.record(probeId, checkState),
  /** Not told yet: what was told is taken out, so that a kill in between tells it again, under the same key. */
  untold: z.array(alertTransition),
});
export type AlertState = z.infer<typeof alertState>;

export const QUIET: AlertState = { last_period: null, checks: {}, untold: [] };
const NEW: CheckState = { recent: [], good: 0, firing_since: null };

/** No run of a period that lies ahead is under way for so long: it was counted by a clock that was wrong, and is not believed. */
const MAX_AHEAD_MS = 15 * 60_000;

/** @param period when it began. @param now host time, both RFC 3339 */
export const isCounted = ({ last_period: last }: AlertState, period: string, now: string): boolean =>
  last !== null && period <= last && Date.parse(last) - Date.parse(now) <= MAX_AHEAD_MS;

export interface CountedRun {
  /** When the period began that it was for, RFC 3339: runs count in this order. */
  readonly period: string;
  readonly runId: string;
  readonly suite: string;
  /** When it was made. */
  readonly at: string;
  readonly results: readonly CheckResult[];
  /** Of the checks that the suite has now. */
  readonly rules: ReadonlyMap<string, AlertRule>;
}

/** The same state when the run counts for nothing. */
export function countRun(state: AlertState, run: CountedRun): AlertState {
  if (isCounted(state, run.period, run.at)) return state;
  const results = new Map(run.results.map((result) => [result.check_id, result]));
  const checks: Record<string, CheckState> = {};
  const changed: AlertTransition[] = [];
  for (const [id, rule] of run.rules) {
    const before = (Object.hasOwn(state.checks, id) ? state.checks[id] : undefined) ?? NEW;
    const result = results.get(id);
    const after = result === undefined ? before : counted(before, result, rule, run.at);
    checks[id] = after;
    if (result === undefined) continue;
    if (before.firing_since === null && after.firing_since !== null)
      changed.push(transition(run, id, 'firing', after.firing_since, result));
    if (before.firing_since !== null && after.firing_since === null)
      changed.push(transition(run, id, 'resolved', before.firing_since, result));
  }
  for (const [id, { firing_since: since }] of Object.entries(state.checks))
    if (since !== null && !run.rules.has(id)) changed.push(transition(run, id, 'resolved', since, null));
  return { last_period: run.period, checks, untold: [...withoutPast(state.untold, changed), ...changed] };
}

/**
 * When a check fires anew, an episode of which nobody was told, neither that it began nor that it is over, is no news any more: so at most
 * three transitions of a check are untold, however long nobody can be told.
 */
function withoutPast(untold: readonly AlertTransition[], changed: readonly AlertTransition[]): AlertTransition[] {
  const anew = new Set(changed.filter(({ state }) => state === 'firing').map(({ check_id }) => check_id));
  const begun = new Set(untold.filter(({ state }) => state === 'firing').map(({ dedupe_key }) => dedupe_key));
  return untold.filter(({ check_id, dedupe_key }) => !anew.has(check_id) || !begun.has(dedupe_key));
}

function counted(before: CheckState, result: CheckResult, rule: AlertRule, at: string): CheckState {
  if (result.status === 'skipped' || result.maintenance !== null) return before;
  const bad = result.status !== 'pass';
  const recent = [...before.recent, bad].slice(-rule.of);
  const good = bad ? 0 : before.good + 1;
  if (before.firing_since === null) {
    const fires = recent.filter(Boolean).length >= rule.failures;
    return { recent, good, firing_since: fires ? at : null };
  }
  // Over, and begun anew: what was bad before counts for no second alert.
  return good >= rule.clear ? { recent: [], good, firing_since: null } : { ...before, recent, good };
}

function transition(
  { suite, runId, at }: CountedRun,
  id: string,
  to: AlertTransition['state'],
  since: string,
  result: CheckResult | null,
): AlertTransition {
  return {
    suite,
    check_id: id,
    state: to,
    // No count of episodes: one would begin anew with a state that was lost, and the new alert be taken for an old one.
    dedupe_key: `${suite}/${id}/${since}`,
    changed_at: at,
    firing_since: since,
    severity: result?.severity ?? 'warning',
    summary: summaryOf(id, to, result),
    remedy: to === 'firing' ? (result?.remedy ?? null) : null,
    run_id: runId,
  };
}

function summaryOf(id: string, to: AlertTransition['state'], result: CheckResult | null): string {
  if (result === null) return `${id} is no longer looked at`;
  if (to === 'resolved') return `${id} passes again`;
  const seen = Object.entries(result.evidence).map(([field, value]) => `${field} ${value ?? 'none'}`);
  const how = result.status === 'error' ? 'could not be looked at' : 'fails';
  return `${id} ${how}: ${seen.join(', ')}`.slice(0, 600);
}
