import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalCdf, normalQuantile } from '#shared/learning/policy/normal.ts';
import { contestOf, leaderOf, thompson } from '#shared/learning/policy/thompson.ts';
import { seededRandom } from '#shared/learning/random.ts';
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
  share: fc.double({ min: 0, max: 1, noNaN: true }),
  floor: fc.double({ min: 0, max: 0.2, noNaN: true }),
});

describe('thompson', () => {
  it('is a distribution within its budget, its share of what is to be gained, and above its floor, for any posterior', () => {
    fc.assert(
      fc.property(candidates, limits, (given, { budget, share, floor }) => {
        const means = given.map(({ mean }) => mean);
        const variances = given.map(({ variance }) => variance);
        const probabilities = thompson(means, variances, { budget, share, floor });
        expect(probabilities.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
        const least = given.length === 1 ? 1 : floor / given.length;
        for (const p of probabilities) expect(p).toBeGreaterThanOrEqual(least - 1e-12);
        const best = Math.max(...means);
        const floorCost = means.reduce((sum, mean) => sum + (best - mean), 0) / given.length;
        const cost = means.reduce((sum, mean, i) => sum + (probabilities[i] ?? 0) * (best - mean), 0);
        const { gain } = contestOf(means, variances.map(Math.sqrt), leaderOf(means));
        expect(cost).toBeLessThanOrEqual((1 - floor) * Math.min(budget, share * gain) + floor * floorCost + 1e-9);
      }),
      { numRuns: testCases },
    );
  });

  it('without a budget, or where nothing is to be learnt, takes the first best alone', () => {
    expect(thompson([0.2, 0.5, 0.5], [1, 1, 1], { budget: 0, share: 1, floor: 0 })).toEqual([0, 1, 0]);
    expect(thompson([0.2, 0.5, 0.5], [1, 1, 1], { budget: 1, share: 0, floor: 0 })).toEqual([0, 1, 0]);
    expect(thompson([0.2, 0.5, 0.4], [0, 0, 0], { budget: 1, share: 1, floor: 0 })).toEqual([0, 1, 0]);
  });

  it('gives away as much of its share as a step of the scale lets it', () => {
    const [means, variances] = [
      [0.5, 0.48, 0.46, 0.4],
      [0, 0.01, 0.01, 0.01],
    ];
    const { gain } = contestOf(means, variances.map(Math.sqrt), 0);
    const cost = thompson(means, variances, { budget: 1, share: 0.25, floor: 0 }).reduce(
      (sum, p, i) => sum + p * (0.5 - (means[i] ?? 0)),
      0,
    );
    expect(cost).toBeLessThanOrEqual(0.25 * gain);
    expect(cost).toBeGreaterThan(0.4 * 0.25 * gain);
  });

  it('equals the frequencies with which draws are the highest, and gains what they gain, the leader as it stands', () => {
    const means = [0.3, 0.25, 0.1, -0.5];
    const deviations = [0, 0.2, 0.1, 0.6];
    const random = seededRandom(7);
    const normal = (): number => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
    const wins = means.map(() => 0);
    const draws = 400_000;
    let gained = 0;
    for (let draw = 0; draw < draws; draw++) {
      const values = means.map((mean, i) => mean + (deviations[i] ?? 0) * normal());
      const most = Math.max(...values);
      const winner = values.indexOf(most);
      wins[winner] = (wins[winner] ?? 0) + 1;
      gained += most - 0.3;
    }
    const { probabilities, gain } = contestOf(means, deviations, 0);
    // Three deviations of a frequency are .0024, the rest is the quadrature's.
    probabilities.forEach((p, i) => {
      expect(Math.abs(p - (wins[i] ?? 0) / draws)).toBeLessThan(0.004);
    });
    expect(Math.abs(gain - gained / draws)).toBeLessThan(0.002);
  });

  it('is exact for two: the chance that the other one beats the leader', () => {
    const { probabilities } = contestOf([0.4, 0.1], [0, 0.2], 0);
    expect(probabilities[1]).toBeCloseTo(1 - 0.9331928, 5);
  });

  it('gives each candidate its own probability, whatever the order', () => {
    const [a, b, c] = thompson([0.1, 0.2, 0.15], [0.01, 0, 0.3], { budget: 1, share: 1, floor: 0 });
    const [c2, a2, b2] = thompson([0.15, 0.1, 0.2], [0.3, 0.01, 0], { budget: 1, share: 1, floor: 0 });
    for (const [x, y] of [
      [a, a2],
      [b, b2],
      [c, c2],
    ])
      expect(x).toBeCloseTo(y ?? Number.NaN, 12);
  });
});

describe('the normal distribution', () => {
  it('is that of the tables, and its inverse turns it back', () => {
    // Abramowitz and Stegun, table 26.1.
    for (const [z, p] of [
      [0, 0.5],
      [1, 0.8413447461],
      [1.96, 0.9750021049],
      [3, 0.998650102],
    ] as const) {
      expect(normalCdf(z)).toBeCloseTo(p, 5);
      expect(normalCdf(-z)).toBeCloseTo(1 - p, 5);
      expect(normalQuantile(p)).toBeCloseTo(z, 5);
    }
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true }), (p) => {
        expect(Math.abs(normalCdf(normalQuantile(p)) - p)).toBeLessThan(3e-6);
      }),
      { numRuns: testCases },
    );
  });
});
