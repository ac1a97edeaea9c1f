import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IMPUTED_LATENCY_MS } from '#shared/defaults.ts';
import { type Outcome, outcome as outcomeSchema } from '#shared/domain/outcome.ts';
import { NO_RECORD } from '#shared/learning/fast/estimate.ts';
import { createFastLearner } from '#shared/learning/fast/fast-learner.ts';
import { learnerStateOf, parseLearnerState } from '#shared/learning/fast/learner-state.ts';
import { type Lesson, lessonOf, teach } from '#shared/learning/fast/lesson.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { testCases } from '#test/support/cases.ts';
import { anOffer, aWorkload } from '#test/support/offers.ts';
import { anOutcome } from '#test/support/outcomes.ts';

const DECIDED_MS = Date.UTC(2026, 0, 1);
const FEATURES = candidateFeatures(aWorkload(), anOffer(), DECIDED_MS);
const scored = (changes: Partial<Outcome> = {}): Outcome => anOutcome({ features: FEATURES, ...changes });
const READY: Partial<Outcome> = { sequence: 0, status: 'ready', final: false, exposure_hours: null };

function lesson(changes: Partial<Outcome> = {}): Lesson {
  const read = lessonOf(scored(changes));
  if (typeof read === 'string') throw new Error(read);
  return read;
}

describe('what an outcome teaches', () => {
  test('a completed run: it started, ran through, and what it came to against what was promised', () => {
    expect(lesson()).toEqual({
      kind: 'final',
      seen: {
        key: '0:d1',
        features: FEATURES,
        atMs: Date.parse('2026-01-01T04:00:00.000Z'),
        runHours: aWorkload().gpu_hours / aWorkload().gpu_count,
        started: true,
        interrupted: false,
        exposureHours: 4,
        logPriceRatio: 0,
        logLatencyRatio: Math.log(1.2),
        logReadyMs: Math.log(30_000),
      },
    });
  });

  test('a run that became ready: start, latency and ready time; its end is still to come', () => {
    const { kind, seen } = lesson(READY);
    expect([kind, seen]).toEqual([
      'ready',
      expect.objectContaining({ logLatencyRatio: Math.log(1.2), logReadyMs: Math.log(30_000) }),
    ]);
  });

  test.each<[string, Partial<Outcome>, object]>([
    [
      'a failed start',
      { status: 'failed_to_start', ready_ms: null },
      { started: false, interrupted: false, logLatencyRatio: null },
    ],
    [
      'a preempted run',
      { status: 'preempted', exposure_hours: 1 },
      { started: true, interrupted: true, exposureHours: 1 },
    ],
    [
      'one that broke before anybody saw it ready',
      { status: 'failed', ready_ms: null, exposure_hours: 0, billed_gpu_hours: 0 },
      { started: false },
    ],
    ['a wait that was seen well enough', { ready_within_ms: 15_000 }, { started: true, logReadyMs: Math.log(30_000) }],
    [
      'a wait that looks leave open: only that it became ready',
      { ready_within_ms: 15_001 },
      { started: true, logReadyMs: null },
    ],
    [
      'one that was billed was ready',
      { status: 'failed', ready_ms: null, exposure_hours: null },
      { started: true, exposureHours: null },
    ],
    [
      'a lost run: the price of what was billed',
      { status: 'preempted', effective_usd_per_gpu_hour: 99, cost_usd: 4 },
      { logPriceRatio: Math.log(1.25) },
    ],
    [
      'no latency promised: against its stand-in',
      { advertised_latency_ms: null },
      { logLatencyRatio: Math.log(120 / IMPUTED_LATENCY_MS) },
    ],
    ['an absurd bill: at the limit', { effective_usd_per_gpu_hour: 1e9 }, { logPriceRatio: Math.log(10) }],
  ])('%s', (_, changes, expected) => {
    expect(lesson(changes).seen).toMatchObject(expected);
  });

  test.each<[string, Partial<Outcome>, string]>([
    ['never scored', { features: null }, 'no_features'],
    ['of another feature set', { features: { ...FEATURES, hash: 'other' } }, 'other_features'],
    ['a number too few', { features: { ...FEATURES, numeric: FEATURES.numeric.slice(1) } }, 'other_features'],
    ['a word too many', { features: { ...FEATURES, categorical: [...FEATURES.categorical, 'x'] } }, 'other_features'],
    [
      'a number of another world',
      { features: { ...FEATURES, numeric: FEATURES.numeric.map(() => 1e300) } },
      'other_features',
    ],
    ['an interim word that is no ready', { final: false, status: 'failed' }, 'interim'],
  ])('%s: nothing, and why', (_, changes, why) => {
    expect(lessonOf(scored(changes))).toBe(why);
  });

  test.each(['tenant', 'ours'] as const)('blame %s: not learnt from, and not waited for any longer', (blame) => {
    const censored = { kind: 'drop', seen: { key: '0:d1', atMs: Date.parse('2026-01-01T04:00:00.000Z') } };
    expect(lesson({ blame, status: 'failed' })).toEqual(censored);
    expect(lesson({ blame, status: 'failed', features: null })).toEqual(censored);
  });

  test('attempts of a decision are told apart, whatever its id', () => {
    const keys = [scored(), scored({ attempt: 1 }), scored({ decision_id: '1:d1' })].map(
      (outcome) => (lessonOf(outcome) as Lesson).seen.key,
    );
    expect(new Set(keys).size).toBe(keys.length);
  });
});

const figure = fc.option(fc.oneof(fc.double({ min: 0, noNaN: true }), fc.constantFrom(0, 1e-320, 1e308)), {
  nil: null,
});

test('whatever an outcome holds, the learner goes on and what it knows can be stored', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          decision_id: fc.constantFrom('a', 'b'),
          status: fc.constantFrom(...outcomeSchema.shape.status.options),
          final: fc.boolean(),
          ready_ms: figure,
          latency_ms: figure,
          exposure_hours: figure,
          billed_gpu_hours: figure,
          cost_usd: figure,
          effective_usd_per_gpu_hour: figure,
          advertised_usd_per_gpu_hour: figure,
          advertised_latency_ms: figure,
        }),
        { minLength: 1, maxLength: 6 },
      ),
      (changes) => {
        const learner = createFastLearner();
        for (const change of changes) {
          const read = lessonOf(scored(change));
          if (typeof read !== 'string') teach(learner, read, NO_RECORD);
        }
        learner.refit(DECIDED_MS);
        const stored: unknown = JSON.parse(JSON.stringify(learnerStateOf(learner.knowledge())));
        expect(parseLearnerState(stored).observations).toBe(learner.observations());
        const { mean } = learner.estimate(FEATURES, NO_RECORD, DECIDED_MS);
        expect(Object.values(mean).every(Number.isFinite)).toBe(true);
      },
    ),
    { numRuns: testCases / 50 },
  );
});
