import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Predicted } from '#shared/domain/decision.ts';
import { expectedUtility } from '#shared/learning/expected-utility.ts';
import { type WhyNot, whyNotByModel, whyNotByRules } from '#shared/learning/policy/why-not.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import { testCases } from '#test/support/cases.ts';
import { anOffer, aWorkload } from '#test/support/offers.ts';

/** No smaller than anything that is told apart. */
const unit = fc.double({ min: 1e-4, max: 1, noNaN: true });
const predicted: fc.Arbitrary<Predicted> = fc
  .record({
    ready: unit,
    survives: unit,
    usd_per_gpu_hour: fc.double({ min: 0.01, max: 5, noNaN: true }),
    latency_ms: fc.double({ min: 1, max: 2_000, noNaN: true }),
    ready_ms: fc.double({ min: 100, max: 2_000_000, noNaN: true }),
  })
  .map(({ survives, ...rest }) => ({ ...rest, completed: rest.ready * survives }));
const weight = fc.oneof(fc.constant(0), unit, fc.double({ min: 0, max: 10, noNaN: true }));
const weights = fc.record({ price: weight, latency: weight, reputation: weight, availability: weight });
const workload = weights.map((given) => aWorkload({ weights: given, max_price: null, max_latency_ms: null }));

/** Closer candidates differ by rounding, and a little less than nothing is nothing. */
const TELLABLE = 1e-6;

/** The figure a little nearer to where it was. */
const less = ({ from, to }: WhyNot): number => to + (from - to) * 1e-6;

function applied(before: Predicted, of: WhyNot['of'], to: number): Predicted {
  switch (of) {
    case 'price':
      return { ...before, usd_per_gpu_hour: to };
    case 'latency':
      return { ...before, latency_ms: to };
    case 'ready_time':
      return { ...before, ready_ms: to };
    case 'ready':
      return { ...before, ready: to, completed: to * (before.completed / before.ready) };
    default:
      return { ...before, completed: to };
  }
}

describe('why not, by a model', () => {
  test('the change makes it first, a little less does not', () => {
    let found = 0;
    fc.assert(
      fc.property(workload, predicted, predicted, (asked, loser, winner) => {
        const toBeat = expectedUtility(asked, winner);
        fc.pre(expectedUtility(asked, loser) < toBeat - TELLABLE);
        const why = whyNotByModel(asked, loser, toBeat);
        if (why === null) return;
        found += 1;
        expect(expectedUtility(asked, applied(loser, why.of, why.to))).toBeGreaterThan(toBeat);
        expect(expectedUtility(asked, applied(loser, why.of, less(why)))).toBeLessThanOrEqual(toBeat);
      }),
      { numRuns: testCases },
    );
    expect(found).toBeGreaterThan(testCases / 4);
  });

  test('no change is told only where the best imaginable of each figure alone is not enough', () => {
    fc.assert(
      fc.property(workload, predicted, predicted, (asked, loser, winner) => {
        const toBeat = expectedUtility(asked, winner);
        fc.pre(loser.ready > 0 && whyNotByModel(asked, loser, toBeat) === null);
        const best = {
          price: loser.usd_per_gpu_hour / 1_000,
          latency: loser.latency_ms / 1_000,
          ready_time: loser.ready_ms / 1_000,
          ready: 1,
          completed: loser.ready,
        };
        for (const of of Object.keys(best) as (keyof typeof best)[])
          expect(expectedUtility(asked, applied(loser, of, best[of]))).toBeLessThanOrEqual(toBeat);
      }),
      // Most that is drawn is left out.
      { numRuns: testCases / 5 },
    );
  });

  test('of several that would do it is the smallest: shares by what they differ, the rest by the share of itself', () => {
    const asked = aWorkload({ max_price: 0.5, max_latency_ms: 200 });
    const winner = { ready: 1, completed: 1, usd_per_gpu_hour: 0.3, latency_ms: 100, ready_ms: 60_000 };
    const toBeat = expectedUtility(asked, winner);
    const dearer = whyNotByModel(asked, { ...winner, usd_per_gpu_hour: 0.31 }, toBeat);
    expect(dearer).toMatchObject({ of: 'price', from: 0.31 });
    expect(dearer?.to).toBeCloseTo(0.3, 9);
    // At the same price as much would be a tenth.
    const failing = whyNotByModel(asked, { ...winner, ready: 0.98, completed: 0.98 }, toBeat - 0.01);
    expect(failing?.of).toBe('ready');
    expect(failing?.to).toBeGreaterThan(0.98);
  });

  test('nothing is enough against what cannot be reached', () => {
    const asked = aWorkload();
    const best = { ready: 1, completed: 1, usd_per_gpu_hour: 0.4, latency_ms: 100, ready_ms: 1 };
    expect(whyNotByModel(asked, best, expectedUtility(asked, best) + 10)).toBeNull();
  });
});

describe('why not, by the rules', () => {
  const offers = fc.record({
    usd_per_gpu_hour: fc.double({ min: 0.01, max: 5, noNaN: true }),
    latency_ms: fc.double({ min: 1, max: 2_000, noNaN: true }),
    reputation: fc.double({ min: 0, max: 100, noNaN: true }),
    capacity_gpu_hours: fc.double({ min: 0, max: 100, noNaN: true }),
    capacity_total_gpu_hours: fc.constant(100),
  });

  test('the change makes it first, a little less does not', () => {
    let found = 0;
    fc.assert(
      fc.property(weights, offers, offers, (given, losing, winning) => {
        const [loser, winner] = [anOffer(losing), anOffer(winning)];
        const toBeat = classicScore(given, winner);
        fc.pre(classicScore(given, loser) < toBeat - TELLABLE);
        const figures = {
          score: classicScore(given, loser),
          price: losing.usd_per_gpu_hour,
          latency: losing.latency_ms,
          reputation: losing.reputation / 100,
          availability: losing.capacity_gpu_hours / 100,
        };
        const why = whyNotByRules(given, figures, toBeat);
        if (why === null) return;
        found += 1;
        const scoreAt = (to: number): number => {
          const changes = {
            price: { usd_per_gpu_hour: to },
            latency: { latency_ms: to },
            reputation: { reputation: to * 100 },
            availability: { capacity_gpu_hours: to * 100 },
          }[why.of as 'price'];
          return classicScore(given, { ...loser, ...changes });
        };
        // The terms are added in another order there.
        const slack = 1e-9 * Math.max(1, Math.abs(toBeat));
        expect(scoreAt(why.to)).toBeGreaterThan(toBeat - slack);
        expect(scoreAt(less(why))).toBeLessThan(toBeat + slack);
      }),
      { numRuns: testCases },
    );
    expect(found).toBeGreaterThan(testCases / 4);
  });

  test('what the row does not hold is left out', () => {
    const given = { price: 0, latency: 0, reputation: 1, availability: 1 };
    const figures = { score: 0.5, price: 1, latency: 100, reputation: 0.3, availability: 0.2 };
    expect(whyNotByRules(given, figures, 0.6)).toMatchObject({ of: 'reputation', from: 0.3 });
    expect(whyNotByRules(given, { ...figures, reputation: null }, 0.6)).toMatchObject({ of: 'availability' });
    expect(whyNotByRules(given, { ...figures, reputation: null, availability: null }, 0.6)).toBeNull();
  });
});
