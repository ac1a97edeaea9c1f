/** What the record says of a challenger as a policy: its uplift over whoever it is compared with, overall and by kind of work. */
import { GATE_WEIGHT_LIMIT, SEGMENT_ALPHA, SEGMENT_MIN_ESS } from '#shared/defaults.ts';
import { type Choice, type LoggedPair, type Uplift, upliftOf } from '../off-policy/uplift.ts';
import { type Played, rulesOver } from '../record/play.ts';
import type { RewardedDecision } from '../record/recorded.ts';

export type Opponent = 'rules' | 'champion' | 'linear';

export interface PolicyEvidence {
  /** Decisions that can carry a judgement. */
  readonly rows: number;
  /** Error of each one-sided limit of the uplifts over all of them. */
  readonly alpha: number;
  /** Null: nobody to compare with, or no rows. */
  readonly over: Readonly<Record<Opponent, Uplift | null>>;
  /** Mean share of the challenger's distribution on actions that the log tries often enough. */
  readonly support: number | null;
  /** By kind of work, where there is evidence: the uplift over the champion, else over the rules. */
  readonly segments: readonly { readonly name: string; readonly uplift: Uplift }[];
}

/** Kinds of work are free text. */
const MAX_SEGMENTS = 32;

type Choices = readonly (Played | null)[];

export interface PolicySides {
  readonly challenger: Choices;
  readonly champion: Choices | null;
  readonly linear: Choices | null;
}

/** @param decisions in order of time; of each side one choice for each */
export function policyEvidence(
  decisions: readonly RewardedDecision[],
  sides: PolicySides,
  { seed, alpha }: { readonly seed: number; readonly alpha: number },
): PolicyEvidence {
  const uplift = (opponent: Opponent, only: (decision: RewardedDecision) => boolean, error = alpha) =>
    upliftOf(
      decisions.flatMap((decision, i) => (only(decision) ? (pairOf(decision, i, sides, opponent) ?? []) : [])),
      { seed, alpha: error, clip: GATE_WEIGHT_LIMIT },
    );
  const everything = (): boolean => true;
  const known = sides.challenger.filter((played) => played !== null);
  const measure: Opponent = sides.champion === null ? 'rules' : 'champion';
  const segments = [...new Set(decisions.map(({ workload }) => workload.workload_type))].sort().flatMap((name) => {
    const found = uplift(measure, ({ workload }) => workload.workload_type === name, SEGMENT_ALPHA);
    return found === null || found.ess < SEGMENT_MIN_ESS ? [] : [{ name, uplift: found }];
  });
  const largest = segments.toSorted((a, b) => b.uplift.rows - a.uplift.rows).slice(0, MAX_SEGMENTS);
  return {
    rows: known.length,
    alpha,
    over: {
      rules: uplift('rules', everything),
      champion: sides.champion === null ? null : uplift('champion', everything),
      linear: sides.linear === null ? null : uplift('linear', everything),
    },
    support: known.length === 0 ? null : known.reduce((sum, { support }) => sum + support, 0) / known.length,
    segments: largest,
  };
}

function pairOf(decision: RewardedDecision, i: number, sides: PolicySides, opponent: Opponent): LoggedPair | null {
  const own = sides.challenger[i] ?? null;
  if (own === null) return null;
  const other = opponent === 'rules' ? rulesChoice(decision, own) : (sides[opponent]?.[i] ?? null);
  if (other === null) return null;
  return { reward: decision.reward, propensity: decision.propensity, target: own, other };
}

/** The rules say no values; the challenger's are as good as any, for the estimator does not depend on them. */
const rulesChoice = ({ candidates, taken }: RewardedDecision, { q, vRules }: Played): Choice => ({
  probability: rulesOver(candidates)[taken] as number,
  q,
  v: vRules,
});
