import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { armOf, armOfBlock, blockEndMs, planTrial, type Trial } from '#shared/learning/switchback/schedule.ts';

const START = Date.parse('2026-03-01T00:00:00.000Z');
const HOUR = 3_600_000;

const trial = (seed: number, blockMs = HOUR, washoutMs = HOUR / 4): Trial => ({
  challenger: 'linear',
  start: new Date(START).toISOString(),
  block_ms: blockMs,
  washout_ms: washoutMs,
  seed,
  arms: ['rules', 'linear'],
});
const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('the schedule of a switchback', () => {
  it('gives each arm one block of every pair, whatever the seed', () => {
    fc.assert(
      fc.property(seeds, fc.nat({ max: 10_000 }), (seed, pair) => {
        const arms = [armOfBlock(trial(seed), 2 * pair), armOfBlock(trial(seed), 2 * pair + 1)];
        expect(arms.toSorted()).toEqual(['linear', 'rules']);
      }),
      { numRuns: 200 },
    );
  });

  it('draws the order inside the pairs like a fair coin, over pairs and over seeds', () => {
    const first = (seed: number, pair: number): number => (armOfBlock(trial(seed), 2 * pair) === 'linear' ? 1 : 0);
    const share = (draws: readonly number[]): number => draws.reduce((a, b) => a + b, 0) / draws.length;
    const pairs = Array.from({ length: 2_000 }, (_, pair) => first(7, pair));
    const others = Array.from({ length: 2_000 }, (_, seed) => first(seed, 0));
    const same = pairs.map((draw, pair) => (draw === pairs[pair + 1] ? 1 : 0));
    // Standard deviation of a share of 2,000: .011.
    for (const draws of [pairs, others, same]) expect(Math.abs(share(draws) - 0.5)).toBeLessThan(0.045);
  });

  it('keeps one arm for the whole of a block and calls its first part wash-out', () => {
    fc.assert(
      fc.property(seeds, fc.nat({ max: 1_000 }), fc.integer({ min: 0, max: HOUR - 1 }), (seed, block, into) => {
        const at = armOf(trial(seed), START + block * HOUR + into);
        expect(at).toEqual({ arm: armOfBlock(trial(seed), block), block, washout: into < HOUR / 4 });
        expect(blockEndMs(trial(seed), block)).toBe(START + (block + 1) * HOUR);
      }),
      { numRuns: 200 },
    );
  });

  it('lets the control act before the start, and counts nothing of it', () => {
    expect(armOf(trial(1), START - 1)).toEqual({ arm: 'rules', block: -1, washout: true });
  });
});

describe('planning a switchback', () => {
  const plan = (medianRunMs: number, decisionsPerHour: number): Trial =>
    planTrial({
      control: 'rules',
      challenger: 'v1',
      startMs: START,
      traffic: { medianRunMs, decisionsPerHour },
      seed: 3,
    });

  it('follows the run time where traffic is dense: two fifths of a run of wash-out, a fifth of the block', () => {
    expect(plan(2 * HOUR, 1_000)).toMatchObject({ block_ms: 4 * HOUR, washout_ms: 0.8 * HOUR, arms: ['rules', 'v1'] });
  });

  it('waits for traffic where it is thin, for a day at most', () => {
    expect(plan(HOUR / 10, 10)).toMatchObject({ block_ms: 4 * HOUR, washout_ms: HOUR / 25 });
    expect(plan(HOUR / 10, 0)).toMatchObject({ block_ms: 24 * HOUR });
    expect(plan(100 * HOUR, 10)).toMatchObject({ block_ms: 24 * HOUR, washout_ms: 4.8 * HOUR });
  });

  it('never makes blocks shorter than ten minutes', () => {
    expect(plan(1_000, 1e6)).toMatchObject({ block_ms: 10 * 60_000, washout_ms: 400 });
  });
});
