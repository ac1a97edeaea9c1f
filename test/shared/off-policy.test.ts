import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from '#shared/learning/off-policy/evaluate.ts';
import type { Logged } from '#shared/learning/off-policy/logged.ts';
import { seededRandom } from '#shared/learning/random.ts';
import { testCases } from '#test/support/cases.ts';

/** A world of three actions whose values depend on a context in [0, 1): known, so that estimates can be held against it. */
const ACTIONS = [0, 1, 2];
const worth = (context: number, action: number): number => [0.3 + 0.4 * context, 0.6 - 0.2 * context, 0.5][action] ?? 0;
const target = (context: number): number[] => (context < 0.5 ? [0.1, 0.7, 0.2] : [0.7, 0.1, 0.2]);
/** E over contexts of the target policy's value, in closed form by a fine grid. */
const TRUTH =
  Array.from({ length: 100_000 }, (_, i) => (i + 0.5) / 100_000).reduce(
    (sum, context) => sum + target(context).reduce((v, p, action) => v + p * worth(context, action), 0),
    0,
  ) / 100_000;

interface Logger {
  readonly probabilities: (context: number) => number[];
  readonly rows: number;
}
const uniform: Logger['probabilities'] = () => [1 / 3, 1 / 3, 1 / 3];
const greedy: Logger['probabilities'] = (context) => (context < 0.3 ? [0.8, 0.1, 0.1] : [0.05, 0.05, 0.9]);

/** @param bias of the model that DM, DR and switch-DR lean on */
function logOf(seed: number, loggers: readonly Logger[], bias: number): Logged[] {
  const random = seededRandom(seed);
  return loggers.flatMap(({ probabilities, rows }) =>
    Array.from({ length: rows }, () => {
      const context = random.next();
      const logging = probabilities(context);
      const u = random.next();
      const action = ACTIONS.find((a) => u < logging.slice(0, a + 1).reduce((x, y) => x + y, 0)) ?? 2;
      const policy = target(context);
      const model = (a: number): number => worth(context, a) + bias * (a - 1);
      return {
        reward: random.next() < worth(context, action) ? 1 : 0,
        propensity: logging[action] ?? 0,
        targetProbability: policy[action] ?? 0,
        qLogged: model(action),
        vTarget: policy.reduce((sum, p, a) => sum + p * model(a), 0),
      };
    }),
  );
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const deviation = (values: readonly number[]): number =>
  Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2)) / (values.length - 1));

describe('estimates over many generated logs', () => {
  const logs = Array.from({ length: 300 }, (_, seed) =>
    logOf(
      seed + 1,
      [
        { probabilities: uniform, rows: 300 },
        { probabilities: greedy, rows: 300 },
      ],
      0.15,
    ),
  );
  const evaluations = logs.map((log, seed) => evaluate(log, { seed, resamples: 400 }));

  it.each(['ips', 'dr'] as const)('%s is unbiased, two loggers in one log', (name) => {
    const values = evaluations.map(({ estimators }) => estimators[name]?.value ?? Number.NaN);
    // Four standard errors of the mean of 300 logs.
    expect(Math.abs(mean(values) - TRUTH)).toBeLessThan(4 * deviation(values));
  });

  it('snips and switch-DR stay within a hundredth of the truth', () => {
    for (const name of ['snips', 'switch_dr'] as const) {
      const values = evaluations.map(({ estimators }) => estimators[name]?.value ?? Number.NaN);
      expect(Math.abs(mean(values) - TRUTH), name).toBeLessThan(0.01);
    }
  });

  it('the direct method has the bias of its model, and the others correct it', () => {
    const direct = mean(evaluations.map(({ estimators }) => estimators.dm?.value ?? Number.NaN));
    expect(Math.abs(direct - TRUTH)).toBeGreaterThan(0.015);
  });

  it.each(['ips', 'snips', 'dr', 'switch_dr'] as const)('the interval of %s holds the truth', (name) => {
    const held = evaluations.filter(({ estimators }) => {
      const interval = estimators[name];
      return interval !== null && interval.low <= TRUTH && TRUTH <= interval.high;
    });
    expect(held.length / evaluations.length).toBeGreaterThanOrEqual(0.92);
  });

  it('doubly robust needs fewer rows than IPS when its model is good', () => {
    const spread = (bias: number, name: 'ips' | 'dr'): number =>
      deviation(
        Array.from({ length: 60 }, (_, seed) => {
          const log = logOf(900 + seed, [{ probabilities: greedy, rows: 400 }], bias);
          return evaluate(log, { seed, resamples: 1 }).estimators[name]?.value ?? Number.NaN;
        }),
      );
    expect(spread(0, 'dr')).toBeLessThan(spread(0, 'ips'));
  });
});

/** Written from the formulas, row by row, sharing no code with the estimators. */
function reference(log: readonly Logged[], clip: number, threshold: number) {
  let ips = 0;
  let weights = 0;
  let squares = 0;
  let dm = 0;
  let dr = 0;
  let switched = 0;
  for (const { reward, propensity, targetProbability, qLogged, vTarget } of log) {
    let w = targetProbability / propensity;
    if (w > clip) w = clip;
    ips += w * reward;
    weights += w;
    squares += w ** 2;
    dm += vTarget ?? 0;
    dr += (vTarget ?? 0) + w * (reward - (qLogged ?? 0));
    switched += (vTarget ?? 0) + (w <= threshold ? w * (reward - (qLogged ?? 0)) : 0);
  }
  const n = log.length;
  return {
    ips: ips / n,
    snips: weights === 0 ? null : ips / weights,
    dm: dm / n,
    dr: dr / n,
    switch_dr: switched / n,
    ess: squares === 0 ? 0 : weights ** 2 / squares,
  };
}

const logged = fc.record({
  reward: fc.double({ min: -10, max: 10, noNaN: true }),
  propensity: fc.double({ min: 1e-3, max: 1, noNaN: true }),
  targetProbability: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
  qLogged: fc.double({ min: -10, max: 10, noNaN: true }),
  vTarget: fc.double({ min: -10, max: 10, noNaN: true }),
});

describe('any log', () => {
  it('equals the slow reference', () => {
    fc.assert(
      fc.property(
        fc.array(logged, { minLength: 1, maxLength: 60 }),
        fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.double({ min: 0.1, max: 50, noNaN: true })),
        (log, clip) => {
          const got = evaluate(log, { seed: 1, clip, resamples: 5 });
          const expected = reference(log, clip, got.switch_threshold ?? Number.NaN);
          for (const name of ['ips', 'snips', 'dm', 'dr', 'switch_dr'] as const) {
            const value = expected[name];
            if (value === null) expect(got.estimators[name]).toBeNull();
            else
              expect(Math.abs((got.estimators[name]?.value ?? Number.NaN) - value), name).toBeLessThan(
                1e-9 * (1 + Math.abs(value) * 1e3),
              );
          }
          expect(got.ess).toBeCloseTo(expected.ess, 6);
          expect(got.ess).toBeLessThanOrEqual(log.length + 1e-9);
        },
      ),
      { numRuns: testCases },
    );
  });

  it('has an interval of finite ends in order, and the same one again', () => {
    fc.assert(
      fc.property(
        fc.array(logged, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 0, max: 2 ** 31 }),
        (log, seed) => {
          const first = evaluate(log, { seed, resamples: 50 });
          for (const interval of Object.values(first.estimators)) {
            if (interval === null) continue;
            expect(interval.low).toBeLessThanOrEqual(interval.high);
            expect([interval.low, interval.high].every(Number.isFinite)).toBe(true);
          }
          expect(evaluate(log, { seed, resamples: 50 })).toEqual(first);
        },
      ),
      { numRuns: testCases / 10 },
    );
  });

  it('needs a model on every row for DM, DR and switch-DR', () => {
    const row: Logged = { reward: 1, propensity: 0.5, targetProbability: 0.5, qLogged: 0.5, vTarget: 0.5 };
    const { estimators } = evaluate([row, { ...row, qLogged: null }], { seed: 1 });
    expect(estimators).toMatchObject({ dm: null, dr: null, switch_dr: null, ips: { value: 1 }, snips: { value: 1 } });
  });

  it('that the target policy could not have made has no SNIPS, and an effective size of 0', () => {
    const row: Logged = { reward: 1, propensity: 0.5, targetProbability: 0, qLogged: null, vTarget: null };
    expect(evaluate([row], { seed: 1 })).toMatchObject({
      estimators: { ips: { value: 0 }, snips: null },
      ess: 0,
      max_weight: 0,
    });
  });

  it('is refused when empty', () => {
    expect(() => evaluate([], { seed: 1 })).toThrow(RangeError);
  });
});
