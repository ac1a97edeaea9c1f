/**
 * Whether what acts earns less than the rules would. Two ways to see it, each with confidence far past chance:
 *   on its own newest decisions, by off-policy evaluation of the rules, as far as its exploration tries what they would do;
 *   and where it is so sure of itself that it never does: it earns less than it expects, and less than the rules earned on the same
 *   kinds of work when they last acted.
 * Letting the rules act in blocks for good would see more, and cost a share of the uplift for good.
 */
import {
  GATE_WEIGHT_LIMIT,
  ROLLBACK_DEVIATIONS,
  ROLLBACK_RULES_DECISIONS,
  ROLLBACK_WINDOWS,
} from '#shared/defaults.ts';
import { upliftOf } from '../off-policy/uplift.ts';
import { rulesOver } from '../record/play.ts';
import { type RecordedDecision, type RewardedDecision, rewarded, type ValuedDecision } from '../record/recorded.ts';

type Row = RewardedDecision & ValuedDecision;

/**
 * Why to go back; null: no reason, or too few decisions to tell.
 * @param own newest decisions of what acts, and `rules` those that the rules made, both in the order of their instants
 */
export function whyGoBack(
  own: readonly ValuedDecision[],
  rules: readonly RecordedDecision[],
  asOfMs: number,
  seed: number,
): string | null {
  // Decisions on which nothing was explored carry no weight off policy; what they earned counts all the same, and they are few.
  const rows = rewarded(own, asOfMs);
  const theirs = rewarded(rules, asOfMs).slice(-ROLLBACK_RULES_DECISIONS);
  for (const window of ROLLBACK_WINDOWS) {
    const newest = rows.slice(-window);
    if (newest.length < window) return null;
    const why = byEvaluation(newest, seed) ?? byRecord(newest, theirs);
    if (why !== null) return why;
  }
  return null;
}

function byEvaluation(rows: readonly Row[], seed: number): string | null {
  const found = upliftOf(
    rows.map(({ candidates, taken, propensity, example, expected }) => {
      const rules = rulesOver(candidates);
      return {
        reward: example.utility,
        propensity,
        target: { probability: rules[taken] as number, q: expected[taken] as number, v: weighed(rules, expected) },
        // What acted has weight 1 everywhere: its estimate is the mean of what it earned.
        other: { probability: propensity, q: 0, v: 0 },
      };
    }),
    { seed, alpha: 0.05, clip: GATE_WEIGHT_LIMIT },
  );
  if (found === null || found.dr.mean <= ROLLBACK_DEVIATIONS * found.dr.deviation) return null;
  return `the rules would have earned more by ${figures(found.dr)} over the last ${rows.length} decisions`;
}

interface Mean {
  readonly mean: number;
  /** Standard deviation of the mean. */
  readonly deviation: number;
}

function byRecord(rows: readonly Row[], rules: readonly RewardedDecision[]): string | null {
  if (rules.length < (ROLLBACK_WINDOWS[0] ?? 0)) return null;
  const surprise = meanOf(
    rows.map(
      ({ candidates, example, expected }) =>
        example.utility -
        weighed(
          candidates.map(({ probability }) => probability),
          expected,
        ),
    ),
  );
  if (surprise.mean >= -ROLLBACK_DEVIATIONS * surprise.deviation) return null;
  const behind = lag(rows, rules);
  if (behind === null || behind.mean <= ROLLBACK_DEVIATIONS * behind.deviation) return null;
  return `it earned less than expected by ${figures({ ...surprise, mean: -surprise.mean })} over the last ${rows.length} decisions, and less than the rules had by ${figures(behind)}`;
}

/** How much more the rules earned, kind of work by kind of work, in the mix of what acts. Null: no kind in common. */
function lag(rows: readonly RewardedDecision[], rules: readonly RewardedDecision[]): Mean | null {
  const kindOf = ({ workload }: RewardedDecision): string => workload.workload_type;
  const theirs = Map.groupBy(rules, kindOf);
  let [mean, variance, weight] = [0, 0, 0];
  for (const [kind, mine] of Map.groupBy(rows, kindOf)) {
    const other = theirs.get(kind) ?? [];
    if (Math.min(mine.length, other.length) < 2) continue;
    const [own, its] = [mine, other].map((of) => meanOf(of.map(({ example }) => example.utility))) as [Mean, Mean];
    mean += mine.length * (its.mean - own.mean);
    variance += mine.length ** 2 * (own.deviation ** 2 + its.deviation ** 2);
    weight += mine.length;
  }
  return weight === 0 ? null : { mean: mean / weight, deviation: Math.sqrt(variance) / weight };
}

function meanOf(values: readonly number[]): Mean {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return { mean, deviation: Math.sqrt(variance / values.length) };
}

const weighed = (probabilities: readonly number[], values: readonly number[]): number =>
  probabilities.reduce((sum, p, i) => sum + p * (values[i] as number), 0);

const figures = ({ mean, deviation }: Mean): string =>
  `${mean.toFixed(3)} (standard deviation ${deviation.toFixed(3)})`;
