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
import {
  finished,
  isExplored,
  type RecordedDecision,
  type RewardedDecision,
  type ValuedDecision,
} from '../record/recorded.ts';

type Finished<D extends RecordedDecision = RecordedDecision> = D & { readonly reward: number };

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
  // Decisions on which nothing was explored carry no weight off policy; what they earned counts all the same.
  const rows = finished(own, asOfMs);
  const theirs = finished(rules, asOfMs).slice(-ROLLBACK_RULES_DECISIONS);
  for (const window of ROLLBACK_WINDOWS) {
    const newest = rows.slice(-window);
    if (newest.length < window) return null;
    const why = byEvaluation(newest.filter(isExplored), seed) ?? byRecord(newest, theirs);
    if (why !== null) return why;
  }
  return null;
}

function byEvaluation(rows: readonly (ValuedDecision & RewardedDecision)[], seed: number): string | null {
  const found = upliftOf(
    rows.map(({ candidates, taken, propensity, reward, expected }) => {
      const rules = rulesOver(candidates);
      return {
        reward,
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

function byRecord(rows: readonly Finished<ValuedDecision>[], rules: readonly Finished[]): string | null {
  if (rules.length < (ROLLBACK_WINDOWS[0] ?? 0)) return null;
  const surprise = meanOf(
    rows.map(
      ({ candidates, reward, expected }) =>
        reward -
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
function lag(rows: readonly Finished[], rules: readonly Finished[]): Mean | null {
  const kindOf = ({ workload }: Finished): string => workload.workload_type;
  const theirs = Map.groupBy(rules, kindOf);
  let [mean, variance, weight] = [0, 0, 0];
  for (const [kind, mine] of Map.groupBy(rows, kindOf)) {
    const other = theirs.get(kind) ?? [];
    if (Math.min(mine.length, other.length) < 2) continue;
    const [own, its] = [mine, other].map((of) => meanOf(of.map(({ reward }) => reward))) as [Mean, Mean];
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
