import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Row } from '#shared/learning/fast/effects.ts';
import type { NormalEquations } from '#shared/learning/fast/normal-equations.ts';
import {
  addToBucket,
  advanced,
  type BucketedEquations,
  mergeBuckets,
  noBuckets,
  totalOf,
} from '#shared/learning/fast/time-buckets.ts';
import { testCases } from '#test/support/cases.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Columns 0 and 1, so that every block is two wide. */
const pair = fc
  .tuple(fc.double({ min: -2, max: 2, noNaN: true }), fc.double({ min: -2, max: 2, noNaN: true }))
  .map((values) => ({ indices: [0, 1], values }));
const seen = fc.record({
  provider: fc.constantFrom('a', 'b'),
  shared: pair,
  local: pair,
  atMs: fc.integer({ min: 0, max: 200 * DAY_MS }),
  z: fc.double({ min: -3, max: 3, noNaN: true }),
});
const evidence = fc
  .tuple(fc.array(seen, { maxLength: 12 }), fc.integer({ min: 0, max: 300 * DAY_MS }))
  .map(([rows, watermarkMs]) => statisticsOf(rows, watermarkMs));

function statisticsOf(
  rows: readonly (Row & { readonly atMs: number; readonly z: number })[],
  watermarkMs: number,
): BucketedEquations {
  let statistics = noBuckets();
  rows.forEach((row, i) => {
    // Half of the rows come before the watermark moves on, half are late.
    if (i === Math.ceil(rows.length / 2)) statistics = advanced(statistics, watermarkMs);
    addToBucket(statistics, row.atMs, row, 1, row.z);
  });
  return advanced(statistics, watermarkMs);
}

const numbersOf = (equations: NormalEquations): number[] =>
  [...equations]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, { ll, sl, ss, zl, zs, squares, rows }]) => [...ll, ...sl, ...ss, ...zl, ...zs, squares, rows]);

function expectSame(one: BucketedEquations, other: BucketedEquations): void {
  expect([...one.buckets.keys()].toSorted()).toEqual([...other.buckets.keys()].toSorted());
  expect(one.watermarkMs).toBe(other.watermarkMs);
  for (const [key, { equations }] of one.buckets) {
    const there = numbersOf(other.buckets.get(key)?.equations ?? new Map());
    const here = numbersOf(equations);
    expect(there.length).toBe(here.length);
    expect(worstOf(here, there)).toBeLessThan(1e-9);
  }
}
const worstOf = (here: readonly number[], there: readonly number[]): number =>
  Math.max(0, ...here.map((value, i) => Math.abs(value - (there[i] ?? Number.NaN))));

describe('statistics by time', () => {
  it('merge to the same, whatever the order and the grouping, to 1e-9', () => {
    fc.assert(
      fc.property(evidence, evidence, evidence, (a, b, c) => {
        const one = mergeBuckets(mergeBuckets(a, b), c);
        expectSame(mergeBuckets(a, mergeBuckets(b, c)), one);
        expectSame(mergeBuckets(mergeBuckets(c, a), b), one);
      }),
      { numRuns: testCases / 5 },
    );
  });

  it('lose nothing as they age, and reach the same buckets by every way', () => {
    fc.assert(
      fc.property(evidence, fc.array(fc.integer({ min: 0, max: 400 * DAY_MS }), { maxLength: 4 }), (of, stops) => {
        const last = Math.max(of.watermarkMs, ...stops);
        const slowly = stops.toSorted((x, y) => x - y).reduce(advanced, of);
        expectSame(slowly, advanced(of, last));
        const [before, after] = [totalOf(of, () => 1), totalOf(slowly, () => 1)].map(numbersOf);
        expect(worstOf(after ?? [], before ?? [])).toBeLessThan(1e-9);
      }),
      { numRuns: testCases / 5 },
    );
  });

  it('of half a year take a score of buckets, the newest a day wide', () => {
    const statistics = noBuckets();
    const row: Row = {
      provider: 'a',
      shared: { indices: [0], values: [1] },
      local: { indices: [0], values: [1] },
    };
    let now = statistics;
    for (let hour = 0; hour < 180 * 24; hour++) {
      now = advanced(now, hour * HOUR_MS);
      addToBucket(now, hour * HOUR_MS, row, 1, 1);
    }
    expect(now.buckets.size).toBeLessThanOrEqual(20);
    expect(Math.min(...[...now.buckets.values()].map(({ level }) => level))).toBe(0);
    expect(numbersOf(totalOf(now, () => 1)).at(-1)).toBe(180 * 24);
    expect(numbersOf(totalOf(now, (_, { level }) => (level === 0 ? 1 : 0))).at(-1)).toBeLessThanOrEqual(72);
  });
});
