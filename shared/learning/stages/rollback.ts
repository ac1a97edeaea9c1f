/**
 * Whether what acts earns less than the rules would: on its own newest decisions, by off-policy evaluation of the rules. In place
 * of blocks in which the rules act, which would cost a share of the uplift for good: the floor of exploration keeps every action
 * of the rules in the log, with a known chance.
 */
import {
  GATE_WEIGHT_LIMIT,
  ROLLBACK_DECISIONS,
  ROLLBACK_DEVIATIONS,
  ROLLBACK_MIN_DECISIONS,
} from '#shared/defaults.ts';
import { upliftOf } from '../off-policy/uplift.ts';
import { rulesOver } from '../record/play.ts';
import { type RecordedDecision, rewarded } from '../record/recorded.ts';
import type { Acted } from './book.ts';

export interface RollbackVerdict {
  readonly back: boolean;
  readonly reason: string;
}

/** Null: too few decisions to tell. @param acted in the order of their instants, all by the same actor */
export function rollbackVerdict(acted: readonly Acted[], asOfMs: number, seed: number): RollbackVerdict | null {
  const carrying: ReadonlySet<RecordedDecision> = new Set(
    rewarded(
      acted.map(({ decision }) => decision),
      asOfMs,
    ),
  );
  const rows = acted.flatMap(({ decision, expected }) => {
    const { candidates, taken, propensity, example } = decision;
    if (!carrying.has(decision) || propensity === null || example === null) return [];
    const rules = rulesOver(candidates);
    const v = rules.reduce((sum, p, i) => sum + p * (expected[i] as number), 0);
    return [
      {
        reward: example.utility,
        propensity,
        target: { probability: rules[taken] as number, q: expected[taken] as number, v },
        // What acted has weight 1 everywhere: its estimate is the mean of what it earned.
        other: { probability: propensity, q: 0, v: 0 },
      },
    ];
  });
  const newest = rows.slice(-ROLLBACK_DECISIONS);
  if (newest.length < ROLLBACK_MIN_DECISIONS) return null;
  const found = upliftOf(newest, { seed, alpha: 0.05, clip: GATE_WEIGHT_LIMIT });
  if (found === null) return null;
  const { mean, deviation } = found.dr;
  const back = mean - ROLLBACK_DEVIATIONS * deviation > 0;
  const facts = `${mean.toFixed(4)} with a standard deviation of ${deviation.toFixed(4)} over the last ${newest.length} decisions`;
  return { back, reason: `the rules would have earned more by ${facts} (back past ${ROLLBACK_DEVIATIONS} of them)` };
}
