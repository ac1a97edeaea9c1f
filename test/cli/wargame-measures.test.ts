import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { figuresOf, meanOver, worstOver } from '#cli/wargame/measures/figures.ts';
import { decisionsUntil, gapIn, windowsOf } from '#cli/wargame/measures/gap.ts';
import { quantileOf, seriesOf } from '#cli/wargame/measures/numbers.ts';
import { recoveryOf } from '#cli/wargame/measures/recovery.ts';
import { createTally } from '#cli/wargame/realised.ts';
import type { Play } from '#cli/wargame/world.ts';
import { testCases } from '#test/support/cases.ts';

/** A series made of stretches: how many, of what. */
const stretches = (...parts: readonly (readonly [number, number])[]): Float64Array =>
  Float64Array.from(parts.flatMap(([length, value]) => new Array<number>(length).fill(value)));
const series = (...parts: readonly (readonly [number, number])[]) => seriesOf(stretches(...parts));

describe('a series', () => {
  const values = fc.array(fc.oneof(fc.double({ min: -10, max: 10, noNaN: true }), fc.constant(Number.NaN)), {
    maxLength: 50,
  });
  it('has the means that adding up gives, what is unknown left out', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: -5, max: 60 }), fc.integer({ min: -5, max: 60 }), (given, from, to) => {
        const known = given.slice(Math.max(0, from), Math.max(0, to)).filter((value) => !Number.isNaN(value));
        const mean = seriesOf(Float64Array.from(given)).mean(from, to);
        if (known.length === 0) expect(mean).toBeNull();
        else expect(mean).toBeCloseTo(known.reduce((sum, value) => sum + value, 0) / known.length, 9);
      }),
      { numRuns: testCases },
    );
  });

  it('has quantiles that are values of it', () => {
    expect(quantileOf([], 0.95)).toBeNull();
    expect(quantileOf([3], 0.95)).toBe(3);
    expect(quantileOf([...Array(100).keys()].toReversed(), 0.95)).toBe(94);
  });
});

describe('windows', () => {
  const names = (decisions: number): string[] => windowsOf(decisions).map(({ from, to }) => `${from}-${to}`);
  it('reach as far as the run', () => {
    expect(names(100)).toEqual(['0-100']);
    expect(names(3_000)).toEqual(['0-500', '500-1000', '1000-2000', '2000-3000']);
    expect(names(2_100)).toEqual(['0-500', '500-1000', '1000-2000']);
    expect(names(50_000).slice(4)).toEqual(['5000-10000', '10000-15000', '15000-25000', '25000-40000', '40000-50000']);
    expect(names(130_000).slice(9)).toEqual(['50000-100000', '100000-130000']);
  });
});

describe('the gap', () => {
  const rules = series([1_000, 0.2]);
  const oracle = series([1_000, 0.6]);
  it('is the share of the way from the rules to the oracle, past either end too', () => {
    const at = (value: number): number | null =>
      gapIn({ policy: series([1_000, value]), rules, oracle }, { from: 0, to: 1_000 });
    expect([at(0.2), at(0.5), at(0.6), at(0.1), at(0.7)].map((gap) => Number(gap?.toFixed(6)))).toEqual([
      0, 0.75, 1, -0.25, 1.25,
    ]);
  });
  it('is none where there is nothing to win, or nothing was decided', () => {
    expect(gapIn({ policy: oracle, rules, oracle: rules }, { from: 0, to: 10 })).toBeNull();
    expect(gapIn({ policy: series([1_000, Number.NaN]), rules, oracle }, { from: 0, to: 10 })).toBeNull();
  });
  it('is reached when the 500 last decisions have it on average', () => {
    const [low, high] = [series([1_000, 0.25]), series([1_000, 0.75])];
    const three = { policy: series([300, 0.25], [700, 0.75]), rules: low, oracle: high };
    // At 300 + k the moving mean is k / 500 of the way; rounding may need one more.
    for (const [level, at] of [
      [0.5, 550],
      [0.8, 700],
      [0.9, 750],
      [0.95, 775],
    ] as const)
      expect([at, at + 1]).toContain(decisionsUntil(three, level));
    expect(decisionsUntil({ ...three, policy: low }, 0.5)).toBeNull();
    expect(decisionsUntil({ ...three, policy: high }, 0.95)).toBe(500);
  });
});

describe('recovery', () => {
  const event = { from: 1_000, to: 2_000 };
  it('counts to the first decision from which all is well again on average', () => {
    const regret = series([1_000, 0.03], [300, 0.4], [700, 0.03], [200, 0.2], [800, 0.04]);
    const { after_start, after_end, ended } = recoveryOf(regret, event);
    // Level .05. Of 250 decisions at .03, up to 13 may be at .4; of 250 at .04, up to 15 at .2.
    expect([after_start, after_end, ended]).toEqual([287, 185, true]);
  });
  it('is at once where nothing was felt, and none where it never comes', () => {
    expect(recoveryOf(series([3_000, 0.1]), event)).toEqual({ after_start: 0, after_end: 0, ended: true });
    expect(recoveryOf(series([1_000, 0.1], [2_000, 0.2]), event)).toEqual({
      after_start: null,
      after_end: null,
      ended: true,
    });
  });
  it('does not take the calm after an event for an adaptation to it', () => {
    expect(recoveryOf(series([1_000, 0], [1_000, 0.3], [1_000, 0]), event)).toEqual({
      after_start: null,
      after_end: 0,
      ended: true,
    });
  });
  it('of an event that outlives the run has no end', () => {
    expect(recoveryOf(series([1_000, 0], [500, 0]), event)).toEqual({ after_start: 0, after_end: null, ended: false });
  });
});

describe('figures', () => {
  const play = (utility: Float64Array): Play => ({ utility, realised: createTally().total() });
  const world = (policy: number) =>
    figuresOf(
      {
        policy: play(stretches([1_000, policy])),
        rules: play(stretches([1_000, 0.2])),
        oracle: play(stretches([1_000, 0.6])),
      },
      { windows: windowsOf(1_000), events: [] },
    );
  it('count regret against the oracle, of what both decided', () => {
    expect(world(0.5).regret).toBeCloseTo(100, 9);
    const holed = { ...play(stretches([10, 0.5], [990, Number.NaN])) };
    const oracle = play(stretches([1_000, 0.6]));
    expect(
      figuresOf({ policy: holed, rules: play(stretches([1_000, 0.2])), oracle }, { windows: [], events: [] }).regret,
    ).toBeCloseTo(1, 9);
  });
  it('are told as the mean of the worlds, and as the worst of each', () => {
    const worlds = [world(0.5), world(0.3)];
    expect(meanOver(worlds)).toMatchObject({ gap: expect.closeTo(0.5, 9), regret: expect.closeTo(200, 9) });
    expect(worstOver(worlds)).toMatchObject({
      gap: expect.closeTo(0.25, 9),
      regret: expect.closeTo(300, 9),
      utility: expect.closeTo(0.3, 9),
    });
    // Reached in one world only: no mean.
    expect(world(0.5).decisions_until_gap).toEqual({ '50': 500, '80': null, '90': null, '95': null });
    expect(meanOver(worlds).decisions_until_gap['50']).toBeNull();
  });
});
