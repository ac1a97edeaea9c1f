import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestIndex, epsilonSoftened, renormalise, sampleIndex } from '#shared/learning/policy/chances.ts';
import { testCases } from '#test/support/cases.ts';
import { seeded } from '#test/support/model.ts';

const numRuns = testCases;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const scores = fc.array(fc.double(), { minLength: 1, maxLength: 64 });
const epsilons = fc.double({ min: 0, max: 1, noNaN: true });
const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the epsilon-softened distribution', () => {
  it('gives the best exactly 1 - eps + eps/n, every other exactly eps/n, in sum 1', () => {
    fc.assert(
      fc.property(scores, epsilons, (given, epsilon) => {
        const n = given.length;
        const made = epsilonSoftened(given, epsilon);
        const best = bestIndex(given);
        expect(made).toEqual(given.map((_, i) => (i === best ? 1 - epsilon + epsilon / n : epsilon / n)));
        expect(sum(made)).toBeCloseTo(1, 12);
      }),
      { numRuns },
    );
  });

  it('knows the best: the first of the highest, never one that is not a number while another is', () => {
    fc.assert(
      fc.property(scores, (given) => {
        const numbers = given.filter((score) => !Number.isNaN(score));
        const expected =
          numbers.length === 0
            ? 0
            : given.findIndex((score) => score === Math.max(...numbers) || (score === 0 && Math.max(...numbers) === 0));
        expect(bestIndex(given)).toBe(expected);
      }),
      { numRuns },
    );
  });

  it('splits ties to the first, is greedy at 0, uniform at 1, empty of nothing', () => {
    expect(epsilonSoftened([1, 3, 3], 0)).toEqual([0, 1, 0]);
    expect(epsilonSoftened([1, 3, 3, 2], 1)).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(epsilonSoftened([7], 0.05)).toEqual([1]);
    expect(epsilonSoftened([], 0.05)).toEqual([]);
    expect(bestIndex([])).toBe(-1);
  });
});

describe('sampling', () => {
  it('never takes what has no probability, and always takes something that has', () => {
    const weights = fc.array(fc.oneof(fc.constant(0), unit), { minLength: 1, maxLength: 64 });
    fc.assert(
      fc.property(weights, unit, (given, u) => {
        const total = sum(given);
        fc.pre(total > 0);
        const index = sampleIndex(
          given.map((weight) => weight / total),
          u,
        );
        expect(given[index]).toBeGreaterThan(0);
      }),
      { numRuns },
    );
  });

  it('takes the last possible one when rounding leaves a gap below 1', () => {
    expect(sampleIndex([0.5, 0.5 - 1e-9, 0], 1 - 2 ** -53)).toBe(1);
  });

  it('takes nothing from nothing', () => {
    expect(sampleIndex([], 0.5)).toBe(-1);
    expect(sampleIndex([0, 0], 0.5)).toBe(-1);
  });

  it('follows the probabilities: 200,000 seeded draws, within 4 standard errors', () => {
    const probabilities = epsilonSoftened([0.2, 0.9, 0.1, 0.4], 0.05);
    const random = seeded(7);
    const draws = 200_000;
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < draws; i++) {
      const index = sampleIndex(probabilities, random());
      counts[index] = (counts[index] ?? 0) + 1;
    }
    for (const [i, p] of probabilities.entries()) {
      const standardError = Math.sqrt((p * (1 - p)) / draws);
      expect(Math.abs((counts[i] as number) / draws - p)).toBeLessThan(4 * standardError);
    }
  });

  it('takes each index on an interval exactly as long as its probability', () => {
    const probabilities = epsilonSoftened([1, 2, 3, 4], 0.5);
    const edges = probabilities.map((_, i) => sum(probabilities.slice(0, i)));
    for (const [i, edge] of edges.entries()) {
      expect(sampleIndex(probabilities, edge)).toBe(i);
      if (i > 0) expect(sampleIndex(probabilities, edge - 1e-12)).toBe(i - 1);
    }
  });
});

describe('renormalising', () => {
  const kept = fc.array(fc.tuple(fc.oneof(fc.constant(0), unit), fc.boolean()), { maxLength: 64 });

  it('keeps the ratios of the kept, drops the rest, sums to 1', () => {
    fc.assert(
      fc.property(kept, (given) => {
        const weights = given.map(([weight]) => weight);
        const keep = given.map(([, kept]) => kept);
        const made = renormalise(weights, keep);
        const mass = sum(weights.filter((_, i) => keep[i]));
        expect(made).toHaveLength(given.length);
        expect(sum(made)).toBeCloseTo(keep.includes(true) ? 1 : 0, 9);
        for (const [i, probability] of made.entries()) {
          if (!keep[i]) expect(probability).toBe(0);
          else if (mass > 0) expect(probability).toBe((weights[i] as number) / mass);
        }
      }),
      { numRuns },
    );
  });

  it('is the identity when all are kept', () => {
    expect(renormalise([0.25, 0.75], [true, true])).toEqual([0.25, 0.75]);
  });

  it('is uniform over the kept when they had no probability, and nothing when none is kept', () => {
    expect(renormalise([0, 1, 0], [true, false, true])).toEqual([0.5, 0, 0.5]);
    expect(renormalise([0.5, 0.5], [false, false])).toEqual([0, 0]);
    expect(renormalise([0.5, 0.5], [true])).toEqual([1, 0]);
  });
});
