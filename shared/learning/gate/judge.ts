import { GATE_FINAL_ALPHA } from '#shared/defaults.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import type { BinaryReport, ErrorReport, Evaluation } from '../evaluate/index.ts';
import type { Opponent, PolicyEvidence } from '../evaluate/policy-evidence.ts';
import type { Uplift } from '../off-policy/uplift.ts';
import { type Check, type CheckKind, finiteOrNull } from './check.ts';
import { checksOf } from './checks.ts';

export interface GateInput {
  readonly evaluation: Evaluation;
  /** RFC 3339, world time. */
  readonly decidedAt: string;
  /** p99 of valuing eight candidates, milliseconds; null: not measured. */
  readonly scoringMs: number | null;
}

/**
 * Evaluation -> verdict, pure. A broken model is rejected; a holdout that cannot carry a judgement gives none, whatever the
 * comparisons say; clearly worse is rejected; promotion needs every check; all else waits for more evidence.
 */
export function judge({ evaluation, decidedAt, scoringMs }: GateInput): Verdict {
  return {
    ...judgeChecks(checksOf(evaluation, scoringMs)),
    metrics: metricsOf(evaluation),
    decided_at: decidedAt,
    compared_with: evaluation.champion,
  };
}

/** Whether a promotion says that no trial is needed: its limits erred as seldom as that takes. Older verdicts all did. */
export const isFinal = ({ verdict, metrics }: Pick<Verdict, 'verdict' | 'metrics'>): boolean =>
  verdict === 'promote' && (metrics['uplift_alpha'] ?? GATE_FINAL_ALPHA) <= GATE_FINAL_ALPHA;

/** What checks come to together. */
export function judgeChecks(checks: readonly Check[]): Pick<Verdict, 'verdict' | 'reasons' | 'checks'> {
  const kind = verdictOf(checks);
  return { verdict: kind, reasons: reasonsOf(kind, checks), checks: checks.map(({ kind: _, ...check }) => check) };
}

/** A verdict on what could not be evaluated, with its one reason. Nobody promotes that. */
export const unevaluated = (
  kind: Exclude<Verdict['verdict'], 'promote'>,
  reason: string,
  decidedAt: string,
): Verdict => ({
  verdict: kind,
  reasons: [reason.slice(0, MAX_REASON)],
  checks: [],
  metrics: {},
  decided_at: decidedAt,
  compared_with: null,
});

/** Of a reason in a verdict. */
const MAX_REASON = 1_024;

function verdictOf(checks: readonly Check[]): Verdict['verdict'] {
  const fails = (kind: CheckKind): boolean => checks.some((check) => check.kind === kind && check.passed === false);
  if (fails('soundness')) return 'reject';
  if (fails('data')) return 'not-enough-evidence';
  if (fails('proof')) return 'reject';
  return checks.every(({ passed }) => passed === true) ? 'promote' : 'not-enough-evidence';
}

const WEIGHT: readonly CheckKind[] = ['soundness', 'data', 'proof', 'fitness'];

/** What was shown, for a promotion; else what stands in its way: failed before open, and by weight of the kind. */
function reasonsOf(verdict: Verdict['verdict'], checks: readonly Check[]): string[] {
  const rank = ({ kind, passed }: Check): number => WEIGHT.indexOf(kind) + (passed === false ? 0 : WEIGHT.length);
  const telling =
    verdict === 'promote'
      ? checks.filter(({ kind }) => kind === 'proof')
      : checks.filter(({ passed }) => passed !== true).toSorted((a, b) => rank(a) - rank(b));
  return telling.map(({ note }) => note);
}

function metricsOf(evaluation: Evaluation): Verdict['metrics'] {
  const { start, completion, price, latency, ready } = evaluation;
  const metrics = {
    training_rows: evaluation.training_rows,
    holdout_rows: evaluation.rows,
    explored_rows: evaluation.explored_rows,
    ...binaryMetrics('start', start),
    ...binaryMetrics('completion', completion),
    ...errorMetrics('log_price_ratio', price),
    ...errorMetrics('log_latency_ratio', latency),
    ...errorMetrics('log_ready', ready),
    uplift_alpha: evaluation.policy?.alpha,
    ...policyMetrics(evaluation.policy),
    drift_index: evaluation.drift?.index,
  };
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, finiteOrNull(value)]));
}

type Metrics = Record<string, number | null | undefined>;

const binaryMetrics = (head: string, report: BinaryReport | null): Metrics => ({
  [`${head}_log_loss`]: report?.challenger.log_loss,
  [`${head}_log_loss_base`]: report?.base.log_loss,
  [`${head}_log_loss_champion`]: report?.champion?.log_loss,
  [`${head}_log_loss_linear`]: report?.linear?.log_loss,
  [`${head}_log_loss_network`]: report?.network?.log_loss,
  [`${head}_brier`]: report?.challenger.brier,
  [`${head}_brier_base`]: report?.base.brier,
  [`${head}_calibration_error`]: report?.calibration.error,
  [`${head}_calibration_slope`]: report?.calibration.slope,
});

const errorMetrics = (head: string, report: ErrorReport | null): Metrics => ({
  [`${head}_mae`]: report?.challenger,
  [`${head}_mae_base`]: report?.base,
  [`${head}_mae_champion`]: report?.champion,
  [`${head}_mae_linear`]: report?.linear,
  [`${head}_mae_network`]: report?.network,
});

const policyMetrics = (policy: PolicyEvidence | null): Metrics => ({
  off_policy_rows: policy?.rows,
  effective_sample_size: policy?.over.rules?.ess,
  max_weight: policy?.over.rules?.max_weight,
  support: policy?.support,
  ...upliftMetrics('rules', policy?.over.rules),
  ...upliftMetrics('champion', policy?.over.champion),
  ...upliftMetrics('linear', policy?.over.linear),
});

const upliftMetrics = (opponent: Opponent, uplift: Uplift | null | undefined): Metrics => ({
  [`uplift_over_${opponent}`]: uplift?.dr.mean,
  [`uplift_over_${opponent}_low`]: uplift?.dr.low,
  [`uplift_over_${opponent}_high`]: uplift?.dr.high,
  [`uplift_over_${opponent}_snips`]: uplift?.snips?.mean,
});
