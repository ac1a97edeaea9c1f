import { describe, expect, test } from 'vitest';
import { EXPLORATION_EPSILON, GATE_ALPHA, GATE_FINAL_ALPHA } from '#shared/defaults.ts';
import { policyEvidence } from '#shared/learning/evaluate/policy-evidence.ts';
import { judgeChecks } from '#shared/learning/gate/judge.ts';
import { sampleSize, supported, uplift } from '#shared/learning/gate/policy-checks.ts';
import { exploringForApprentice, sampleIndex } from '#shared/learning/policy/chances.ts';
import { seededRandom } from '#shared/learning/random.ts';
import { playedOf } from '#shared/learning/record/play.ts';
import type { RewardedDecision } from '#shared/learning/record/recorded.ts';
import { aWorkload } from '#test/support/offers.ts';

const WORKLOAD = aWorkload();
/** The rules like the first, the challenger the second; its beliefs are the contrary of what is when it is worse. */
const SCORES = [1, 0];
const CHALLENGER = [0.02, 0.98];
const EXPECTED = [0.6, 0.7];
const REWARD = 0.6;
const TRIES = 40;

/** What the rules did while the challenger looked on, when it would have earned `better` more. */
function logOf(better: number, rows: number, seed: number): RewardedDecision[] {
  const random = seededRandom(seed);
  const chances = exploringForApprentice(SCORES, CHALLENGER, EXPLORATION_EPSILON);
  return Array.from({ length: rows }, (_, i) => {
    const taken = sampleIndex(chances, random.next());
    return {
      decisionId: `d${i}`,
      decidedAtMs: i,
      workload: WORKLOAD,
      candidates: chances.map((probability, j) => ({
        offer: { usd_per_gpu_hour: 1, latency_ms: 100 },
        features: { set: 's', hash: 'h', numeric: [], categorical: [] },
        ruleScore: SCORES[j] ?? 0,
        probability,
      })),
      taken,
      propensity: chances[taken] ?? 0,
      ended: true,
      reward: random.next() < REWARD + taken * better ? 1 : 0,
    };
  });
}

/** How many of TRIES challengers pass the gate's checks of a policy. */
function passed(better: number, { rows = 3_000, alpha = GATE_ALPHA } = {}): number {
  const verdicts = Array.from({ length: TRIES }, (_, seed) => {
    const log = logOf(better, rows, seed + 1);
    const choices = log.map((decision) => playedOf(decision, CHALLENGER, EXPECTED));
    const sides = { challenger: choices, champion: null, linear: null };
    const evidence = policyEvidence(log, sides, { seed: seed + 1, alpha });
    return judgeChecks([sampleSize(evidence), supported(evidence), uplift('rules', 'the rules', evidence)]).verdict;
  });
  return verdicts.filter((verdict) => verdict === 'promote').length;
}

describe('the gate on a policy, by simulation with fixed seeds', () => {
  test('passes a worse challenger hardly ever, the less the worse it is', () => {
    expect(passed(-0.2)).toBe(0);
    expect(passed(-0.1)).toBeLessThanOrEqual(2);
  });

  test('passes one that is exactly as good no more often than its level says', () => {
    // Three standard deviations of a share over so many tries.
    const atMost = (alpha: number): number => TRIES * (alpha + 3 * Math.sqrt((alpha * (1 - alpha)) / TRIES));
    const [loose, strict] = [passed(0), passed(0, { alpha: GATE_FINAL_ALPHA })];
    expect(loose).toBeLessThanOrEqual(atMost(GATE_ALPHA));
    expect(strict).toBeLessThanOrEqual(atMost(GATE_FINAL_ALPHA));
    expect(strict).toBeLessThan(loose);
  });

  test('passes a better one mostly', () => {
    expect(passed(0.1)).toBeGreaterThan(0.85 * TRIES);
  });

  test('passes nobody on a record that is too short, however good', () => {
    expect(passed(0.3, { rows: 1_000 })).toBe(0);
  });
});
