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
  /** How often it has fired: one episode, one key. */
  episodes: count,
});
type CheckState = z.infer<typeof checkState>;

export const alertState = z.object({
  /** Number of the newest run that was counted; -1: none. */
  last_slot: z.int().min(-1),
  checks: z.record(probeId, checkState),
  /** Not told yet: what was told is taken out, so that a kill in between tells it again, under the same key. */
  untold: z.array(alertTransition),
});
export type AlertState = z.infer<typeof alertState>;

export const QUIET: AlertState = { last_slot: -1, checks: {}, untold: [] };
const NEW: CheckState = { recent: [], good: 0, firing_since: null, episodes: 0 };

export interface CountedRun {
  /** Number of the period that it was for: runs count in this order. */
  readonly slot: number;
  readonly runId: string;
  readonly suite: string;
  readonly at: string;
  readonly results: readonly CheckResult[];
  /** Of the checks that the suite has now. */
  readonly rules: ReadonlyMap<string, AlertRule>;
}

/** The same state when the run counts for nothing. */
export function countRun(state: AlertState, run: CountedRun): AlertState {
  if (run.slot <= state.last_slot) return state;
  const results = new Map(run.results.map((result) => [result.check_id, result]));
  const checks: Record<string, CheckState> = {};
  const untold = [...state.untold];
  for (const [id, rule] of run.rules) {
    const before = (Object.hasOwn(state.checks, id) ? state.checks[id] : undefined) ?? NEW;
    const result = results.get(id);
    const after = result === undefined ? before : counted(before, result, rule, run.at);
    checks[id] = after;
    if (result !== undefined && before.firing_since === null && after.firing_since !== null)
      untold.push(transition(run, id, 'firing', after.episodes, after.firing_since, result));
    if (result !== undefined && before.firing_since !== null && after.firing_since === null)
      untold.push(transition(run, id, 'resolved', after.episodes, before.firing_since, result));
  }
  for (const [id, { firing_since: since, episodes }] of Object.entries(state.checks))
    if (since !== null && !run.rules.has(id)) untold.push(transition(run, id, 'resolved', episodes, since, null));
  return { last_slot: run.slot, checks, untold };
}

function counted(before: CheckState, result: CheckResult, rule: AlertRule, at: string): CheckState {
  if (result.status === 'skipped' || result.maintenance !== null) return before;
  const bad = result.status !== 'pass';
  const recent = [...before.recent, bad].slice(-rule.of);
  const good = bad ? 0 : before.good + 1;
  if (before.firing_since === null) {
    const fires = recent.filter(Boolean).length >= rule.failures;
    return fires ? { recent, good, firing_since: at, episodes: before.episodes + 1 } : { ...before, recent, good };
  }
  // Over, and begun anew: what was bad before counts for no second alert.
  return good >= rule.clear ? { ...before, recent: [], good, firing_since: null } : { ...before, recent, good };
}

function transition(
  { suite, runId, at }: CountedRun,
  id: string,
  to: AlertTransition['state'],
  episode: number,
  since: string,
  result: CheckResult | null,
): AlertTransition {
  return {
    suite,
    check_id: id,
    state: to,
    dedupe_key: `${suite}/${id}/${episode}`,
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
  const seen = Object.entries(result.evidence).map(([field, value]) => `${field} ${String(value)}`);
  const how = result.status === 'error' ? 'could not be looked at' : 'fails';
  return `${id} ${how}: ${seen.join(', ')}`.slice(0, 600);
}
