import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LoggedPair, upliftOf } from '#shared/learning/off-policy/uplift.ts';
import { exploringForApprentice } from '#shared/learning/policy/chances.ts';
import { seededRandom } from '#shared/learning/random.ts';
import { testCases } from '#test/support/cases.ts';

const OPTIONS = { seed: 1, alpha: 0.1, clip: Number.POSITIVE_INFINITY };
const VALUES = [0.3, 0.6, 0.45];
const TARGET = [0.1, 0.7, 0.2];
const OTHER = [0.8, 0.1, 0.1];
const TRUTH = VALUES.reduce((sum, value, a) => sum + value * ((TARGET[a] ?? 0) - (OTHER[a] ?? 0)), 0);

/** @param bias of the model that both lean on */
function logOf(seed: number, rows: number, bias: number, logging = [0.6, 0.2, 0.2]): LoggedPair[] {
  const random = seededRandom(seed);
  const model = (a: number): number => (VALUES[a] ?? 0) + bias * (a - 1);
  const choice = (policy: readonly number[], action: number) => ({
    probability: policy[action] ?? 0,
    q: model(action),
    v: policy.reduce((sum, p, a) => sum + p * model(a), 0),
  });
  return Array.from({ length: rows }, () => {
    const u = random.next();
    const action = [0, 1, 2].find((a) => u < logging.slice(0, a + 1).reduce((x, y) => x + y, 0)) ?? 2;
    return {
      reward: random.next() < (VALUES[action] ?? 0) ? 1 : 0,
      propensity: logging[action] ?? 0,
      target: choice(TARGET, action),
      other: choice(OTHER, action),
    };
  });
}
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('uplift from a log', () => {
  const many = Array.from({ length: 200 }, (_, seed) => upliftOf(logOf(seed + 1, 600, 0.2), OPTIONS));

  it('is unbiased whatever the model says, and its limits err as often as was asked for', () => {
    const values = many.map((found) => found?.dr.mean ?? Number.NaN);
    const error = Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)) / values.length);
    expect(Math.abs(mean(values) - TRUTH)).toBeLessThan(4 * error);
    const tooHigh = many.filter((found) => (found?.dr.low ?? 0) > TRUTH).length;
    const tooLow = many.filter((found) => (found?.dr.high ?? 0) < TRUTH).length;
    // 20 of 200 are expected on each side; four standard deviations are 17.
    for (const count of [tooHigh, tooLow]) expect(Math.abs(count - 20)).toBeLessThan(17);
    expect(Math.abs(mean(many.map((found) => found?.snips?.mean ?? Number.NaN)) - TRUTH)).toBeLessThan(0.01);
    expect(mean(many.map((found) => found?.dr.deviation ?? 0))).toBeGreaterThan(error);
  });

  it('equals the formula, row by row', () => {
    const rows = logOf(9, 50, 0.1);
    let sum = 0;
    for (const { reward, propensity, target, other } of rows) {
      const of = ({ probability, q, v }: LoggedPair['target']): number => v + (probability / propensity) * (reward - q);
      sum += of(target) - of(other);
    }
    expect(upliftOf(rows, OPTIONS)?.dr.mean).toBeCloseTo(sum / rows.length, 12);
  });

  it('of a policy over itself is exactly nothing, and of no rows unknown', () => {
    const same = logOf(3, 300, 0.3).map((row) => ({ ...row, other: row.target }));
    expect(upliftOf(same, OPTIONS)).toMatchObject({ dr: { mean: 0, low: 0, high: 0 }, snips: { mean: 0 } });
    expect(upliftOf([], OPTIONS)).toBeNull();
  });

  it('with clipped weights leans on the model, and says how large they were', () => {
    const rows = logOf(4, 400, 0, [0.98, 0.01, 0.01]);
    const clipped = upliftOf(rows, { ...OPTIONS, clip: 2 });
    expect(clipped?.max_weight).toBeCloseTo(70, 9);
    expect(clipped?.dr.deviation).toBeLessThan((upliftOf(rows, OPTIONS)?.dr.deviation ?? 0) / 3);
  });
});

describe('exploring for an apprentice', () => {
  it('is a distribution that leaves nothing out and tries most of the exploration on what the apprentice would do', () => {
    const weights = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 1, maxLength: 64 });
    fc.assert(
      fc.property(weights, fc.double({ min: 0, max: 1, noNaN: true }), (given, epsilon) => {
        const total = given.reduce((a, b) => a + b, 0);
        const apprentice = given.map((weight) => weight / total);
        const made = exploringForApprentice(given, apprentice, epsilon);
        expect(made.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
        made.forEach((p, i) => {
          expect(p).toBeGreaterThanOrEqual(0.8 * epsilon * (apprentice[i] ?? 0) - 1e-12);
          expect(p).toBeGreaterThanOrEqual((0.2 * epsilon) / given.length - 1e-12);
        });
      }),
      { numRuns: testCases },
    );
  });
});
