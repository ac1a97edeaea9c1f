import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '#shared/learning/random.ts';
import { probabilityOfBest, thompson } from '#shared/learning/thompson.ts';
import { testCases } from '#test/support/cases.ts';

const candidates = fc.array(
  fc.record({
    mean: fc.double({ min: -3, max: 1, noNaN: true }),
    variance: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 4, noNaN: true })),
  }),
  { minLength: 1, maxLength: 64 },
);
const limits = fc.record({
  budget: fc.double({ min: 0, max: 0.2, noNaN: true }),
  floor: fc.double({ min: 0, max: 0.2, noNaN: true }),
});

describe('thompson', () => {
  it('is a distribution within its budget and above its floor, for any posterior', () => {
    fc.assert(
      fc.property(candidates, limits, (given, { budget, floor }) => {
        const means = given.map(({ mean }) => mean);
        const probabilities = thompson(
          means,
          given.map(({ variance }) => variance),
          { budget, floor },
        );
        expect(probabilities.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
        const least = given.length === 1 ? 1 : floor / given.length;
        for (const p of probabilities) expect(p).toBeGreaterThanOrEqual(least - 1e-12);
        const best = Math.max(...means);
        const floorCost = means.reduce((sum, mean) => sum + (best - mean), 0) / given.length;
        const cost = means.reduce((sum, mean, i) => sum + (probabilities[i] ?? 0) * (best - mean), 0);
        expect(cost).toBeLessThanOrEqual((1 - floor) * budget + floor * floorCost + 1e-9);
      }),
      { numRuns: testCases },
    );
  });

  it('without a budget takes the first best alone', () => {
    expect(thompson([0.2, 0.5, 0.5], [1, 1, 1], { budget: 0, floor: 0 })).toEqual([0, 1, 0]);
  });

  it('equals the frequencies with which draws from the posterior are the highest', () => {
    const means = [0.3, 0.25, 0.1, -0.5];
    const deviations = [0.05, 0.2, 0.1, 0.6];
    const random = seededRandom(7);
    const normal = (): number => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
    const wins = means.map(() => 0);
    const draws = 200_000;
    for (let draw = 0; draw < draws; draw++) {
      const values = means.map((mean, i) => mean + (deviations[i] ?? 0) * normal());
      const winner = values.indexOf(Math.max(...values));
      wins[winner] = (wins[winner] ?? 0) + 1;
    }
    // Half a hundredth: three deviations of a frequency are .0034, the rest is the quadrature's.
    probabilityOfBest(means, deviations).forEach((p, i) => {
      expect(Math.abs(p - (wins[i] ?? 0) / draws)).toBeLessThan(0.01);
    });
  });

  it('gives each candidate its own probability, whatever the order', () => {
    const [a, b, c] = thompson([0.1, 0.2, 0.15], [0.01, 0.02, 0.3], { budget: 1, floor: 0 });
    const [c2, a2, b2] = thompson([0.15, 0.1, 0.2], [0.3, 0.01, 0.02], { budget: 1, floor: 0 });
    for (const [x, y] of [
      [a, a2],
      [b, b2],
      [c, c2],
    ])
      expect(x).toBeCloseTo(y ?? Number.NaN, 12);
  });
});
