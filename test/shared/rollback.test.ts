import { describe, expect, test } from 'vitest';
import { GATE_WEIGHT_LIMIT, ROLLBACK_WINDOWS } from '#shared/defaults.ts';
import { sampleIndex } from '#shared/learning/policy/chances.ts';
import { seededRandom } from '#shared/learning/random.ts';
import type { ValuedDecision } from '#shared/learning/record/recorded.ts';
import { whyGoBack } from '#shared/learning/stages/rollback.ts';
import { testCases } from '#test/support/cases.ts';
import { aWorkload } from '#test/support/offers.ts';

const WORKLOAD = aWorkload({ gpu_hours: 1, gpu_count: 1 });
const MINUTE_MS = 60_000;
const LATER_MS = 10_000 * MINUTE_MS + 86_400_000;

interface Life {
  readonly count: number;
  readonly seed: number;
  /** P(reward 1) of the first candidate and of the second, which the rules prefer. */
  readonly truth: readonly [number, number];
  /** What is expected of them. */
  readonly expected: readonly [number, number];
  /** With which they are taken. */
  readonly chances: readonly [number, number];
}

function lived({ count, seed, truth, expected, chances }: Life): ValuedDecision[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const taken = sampleIndex(chances, random.next());
    return {
      decisionId: `d${i}`,
      decidedAtMs: i * MINUTE_MS,
      workload: WORKLOAD,
      candidates: chances.map((probability, j) => ({
        offer: { usd_per_gpu_hour: 1, latency_ms: 100 },
        features: { set: 's', hash: 'h', numeric: [], categorical: [] },
        ruleScore: j,
        probability,
      })),
      taken,
      propensity: chances[taken] ?? null,
      ended: true,
      reward: random.next() < (truth[taken] ?? 0) ? 1 : 0,
      expected,
    };
  });
}

/** A hundred in `npm run test:deep`. */
const HISTORIES = testCases > 1_000 ? 100 : 30;

const LIKES_FIRST: Life = { count: 2_000, seed: 1, truth: [0.7, 0.7], expected: [0.7, 0.6], chances: [0.95, 0.05] };
const rulesEarn = (share: number, count = 5_000) =>
  lived({ count, seed: 77, truth: [share, share], expected: [share, share], chances: [0.5, 0.5] });

describe('whether what acts goes back', () => {
  test(`not while it is as good: over ${HISTORIES} histories of 2,000 decisions, looked at in each window`, () => {
    const alarms = Array.from({ length: HISTORIES }, (_, seed) =>
      whyGoBack(lived({ ...LIKES_FIRST, seed: seed + 1 }), rulesEarn(0.7), LATER_MS, 1),
    ).filter((why) => why !== null);
    expect(alarms).toEqual([]);
  });

  test('nor while it is better, however little the rules would have been tried', () => {
    const sure = {
      ...LIKES_FIRST,
      truth: [0.8, 0.6],
      chances: [1 - 1 / GATE_WEIGHT_LIMIT, 1 / GATE_WEIGHT_LIMIT],
    } as const;
    expect(whyGoBack(lived(sure), rulesEarn(0.6), LATER_MS, 1)).toBeNull();
  });

  test('when the rules would have earned more, by what its exploration shows', () => {
    const wrong = { ...LIKES_FIRST, truth: [0.3, 0.95] } as const;
    expect(whyGoBack(lived(wrong), [], LATER_MS, 1)).toMatch(
      /^the rules would have earned more by 0\.\d+ \(standard deviation 0\.\d+\) over the last \d+ decisions$/,
    );
  });

  test('where it never tries what they would do: when it earns less than it expects, and less than they did', () => {
    const greedy = { ...LIKES_FIRST, truth: [0.3, 0.7], chances: [1, 0] } as const;
    expect(whyGoBack(lived(greedy), rulesEarn(0.7), LATER_MS, 1)).toMatch(
      /^it earned less than expected by 0\.[34]\d* /,
    );
    // It earns what it expects: then the work has become harder for everybody.
    expect(whyGoBack(lived({ ...greedy, expected: [0.3, 0.2] }), rulesEarn(0.7), LATER_MS, 1)).toBeNull();
    // They earned no more.
    expect(whyGoBack(lived(greedy), rulesEarn(0.3), LATER_MS, 1)).toBeNull();
    // Nobody knows what they earned.
    expect(whyGoBack(lived(greedy), rulesEarn(0.7, 10), LATER_MS, 1)).toBeNull();
  });

  test('a slight loss shows in a long window alone', () => {
    const slight = { ...LIKES_FIRST, truth: [0.63, 0.7], chances: [1, 0], expected: [0.7, 0.6] } as const;
    const [shortest = 0] = ROLLBACK_WINDOWS;
    expect(whyGoBack(lived({ ...slight, count: shortest }), rulesEarn(0.7), LATER_MS, 1)).toBeNull();
    expect(whyGoBack(lived(slight), rulesEarn(0.7), LATER_MS, 1)).toMatch(/over the last (800|2000) decisions/);
  });

  test('on runs that could all have ended, and on no fewer than the shortest window', () => {
    const wrong = lived({ ...LIKES_FIRST, truth: [0.2, 0.95] });
    expect(whyGoBack(wrong, [], 60 * MINUTE_MS, 1)).toBeNull();
    expect(whyGoBack(wrong.slice(0, (ROLLBACK_WINDOWS[0] ?? 0) - 1), [], LATER_MS, 1)).toBeNull();
  });
});
