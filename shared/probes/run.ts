/**
 * One run of a suite: each check when those it needs have passed, so many at a time, each attempt by its deadline and all of them by the
 * run's. What is bad is looked at again before it is believed. Never throws: what could not be looked at is an `error` of its check.
 */
import { z } from 'zod';
import { name, nonNegative, rfc3339, timestamp } from '#shared/domain/primitives.ts';
import { type CheckResult, checkResult, type Evidence, MAX_REMEDY, MAX_TEXT, probeId } from '#shared/domain/probe.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { codedError } from '#shared/runtime/answers.ts';
import type { Verdict } from './check.ts';
import { shown } from './seen.ts';
import type { Maintenance, PlannedCheck, Suite } from './suite.ts';
import type { ProbeTools } from './tools.ts';
import { runVerdict, verdictOf } from './verdict.ts';

export const runReport = z.object({
  suite: probeId,
  run_id: name,
  started_at: timestamp,
  duration_ms: nonNegative,
  verdict: runVerdict,
  /** In the order of the suite. */
  results: z.array(checkResult),
});
export type RunReport = z.infer<typeof runReport>;

/** The object that holds the last run of a suite, as JSON. */
export const latestRunOf = (suite: string): string => `probes/${suite}/latest.json`;

export interface RunOptions {
  readonly suite: Suite;
  readonly tools: ProbeTools;
  readonly runId: string;
  readonly signal: AbortSignal;
  /** Only these, and those they need; null: all. */
  readonly only: ReadonlySet<string> | null;
}

/** An attempt that ignores its deadline is left to itself so much later. */
const GRACE_MS = 250;

export async function runSuite({ suite, tools, runId, signal, only }: RunOptions): Promise<RunReport> {
  const { hostClock, stopwatchMs } = tools;
  const startedMs = hostClock.now();
  const sinceMs = stopwatchMs();
  const untilMs = startedMs + suite.deadlineMs;
  const slots = createSlots(suite.concurrency);
  const running = new Map<string, Promise<CheckResult>>();

  const one = async (check: PlannedCheck): Promise<CheckResult> => {
    const needed = await Promise.all(check.needs.map((id) => running.get(id)));
    const bad = needed.find((result) => result !== undefined && result.status !== 'pass');
    const looked =
      bad === undefined
        ? await confirmed(check, { tools, slots, untilMs, signal })
        : skipped({ because: bad.check_id, its_status: bad.status });
    const nowMs = hostClock.now();
    return {
      suite: suite.id,
      run_id: runId,
      check_id: check.id,
      kind: check.kind,
      category: check.category,
      target: check.target,
      severity: check.severity,
      observed_at: rfc3339(nowMs),
      ...looked,
      maintenance: maintenanceOf(suite.maintenance, check.id, nowMs),
    };
  };

  const chosen = only === null ? suite.checks : withNeeds(suite.checks, only);
  // Each stands behind those it needs, so theirs are under way already.
  for (const check of chosen) running.set(check.id, one(check));
  const results = await Promise.all(running.values());
  return {
    suite: suite.id,
    run_id: runId,
    started_at: rfc3339(startedMs),
    duration_ms: stopwatchMs() - sinceMs,
    verdict: verdictOf(results),
    results,
  };
}

type Looked = Pick<CheckResult, 'status' | 'latency_ms' | 'attempts' | 'evidence' | 'remedy'>;

const skipped = (why: Evidence): Looked => ({
  status: 'skipped',
  latency_ms: null,
  attempts: 0,
  evidence: why,
  remedy: 'See to the check that it needs; this one is looked at when that one passes.',
});

interface Looking {
  readonly tools: ProbeTools;
  readonly slots: Slots;
  /** Host epoch milliseconds: the run's end. */
  readonly untilMs: number;
  readonly signal: AbortSignal;
}

/** Until it passes, at most as often as it is to be confirmed. What is told is the last look. */
async function confirmed(check: PlannedCheck, looking: Looking): Promise<Looked> {
  const { tools, slots, untilMs, signal } = looking;
  const { hostClock, stopwatchMs } = tools;
  let last: Looked | null = null;
  let freshAfterMs: number | null = null;
  for (let attempts = 1; attempts <= 1 + check.confirm.times; attempts += 1) {
    // Where there is no time for another look, what was seen stands.
    if (attempts > 1 && !(await pause(hostClock, check.confirm.pauseMs, untilMs, signal))) break;
    const { verdict, ms } = await slots.use(async () => {
      const sinceMs = stopwatchMs();
      return { verdict: await attempt(check, looking, freshAfterMs), ms: stopwatchMs() - sinceMs };
    });
    // What began in this very millisecond may be what was seen.
    freshAfterMs = hostClock.now() + 1;
    if (verdict === null) break;
    last = { ...bounded(verdict), latency_ms: Math.round(ms * 1000) / 1000, attempts };
    if (verdict.status === 'pass') break;
  }
  return (
    last ?? {
      status: 'error',
      latency_ms: null,
      attempts: 0,
      evidence: { reason: signal.aborted ? 'the run was broken off' : 'no time was left in this run' },
      remedy: 'Give the suite a longer deadline or more at a time, or take out what hangs.',
    }
  );
}

/** Null: no time is left. */
async function attempt(
  check: PlannedCheck,
  { tools, untilMs, signal }: Looking,
  freshAfterMs: number | null,
): Promise<Verdict | null> {
  const { hostClock } = tools;
  const nowMs = hostClock.now();
  const deadline = Math.min(nowMs + check.deadlineMs, untilMs);
  if (deadline <= nowMs || signal.aborted) return null;
  const giveUp = new AbortController();
  const late = Promise.withResolvers<Verdict>();
  const cancel = hostClock.after(deadline - nowMs + GRACE_MS, () => {
    giveUp.abort(new Error('the attempt ignored its deadline'));
    late.resolve(notLooked({ code: 'deadline_exceeded', reason: `nothing came of it within ${deadline - nowMs} ms` }));
  });
  const context = {
    deadline,
    signal: AbortSignal.any([signal, giveUp.signal]),
    ...(freshAfterMs === null ? {} : { freshAfterMs }),
  };
  try {
    return await Promise.race([check.attempt(tools, context), late.promise]);
  } catch (thrown) {
    const { code, message, remedy } = codedError(thrown);
    return { ...notLooked({ code, reason: message }), remedy };
  } finally {
    cancel();
  }
}

/**
 * What others have said is printed, and fits on record, whatever a check has kept of it: one result that does not would be turned away
 * there, and a transition that does not would make the state of all alerts unreadable.
 */
function bounded({ status, evidence, remedy }: Verdict): Verdict {
  const fields = Object.entries(evidence).map(([field, value]): [string, Evidence[string]] => [
    field,
    typeof value === 'string' || (typeof value === 'number' && !Number.isFinite(value))
      ? shown(value, MAX_TEXT)
      : value,
  ]);
  return { status, evidence: Object.fromEntries(fields), remedy: remedy === null ? null : shown(remedy, MAX_REMEDY) };
}

const notLooked = (why: Evidence): Verdict => ({
  status: 'error',
  evidence: why,
  remedy: 'It could not be looked at, so how it is stays unknown: see to what the reason names.',
});

/** False: the run ends before. */
async function pause(hostClock: HostClock, ms: number, untilMs: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted || hostClock.now() + ms >= untilMs) return false;
  const waited = Promise.withResolvers<boolean>();
  const cancel = hostClock.after(ms, () => waited.resolve(true));
  const stop = (): void => waited.resolve(false);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await waited.promise;
  } finally {
    cancel();
    signal.removeEventListener('abort', stop);
  }
}

interface Slots {
  use<T>(work: () => Promise<T>): Promise<T>;
}

/** First come, first served. */
function createSlots(limit: number): Slots {
  let free = limit;
  const waiting: (() => void)[] = [];
  return {
    async use(work) {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}

function maintenanceOf(windows: readonly Maintenance[], id: string, nowMs: number): string | null {
  const holds = windows.find(
    ({ fromMs, untilMs, checks }) => fromMs <= nowMs && nowMs < untilMs && (checks === null || checks.includes(id)),
  );
  return holds?.reason ?? null;
}

/** These, and those they need. @param checks in the order of their suite */
export function withNeeds(checks: readonly PlannedCheck[], only: ReadonlySet<string>): readonly PlannedCheck[] {
  const wanted = new Set(only);
  // From the last to the first: whoever needs stands behind.
  for (const { id, needs } of checks.toReversed()) if (wanted.has(id)) for (const need of needs) wanted.add(need);
  return checks.filter(({ id }) => wanted.has(id));
}
