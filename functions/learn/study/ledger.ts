/**
 * One learner and what has been taken into it. Every event once: an id that is in is a duplicate, and a `ready` that comes after
 * the end of its run would wait for that end forever.
 * States: taking (events go in as they come) <-> reading (the record goes in first, in its order; events that come meanwhile wait
 * in line and go in at its end).
 */

import { refitAfter } from '#shared/learning/fast/cadence.ts';
import { NO_RECORD } from '#shared/learning/fast/estimate.ts';
import { createFastLearner } from '#shared/learning/fast/fast-learner.ts';
import { posteriorText } from '#shared/learning/fast/learned-objects.ts';
import { teach } from '#shared/learning/fast/lesson.ts';
import { posteriorOf } from '#shared/learning/fast/posterior.ts';
import { driftAlarms, shiftedHeads } from '#shared/learning/fast/shifted.ts';
import { appliedIds } from './applied-ids.ts';
import type { Baselines } from './baselines.ts';
import type { Entry } from './entry.ts';
import { encodeStatistics, type Statistics } from './statistics.ts';

/** What became of an entry. `on_record`: it was part of the record that the learner was built from. */
export const TAKEN = ['applied', 'duplicate', 'superseded', 'on_record', 'no_baseline', 'waiting', 'dropped'] as const;
export type Taken = (typeof TAKEN)[number];
export type Counts = Readonly<Partial<Record<Taken, number>>>;

export interface Standing {
  readonly observations: number;
  /** Instant of the newest event taken in, world epoch milliseconds; null: none. */
  readonly newestMs: number | null;
  /** `provider head` of what surely does not hold any more: the drift alarms. */
  readonly drifting: readonly string[];
}

export interface Snapshot extends Standing {
  readonly statistics: Uint8Array;
  /** The posterior's text; null: what was handed out last is still good. */
  readonly posterior: Uint8Array | null;
  /** Milliseconds that bringing it up to date took; null: it was not needed. */
  readonly refitMs: number | null;
}

export interface Ledger {
  take(entries: readonly Entry[]): Counts;
  /** From now on `read` takes the record; what `take` is given waits. */
  beginReading(): void;
  read(entries: readonly Entry[]): Counts;
  endReading(): Counts;
  /** @param fresh brings the posterior up to date although not enough is new */
  snapshot(nowMs: number, fresh: boolean): Snapshot;
  /** As of now, without a refit. */
  posterior(): Uint8Array;
  standing(): Standing;
}

/** In line behind a reading of the record: more than comes in minutes. The oldest go; they are on record for the next one. */
const MAX_IN_LINE = 50_000;

/** @param stopwatchMs for durations only */
export function createLedger(
  name: string,
  known: Statistics | null,
  { baselines, stopwatchMs }: { readonly baselines: Baselines; readonly stopwatchMs: () => number },
): Ledger {
  const learner = createFastLearner(known?.learner ?? null);
  const applied = appliedIds(known?.applied);
  let completeUntilMs = known?.completeUntilMs ?? null;
  let newestMs = known?.newestMs ?? null;
  let line: Entry[] | null = null;
  /** Instant up to which a reading finds nothing new. */
  let readFromMs = Number.NEGATIVE_INFINITY;
  let refitAt = learner.observations() + refitAfter(learner.observations());
  let shifted = shiftedProviders();

  const takeOne = ({ eventId, finalId, lesson }: Entry, reading: boolean): Taken => {
    const { atMs } = lesson.seen;
    if (applied.has(eventId)) return 'duplicate';
    if (atMs <= (reading ? readFromMs : (completeUntilMs ?? Number.NEGATIVE_INFINITY))) return 'on_record';
    const over = finalId !== null && applied.has(finalId);
    // What is given up was never foretold: any baseline will do.
    const baseline = lesson.kind === 'drop' ? NO_RECORD : baselines(lesson.seen);
    const result = over ? 'superseded' : baseline === null ? 'no_baseline' : 'applied';
    if (!over && baseline !== null) teach(learner, lesson, baseline);
    const goneMs = applied.add(eventId, atMs);
    // The record comes in the order of its instants: what no id tells any more, the instant does.
    if (reading && goneMs !== null && goneMs > (completeUntilMs ?? Number.NEGATIVE_INFINITY)) completeUntilMs = goneMs;
    newestMs = Math.max(newestMs ?? atMs, atMs);
    return result;
  };
  const takeAll = (entries: readonly Entry[], reading: boolean): Counts => {
    const counts: Partial<Record<Taken, number>> = {};
    for (const entry of entries) {
      const result = takeOne(entry, reading);
      counts[result] = (counts[result] ?? 0) + 1;
      // A record of thousands is learnt as it was lived: what is believed decides what looks like drift.
      if (reading && learner.observations() >= refitAt) refit(newestMs ?? 0);
    }
    return counts;
  };

  function refit(nowMs: number): void {
    learner.refit(nowMs);
    refitAt = learner.observations() + refitAfter(learner.observations());
  }

  /** Whose record does not hold any more, as one word: it changes when somebody drifts or comes back. */
  function shiftedProviders(): string {
    const { drifts, nowMs } = learner.knowledge();
    return shiftedHeads(drifts, nowMs).join('\n');
  }

  const standing = (): Standing => {
    const { drifts, nowMs } = learner.knowledge();
    return { observations: learner.observations(), newestMs, drifting: driftAlarms(drifts, nowMs) };
  };

  return {
    take(entries) {
      if (line === null) return takeAll(entries, false);
      line.push(...entries);
      const dropped = Math.max(0, line.length - MAX_IN_LINE);
      line.splice(0, dropped);
      return { waiting: entries.length, dropped };
    },
    beginReading() {
      line ??= [];
      readFromMs = completeUntilMs ?? Number.NEGATIVE_INFINITY;
    },
    read: (entries) => takeAll(entries, true),
    endReading() {
      const waited = line ?? [];
      line = null;
      return takeAll(waited, false);
    },
    snapshot(nowMs, fresh) {
      const now = shiftedProviders();
      const due = fresh || learner.observations() >= refitAt || now !== shifted;
      const startedMs = stopwatchMs();
      if (due) refit(nowMs);
      const refitMs = due ? stopwatchMs() - startedMs : null;
      shifted = now;
      return {
        statistics: encodeStatistics({
          name,
          applied: applied.packed(),
          completeUntilMs,
          newestMs,
          learner: learner.knowledge(),
        }),
        posterior: due ? posteriorText(posteriorOf(learner)) : null,
        ...standing(),
        refitMs,
      };
    },
    posterior: () => posteriorText(posteriorOf(learner)),
    standing,
  };
}
