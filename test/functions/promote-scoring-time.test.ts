import { expect, test } from 'vitest';
import { scoringMs } from '#functions/promote/scoring-time.ts';
import { createFastLearner } from '#shared/learning/fast/fast-learner.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { linearContestant } from '#shared/learning/record/contestant.ts';
import type { RecordedDecision } from '#shared/learning/record/recorded.ts';
import { anOffer, aWorkload } from '#test/support/offers.ts';

const DECIDED_MS = Date.UTC(2026, 0, 1);
const workload = aWorkload();
const offer = anOffer();
const DECISION: RecordedDecision = {
  decisionId: 'd1',
  decidedAtMs: DECIDED_MS,
  workload,
  candidates: [{ offer, features: candidateFeatures(workload, offer, DECIDED_MS), ruleScore: 1, probability: 1 }],
  taken: 0,
  propensity: 1,
  ended: true,
  reward: 1,
};

/** Measures where call `i` takes `tookMs(i)`; answers the calls made too. */
function measured(tookMs: (call: number) => number, decisions: readonly RecordedDecision[] = [DECISION]) {
  let [now, looks] = [0, 0];
  const stopwatch = (): number => {
    if (looks % 2 === 1) now += tookMs((looks - 1) / 2);
    looks += 1;
    return now;
  };
  const ms = scoringMs(linearContestant(), createFastLearner(), decisions, stopwatch);
  return { ms, calls: looks / 2 };
}
const roundOf = (call: number): number => Math.floor(call / 100);

test.each<[string, (call: number) => number, { ms: number; calls: number }]>([
  ['a quiet round is enough', () => 2, { ms: 2, calls: 100 }],
  ['one call in a hundred may be slow', (call) => (call === 7 ? 50 : 2), { ms: 2, calls: 100 }],
  ['two may not; the next round counts', (call) => (call < 2 ? 50 : 2), { ms: 2, calls: 200 }],
  ['a machine busy at first', (call) => (roundOf(call) < 3 ? 9 : 4), { ms: 4, calls: 400 }],
  ['slow in every round: the quietest', (call) => [9, 8, 6, 7, 8][roundOf(call)] ?? 0, { ms: 6, calls: 500 }],
])('%s', (_name, tookMs, expected) => {
  expect(measured(tookMs)).toEqual(expected);
});

test('nothing to value: not measured', () => {
  expect(measured(() => 2, [])).toEqual({ ms: null, calls: 0 });
  expect(measured(() => 2, [{ ...DECISION, candidates: [] }])).toEqual({ ms: null, calls: 0 });
});
