import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SWITCHBACK_LOOKS } from '#shared/defaults.ts';
import { seededRandom } from '#shared/learning/random.ts';
import { type TrialDecision, trialRecord } from '#shared/learning/switchback/pairs.ts';
import { armOf, type Trial } from '#shared/learning/switchback/schedule.ts';
import { type PairDifference, subsetMeans } from '#shared/learning/switchback/subset-means.ts';
import { testSwitchback } from '#shared/learning/switchback/test.ts';
import { testCases } from '#test/support/cases.ts';

const START = Date.parse('2026-03-01T00:00:00.000Z');
const HOUR = 3_600_000;
const TRIAL: Trial = {
  challenger: 'linear',
  start: new Date(START).toISOString(),
  block_ms: HOUR,
  washout_ms: HOUR / 5,
  seed: 11,
  arms: ['rules', 'linear'],
};

/** Normal by the sum of twelve uniforms. */
const normals = (seed: number): (() => number) => {
  const random = seededRandom(seed);
  return () => Array.from({ length: 12 }, () => random.next()).reduce((a, b) => a + b, -6);
};
const pairsOf = (count: number, mean: number, sd: number, seed: number): PairDifference[] => {
  const draw = normals(seed);
  return Array.from({ length: count }, () => ({ difference: mean + sd * draw(), weight: 1 }));
};
type TrialRow = TrialDecision & { readonly ended: boolean; readonly reward: number | null };
const maturedPairs = (trial: Trial, rows: readonly TrialRow[], nowMs: number) => {
  const record = trialRecord(trial);
  for (const row of rows) {
    record.decided(row);
    if (row.ended) record.ended(row, row.reward);
  }
  return record.pairs(nowMs);
};
const pair = fc.record({
  difference: fc.double({ min: -1, max: 1, noNaN: true }),
  weight: fc.double({ min: 0.1, max: 10, noNaN: true }),
});
/** Whole numbers add up exactly, so ties are ties. */
const wholePair = fc.record({ difference: fc.integer({ min: -9, max: 9 }), weight: fc.integer({ min: 1, max: 5 }) });

/** Written independently: goes through the sign vectors and compares flipped statistics. */
function slowP(pairs: readonly PairDifference[], shift: number): number {
  const terms = pairs.map(({ difference, weight }) => weight * (difference - shift));
  const observed = terms.reduce((a, b) => a + b, 0);
  let asLarge = 0;
  for (let signs = 0; signs < 2 ** pairs.length; signs++) {
    const flipped = terms.reduce((sum, term, i) => sum + ((signs >> i) & 1 ? -term : term), 0);
    if (flipped >= observed - 1e-12) asLarge += 1;
  }
  return asLarge / 2 ** pairs.length;
}

describe('the sign-flip test', () => {
  it('gives the p of a slow enumeration of all signs', () => {
    fc.assert(
      fc.property(fc.array(wholePair, { minLength: 1, maxLength: 7 }), (pairs) => {
        expect(subsetMeans(pairs, 1).pBetter).toBeCloseTo(slowP(pairs, 0), 9);
      }),
      { numRuns: 100 },
    );
  });

  it('has limits that are its inversion: a shift just inside is kept, one just outside is refused', () => {
    fc.assert(
      fc.property(fc.array(pair, { minLength: 5, maxLength: 8 }), (pairs) => {
        const low = subsetMeans(pairs, 1).lower(0.05);
        if (low === null) throw new Error('expected a limit from five pairs on');
        expect(slowP(pairs, low - 1e-6)).toBeLessThanOrEqual(0.05);
        expect(slowP(pairs, low + 1e-6)).toBeGreaterThan(0.05);
      }),
      { numRuns: 100 },
    );
  });

  it('needs at least five pairs for a limit at 5 %', () => {
    expect(subsetMeans(pairsOf(4, 1, 0, 1), 1).lower(0.05)).toBeNull();
    expect(subsetMeans(pairsOf(5, 1, 0, 1), 1).lower(0.05)).toBeCloseTo(1, 9);
  });

  it('covers with its one-sided 95 % limit, also when subsets are drawn', () => {
    const covered = Array.from({ length: 200 }, (_, seed) => {
      const low = subsetMeans(pairsOf(seed % 2 === 0 ? 10 : 16, 0.3, 1, seed + 1), seed).lower(0.05);
      return low !== null && low <= 0.3 ? 1 : 0;
    });
    // Standard deviation of the share: .015.
    expect(covered.reduce<number>((a, b) => a + b, 0) / 200).toBeGreaterThan(0.9);
  });
});

/** Trials that are played out. The shares need many to be sharp: `npm run test:deep`. */
const [EQUAL, UNEQUAL] = testCases > 1_000 ? [150, 60] : [50, 24];

describe('the looks of a switchback', () => {
  const playOut = (mean: number, seed: number) => testSwitchback(pairsOf(56, mean, 0.056, seed), seed);

  it('errs on an equally good challenger no more often than its design says', () => {
    const wrong = Array.from({ length: EQUAL }, (_, seed) => playOut(0, seed + 1).verdict).filter(
      (v) => v === 'better',
    );
    // One in fifty at most, and three standard deviations.
    const expected = EQUAL / 50;
    expect(wrong.length).toBeLessThanOrEqual(expected + 3 * Math.sqrt(expected));
  });

  it('proves an uplift of .05 within 14 pairs more often than not, and stops a worse challenger early', () => {
    const good = Array.from({ length: UNEQUAL }, (_, seed) => playOut(0.05, seed + 1));
    expect(good.filter(({ verdict, pairs }) => verdict === 'better' && pairs <= 14).length).toBeGreaterThan(
      0.6 * UNEQUAL,
    );
    const bad = Array.from({ length: UNEQUAL }, (_, seed) => playOut(-0.05, seed + 1));
    expect(bad.every(({ verdict }) => verdict === 'worse')).toBe(true);
    expect(bad.filter(({ pairs }) => pairs <= 8).length).toBeGreaterThan(0.75 * UNEQUAL);
  });

  it('gives the same answer whenever it is asked: what was decided at a look stays decided', () => {
    const pairs = pairsOf(80, 0.03, 0.056, 5);
    const last = testSwitchback(pairs, 1);
    expect(last.verdict).not.toBe('open');
    for (let seen = last.pairs; seen <= pairs.length; seen += 7)
      expect(testSwitchback(pairs.slice(0, seen), 1)).toEqual(last);
    expect(testSwitchback(pairs.slice(0, last.pairs - 1), 1).verdict).toBe('open');
  });

  it('ends without a proof after the last look', () => {
    const alternating = Array.from({ length: 80 }, (_, i) => ({ difference: i % 2 === 0 ? 0.06 : -0.05, weight: 1 }));
    expect(testSwitchback(alternating, 1)).toMatchObject({ verdict: 'unproved', pairs: SWITCHBACK_LOOKS.at(-1) });
  });

  it('says nothing before a pair has matured', () => {
    expect(testSwitchback([], 1)).toMatchObject({ verdict: 'open', pairs: 0, uplift: null });
  });
});

describe('the pairs of a switchback', () => {
  /** One decision every two minutes, of two kinds whose utilities lie far apart; the challenger is better by .1. */
  const rows = (hours: number): TrialRow[] =>
    Array.from({ length: hours * 30 }, (_, i) => {
      const decidedAtMs = START + i * 120_000;
      const stratum = seededRandom(i).next() < 0.5 ? 'long' : 'short';
      const uplift = armOf(TRIAL, decidedAtMs).arm === 'linear' ? 0.1 : 0;
      return { decidedAtMs, ended: true, reward: (stratum === 'long' ? -1 : 1) + uplift, stratum };
    });

  it('compares like with like: the mix of the work does not show', () => {
    const pairs = maturedPairs(TRIAL, rows(20), START + 20 * HOUR);
    expect(pairs).toHaveLength(10);
    for (const { difference } of pairs) expect(Math.abs(difference - 0.1)).toBeLessThan(0.01);
  });

  it('leaves the wash-out out', () => {
    const spoilt = rows(6).map((row) => (armOf(TRIAL, row.decidedAtMs).washout ? { ...row, reward: -100 } : row));
    expect(maturedPairs(TRIAL, spoilt, START + 6 * HOUR)).toEqual(maturedPairs(TRIAL, rows(6), START + 6 * HOUR));
  });

  it('waits for the runs of a block, in order, and no longer than its patience', () => {
    const slow = rows(6).map((row) =>
      row.decidedAtMs >= START + 2 * HOUR && row.decidedAtMs < START + 3 * HOUR && row.stratum === 'long'
        ? { ...row, ended: false, reward: null }
        : row,
    );
    expect(maturedPairs(TRIAL, slow, START + 6 * HOUR)).toHaveLength(1);
    // The second pair is left out: of one of its blocks too little is known.
    expect(maturedPairs(TRIAL, slow, START + 60 * HOUR)).toHaveLength(2);
    const mostly = slow.map((row, i) => (i % 7 === 0 ? row : { ...row, ended: true }));
    expect(maturedPairs(TRIAL, mostly, START + 6 * HOUR)).toHaveLength(1);
    expect(maturedPairs(TRIAL, mostly, START + 60 * HOUR)).toHaveLength(3);
  });

  it('leaves pairs with nothing to compare out, and says how many', () => {
    const record = trialRecord(TRIAL);
    for (const row of rows(8)) {
      const inSecondPair = row.decidedAtMs >= START + 2 * HOUR && row.decidedAtMs < START + 4 * HOUR;
      record.decided(row);
      record.ended(row, inSecondPair ? null : row.reward);
    }
    const now = START + 8 * HOUR;
    expect([record.pairs(now).length, record.leftOut(now)]).toEqual([3, 1]);
  });

  it('does not count censored runs, nor blocks that are not over', () => {
    const censored = rows(4).map((row, i) => (i % 2 === 0 ? { ...row, reward: null } : row));
    const pairs = maturedPairs(TRIAL, censored, START + 4 * HOUR - 1);
    expect(pairs).toHaveLength(1);
    expect(pairs[0]?.weight).toBeLessThan(maturedPairs(TRIAL, rows(4), START + 2 * HOUR)[0]?.weight ?? 0);
  });
});
