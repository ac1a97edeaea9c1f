import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRounds } from '#functions/learn/rounds.ts';
import { appliedIds } from '#functions/learn/study/applied-ids.ts';
import { noRecord } from '#functions/learn/study/baselines.ts';
import { type Entry, entryOf } from '#functions/learn/study/entry.ts';
import { createLedger, type Ledger } from '#functions/learn/study/ledger.ts';
import { decodeStatistics, type Statistics } from '#functions/learn/study/statistics.ts';
import { routingOutcome } from '#shared/domain/events/catalogue.ts';
import { eventId } from '#shared/domain/ids.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { AuroraError } from '#shared/errors.ts';
import { NO_RECORD } from '#shared/learning/fast/estimate.ts';
import { createFastLearner } from '#shared/learning/fast/fast-learner.ts';
import { testCases } from '#test/support/cases.ts';
import { fakeClock } from '#test/support/clock.ts';
import { maturedMs, recordedOutcomes } from '#test/support/record.ts';

const NOW = maturedMs(100);
const study = { baselines: noRecord, stopwatchMs: () => 0 };

const entry = (outcome: Outcome): Entry => {
  const made = entryOf(routingOutcome.eventId(outcome), outcome);
  if (typeof made === 'string') throw new Error(made);
  return made;
};
/** As they happen: `ready` of those that became so, then the end. */
const lived = (outcomes: readonly Outcome[]): readonly Outcome[] =>
  outcomes.flatMap((outcome) =>
    outcome.ready_ms === null
      ? [outcome]
      : [{ ...outcome, sequence: 0, status: 'ready', final: false, observed_at: outcome.decided_at } as const, outcome],
  );
const ENTRIES = lived(recordedOutcomes(8)).map(entry);

const written = (ledger: Ledger, fresh = true): Statistics =>
  decodeStatistics('linear', ledger.snapshot(NOW, fresh).statistics);
/** What the statistics say of each kind of row, whatever the order in which its words came. */
const says = ({ learner: known }: Statistics) => {
  const learner = createFastLearner(known);
  return {
    observations: learner.observations(),
    running: known.running.size,
    estimates: ENTRIES.flatMap(({ lesson }) =>
      lesson.kind === 'drop' ? [] : [...Object.values(learner.estimate(lesson.seen.features, NO_RECORD, NOW).mean)],
    ),
  };
};

describe('a ledger', () => {
  test('any order, any repetition, any parting into batches and any number of kills: the statistics of each event once', () => {
    const inOrder = createLedger('linear', null, study);
    inOrder.take(ENTRIES);
    const expected = says(written(inOrder));
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...ENTRIES, ...ENTRIES, ...ENTRIES], { minLength: 0 }),
        fc.array(fc.nat(30), { maxLength: 3 }),
        (some, kills) => {
          // Each at least once, behind what came too often and too early.
          const stream = [...some, ...ENTRIES];
          let ledger = createLedger('linear', null, study);
          for (const [i, one] of stream.entries()) {
            ledger.take([one]);
            if (kills.includes(i)) ledger = createLedger('linear', written(ledger, false), study);
          }
          const got = says(written(ledger));
          expect([got.observations, got.running]).toEqual([expected.observations, 0]);
          // The same sums; but Newton's method, begun elsewhere after a kill, stops within .05 nats of the same mode.
          const tolerance = kills.length === 0 ? 1e-9 : 0.02;
          for (const [i, value] of got.estimates.entries())
            expect(Math.abs(value - (expected.estimates[i] as number))).toBeLessThan(tolerance);
        },
      ),
      { numRuns: testCases / 20 },
    );
  });

  test('a ready after its end waits for nothing', () => {
    const [ready, final] = ENTRIES.filter(({ lesson }) => lesson.seen.key === ENTRIES[0]?.lesson.seen.key) as [
      Entry,
      Entry,
    ];
    const ledger = createLedger('linear', null, study);
    expect(ledger.take([final, ready, ready])).toEqual({ applied: 1, superseded: 1, duplicate: 1 });
    expect(says(written(ledger))).toMatchObject({ observations: 1, running: 0 });
  });

  test('while the record goes in, what comes waits; what was in both counts once', () => {
    const ledger = createLedger('linear', null, study);
    ledger.beginReading();
    expect(ledger.take(ENTRIES.slice(4))).toEqual({ waiting: ENTRIES.length - 4, dropped: 0 });
    ledger.read(ENTRIES.slice(0, 6));
    const counts = ledger.endReading();
    expect(counts.duplicate).toBe(2);
    expect(says(written(ledger)).observations).toBe(8);
  });

  test('without a baseline nothing is learnt of a row', () => {
    const [first, second] = ENTRIES.filter(({ finalId }) => finalId === null) as [Entry, Entry];
    const ledger = createLedger('v1', null, {
      ...study,
      baselines: ({ key }) => (key === first.lesson.seen.key ? null : NO_RECORD),
    });
    expect(ledger.take([first, second])).toEqual({ no_baseline: 1, applied: 1 });
  });

  test('a posterior is made when enough is new, when it is asked for, and when a provider drifts', () => {
    const LATER = maturedMs(400);
    const many = recordedOutcomes(400).map(entry);
    const ledger = createLedger('linear', null, study);
    ledger.take(many.slice(0, 3));
    expect(ledger.snapshot(NOW, false).posterior).toBeNull();
    expect(ledger.snapshot(NOW, true).posterior).not.toBeNull();
    ledger.take(many.slice(0, 50));
    expect(ledger.snapshot(NOW, false)).toMatchObject({ posterior: expect.any(Uint8Array), observations: 50 });
    for (let from = 50; from < many.length; from += 50) {
      ledger.take(many.slice(from, from + 50));
      ledger.snapshot(NOW, false);
    }
    ledger.snapshot(NOW, true);
    const outage = recordedOutcomes(400)
      .filter(({ provider }) => provider === 'boaster')
      .slice(0, 16)
      .map((outcome, i) =>
        entry({
          ...outcome,
          decision_id: `o${i}`,
          observed_at: rfc3339(LATER),
          status: 'failed_to_start',
          ready_ms: null,
          exposure_hours: null,
        }),
      );
    expect(ledger.standing().drifting).toEqual([]);
    ledger.take(outage);
    expect(ledger.snapshot(NOW, false).posterior).not.toBeNull();
    expect(ledger.standing().drifting).toEqual(['boaster start']);
  });
});

describe('the ids that were taken in', () => {
  const id = (i: number): string => eventId('t', String(i));

  test('are bounded, the oldest go first, and come back from the store as they were', () => {
    const ids = appliedIds('', 3);
    expect([1, 2, 3].map((i) => ids.add(id(i), i))).toEqual([null, null, null]);
    expect(ids.add(id(4), 4)).toBe(1);
    const again = appliedIds(ids.packed(), 3);
    expect([1, 2, 3, 4].map((i) => again.has(id(i)))).toEqual([false, true, true, true]);
    again.add(id(5), 5);
    expect([again.has(id(2)), again.size]).toEqual([false, 3]);
  });
});

describe('rounds', () => {
  const refused = async (answer: Promise<void>): Promise<string> => {
    try {
      await answer;
      return 'done';
    } catch (error) {
      return error instanceof AuroraError ? error.code : String(error);
    }
  };

  test('past the limit an item is refused at once; those that wait are not', async () => {
    const clock = fakeClock();
    const gate = Promise.withResolvers<void>();
    const rounds = createRounds<number>({ run: () => gate.promise, hostClock: clock, gapMs: 2_000, maxPending: 2 });
    const first = rounds.add(1);
    await clock.advance(0);
    const [second, third] = [rounds.add(2), rounds.add(3)];
    expect(await refused(rounds.add(4))).toBe('overloaded');
    gate.resolve();
    await first;
    await clock.advance(2_000);
    expect(await Promise.all([refused(second), refused(third)])).toEqual(['done', 'done']);
    expect(clock.pending()).toBe(0);
  });

  test('a round that fails fails its own items only', async () => {
    const clock = fakeClock();
    const ran: (readonly number[])[] = [];
    const run = async (items: readonly number[]): Promise<void> => {
      ran.push(items);
      if (items.includes(1)) throw new Error('no');
    };
    const rounds = createRounds<number>({ run, hostClock: clock, gapMs: 2_000, maxPending: 9 });
    const first = refused(rounds.add(1));
    await clock.advance(1);
    const second = refused(rounds.add(2));
    await clock.advance(2_000);
    expect([await first, await second, ran]).toEqual(['Error: no', 'done', [[1], [2]]]);
  });

  test('a round that took long is followed by a rest of thrice that', async () => {
    const clock = fakeClock();
    const starts: number[] = [];
    const run = async (): Promise<void> => {
      starts.push(clock.now());
      await new Promise<void>((resolve) => void clock.after(1_000, resolve));
    };
    const rounds = createRounds<number>({ run, hostClock: clock, gapMs: 2_000, maxPending: 9 });
    void rounds.add(1);
    await clock.advance(500);
    void rounds.add(2);
    await clock.advance(10_000);
    expect(starts.map((at) => at - (starts[0] as number))).toEqual([0, 4_000]);
  });
});
