import { describe, expect, it, test } from 'vitest';
import { SWITCHBACK_LOOKS } from '#shared/defaults.ts';
import { nextLookAt } from '#shared/learning/stages/next-look.ts';
import { forecastOf, type Progress } from '#shared/learning/switchback/forecast.ts';
import { testSwitchback } from '#shared/learning/switchback/test.ts';

const START = Date.parse('2026-03-01T00:00:00.000Z');
const HOUR = 3_600_000;
const TRIAL = {
  challenger: 'linear',
  start: new Date(START).toISOString(),
  block_ms: HOUR,
  washout_ms: HOUR / 5,
  seed: 1,
  arms: ['rules', 'linear'],
} as const;

/** A look as [pairs, hours after the start]; a pair takes two. */
type Expected = readonly [number, number] | null;
const CASES: readonly (Progress & {
  readonly name: string;
  readonly next: Expected;
  readonly proof: Expected;
  readonly last: Expected;
})[] = [
  { name: 'at the start', matured: 0, leftOut: 0, next: [4, 8], proof: [10, 20], last: [80, 160] },
  { name: 'between two looks', matured: 5, leftOut: 0, next: [6, 12], proof: [10, 20], last: [80, 160] },
  { name: 'at a look: it was had', matured: 8, leftOut: 0, next: [10, 20], proof: [10, 20], last: [80, 160] },
  { name: 'past the first proof', matured: 11, leftOut: 0, next: [14, 28], proof: [14, 28], last: [80, 160] },
  { name: 'pairs left out', matured: 11, leftOut: 3, next: [14, 34], proof: [14, 34], last: [80, 166] },
  { name: 'before the last look', matured: 79, leftOut: 1, next: [80, 162], proof: [80, 162], last: [80, 162] },
  { name: 'past the last look', matured: 80, leftOut: 0, next: null, proof: null, last: [80, 160] },
];

describe('the forecast of a trial', () => {
  test.each(CASES)('$name', ({ matured, leftOut, next, proof, last }) => {
    const look = (of: Expected) => of && { pairs: of[0], earliestMs: START + of[1] * HOUR };
    expect(forecastOf(TRIAL, { matured, leftOut })).toEqual({
      nextLook: look(next),
      nextProof: look(proof),
      lastLook: look(last),
      endsByMs: START + 4 * 160 * HOUR,
    });
  });

  it('foretells no proof before the test allows one', () => {
    const verdictAfter = (count: number) =>
      testSwitchback(
        Array.from({ length: count }, () => ({ difference: 1, weight: 1 })),
        1,
      ).verdict;
    const first = forecastOf(TRIAL, { matured: 0, leftOut: 0 }).nextProof?.pairs ?? 0;
    expect(first).toBe(SWITCHBACK_LOOKS[0]);
    expect([first - 1, first].map(verdictAfter)).toEqual(['open', 'better']);
  });
});

test.each([
  [null, 1_000],
  [0, 1_000],
  [700, 1_000],
  [1_000, 1_415],
  [1_415, 2_002],
])('a learner judged at %s ended attempts is judged next at %s', (last, next) => {
  expect(nextLookAt(last)).toBe(next);
});
