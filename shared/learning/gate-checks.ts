import {
  CALIBRATION_ERROR_LIMIT,
  CALIBRATION_SLOPE_MAX,
  CALIBRATION_SLOPE_MIN,
  CHAMPION_MARGIN_NATS,
  ERROR_LIMIT_FACTOR,
  ERROR_LIMIT_SLACK,
  MIN_CLASS_ROWS,
  MIN_EXPLORED_ROWS,
  MIN_HOLDOUT_ROWS,
} from '#shared/defaults.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import type { Interval } from './evaluate/bootstrap.ts';
import type { BinaryReport, ErrorReport, Evaluation } from './evaluate/index.ts';

/**
 * What a check that failed means:
 *   soundness  the model is broken: reject
 *   data       the holdout cannot carry a judgement: not enough evidence
 *   proof      the model is shown to be worse: reject (null: nothing is shown either way)
 *   fitness    not good enough yet, which more data may mend: not enough evidence
 */
export type CheckKind = 'soundness' | 'data' | 'proof' | 'fitness';
export type Check = Verdict['checks'][number] & { readonly kind: CheckKind };

type Head = 'start' | 'completion';
/** In the words of the notes: what did not, and what did happen. */
const CLASSES = {
  start: { no: 'failed starts', yes: 'starts' },
  completion: { no: 'failures', yes: 'completed runs' },
} as const satisfies Record<Head, { no: string; yes: string }>;

export function checksOf(evaluation: Evaluation): readonly Check[] {
  const { start, completion, champion } = evaluation;
  return [
    finite(evaluation),
    holdoutRows(evaluation),
    schema(evaluation),
    classes('completion', completion),
    classes('start', start),
    exploration(evaluation),
    completionOverBase(completion),
    notWorse('start', 'base', 'the base rates', start),
    ...(champion === null
      ? []
      : [completionOverChampion(completion, champion), notWorse('start', 'champion', `champion ${champion}`, start)]),
    ...championComparable(evaluation),
    ...calibrated('completion', completion),
    ...calibrated('start', start),
    ...nearEnough('price', evaluation.price),
    ...nearEnough('latency', evaluation.latency),
    ...nearEnough('ready', evaluation.ready),
  ];
}

const finite = ({ finite: passed }: Evaluation): Check => ({
  kind: 'soundness',
  name: 'finite',
  passed,
  value: null,
  limit: null,
  note: passed ? 'finite: every output is a number' : 'finite: an output is not a finite number',
});

const holdoutRows = ({ rows }: Evaluation): Check => ({
  kind: 'data',
  name: 'holdout_rows',
  passed: rows >= MIN_HOLDOUT_ROWS,
  value: rows,
  limit: MIN_HOLDOUT_ROWS,
  note: `holdout: ${rows} rows, at least ${MIN_HOLDOUT_ROWS} are needed`,
});

const schema = ({ rows, refused_rows: refused }: Evaluation): Check => ({
  kind: 'data',
  name: 'schema',
  passed: refused === 0,
  value: refused,
  limit: 0,
  note: `schema: ${refused} of ${rows + refused} holdout rows carry features that are not the model's, or not finite; 0 are allowed`,
});

function classes(head: Head, report: BinaryReport | null): Check {
  const counts = { yes: report?.yes ?? 0, no: report?.no ?? 0 };
  const scarce = counts.no <= counts.yes ? 'no' : 'yes';
  const rows = counts.yes + counts.no;
  const facts = `${counts[scarce]} ${CLASSES[head][scarce]} in ${rows} holdout rows`;
  const need = `at least ${MIN_CLASS_ROWS} are needed`;
  return {
    kind: 'data',
    name: `${head}_classes`,
    passed: counts[scarce] >= MIN_CLASS_ROWS,
    value: counts[scarce],
    limit: MIN_CLASS_ROWS,
    note: counts[scarce] === 0 && rows > 0 ? `${head}: one class only (${facts})` : `${head}: ${facts}, ${need}`,
  };
}

const exploration = ({ rows, explored_rows: explored }: Evaluation): Check => ({
  kind: 'data',
  name: 'exploration',
  passed: explored >= MIN_EXPLORED_ROWS,
  value: explored,
  limit: MIN_EXPLORED_ROWS,
  note: `exploration: ${explored} of ${rows} holdout rows were drawn with a known chance below 1, at least ${MIN_EXPLORED_ROWS} are needed`,
});

function completionOverBase(report: BinaryReport | null): Check {
  const gain = report?.over_base ?? null;
  return {
    kind: 'proof',
    name: 'completion_over_base',
    passed: gain === null ? null : gain.low > 0 ? true : gain.high < 0 ? false : null,
    value: finiteOrNull(gain?.low),
    limit: 0,
    note: comparison('completion', 'the base rates', report?.challenger, report?.base, gain, 'above 0'),
  };
}

/** Better by the point estimate, and not worse by more than the margin with 97.5 % confidence. */
function completionOverChampion(report: BinaryReport | null, champion: string): Check {
  const gain = report?.over_champion ?? null;
  const better = gain !== null && gain.mean > 0 && gain.low > -CHAMPION_MARGIN_NATS;
  return {
    kind: 'proof',
    name: 'completion_over_champion',
    passed: gain === null ? null : better ? true : gain.high < 0 ? false : null,
    value: finiteOrNull(gain?.low),
    limit: -CHAMPION_MARGIN_NATS,
    note: comparison(
      'completion',
      `champion ${champion}`,
      report?.challenger,
      report?.champion,
      gain,
      `above ${-CHAMPION_MARGIN_NATS} with a mean above 0`,
    ),
  };
}

/** Completion decides; beside it the start head must only not be clearly worse. */
function notWorse(head: Head, than: 'base' | 'champion', named: string, report: BinaryReport | null): Check {
  const gain = (than === 'base' ? report?.over_base : report?.over_champion) ?? null;
  return {
    kind: 'proof',
    name: `${head}_over_${than}`,
    passed: gain === null ? null : Number.isFinite(gain.high) ? gain.high >= 0 : null,
    value: finiteOrNull(gain?.high),
    limit: 0,
    note: comparison(head, named, report?.challenger, report?.[than], gain, 'not wholly below 0'),
  };
}

function comparison(
  head: Head,
  named: string,
  own: { readonly log_loss: number } | undefined,
  other: { readonly log_loss: number } | null | undefined,
  gain: Interval | null,
  need: string,
): string {
  if (own === undefined || other === undefined || other === null || gain === null)
    return `${head}: nothing to compare with ${named}`;
  const direction = gain.mean >= 0 ? 'better' : 'worse';
  return `${head}: log-loss ${digits(own.log_loss)} against ${digits(other.log_loss)} of ${named}, ${direction} by ${digits(Math.abs(gain.mean))} (95 % interval of the gain ${digits(gain.low)} to ${digits(gain.high)}; needed: ${need})`;
}

/** A champion that this build cannot run does not serve either: nothing to be better than. */
const championComparable = ({ champion_skipped: reason }: Evaluation): readonly Check[] =>
  reason === null
    ? []
    : [
        {
          kind: 'fitness',
          name: 'champion_comparable',
          passed: true,
          value: null,
          limit: null,
          note: `champion: not compared, because it cannot run here (${reason})`,
        },
      ];

function calibrated(head: Head, report: BinaryReport | null): readonly Check[] {
  const calibration = report?.calibration ?? null;
  const limit = calibration === null ? null : finiteOrNull(CALIBRATION_ERROR_LIMIT + calibration.noise);
  const error = finiteOrNull(calibration?.error);
  const slope = finiteOrNull(calibration?.slope);
  return [
    {
      kind: 'fitness',
      name: `${head}_calibration_error`,
      passed: error === null || limit === null ? null : error <= limit,
      value: error,
      limit,
      note: `${head}: calibration error ${digits(error)}, at most ${digits(limit)} is allowed on as many rows`,
    },
    {
      kind: 'fitness',
      name: `${head}_calibration_slope`,
      passed: slope === null ? null : slope >= CALIBRATION_SLOPE_MIN && slope <= CALIBRATION_SLOPE_MAX,
      value: slope,
      limit: slope !== null && slope > 1 ? CALIBRATION_SLOPE_MAX : CALIBRATION_SLOPE_MIN,
      note: `${head}: calibration slope ${digits(slope)}, ${CALIBRATION_SLOPE_MIN} to ${CALIBRATION_SLOPE_MAX} is allowed`,
    },
  ];
}

/** The other parts of the utility, which completion says nothing of: a wild price head would steer as wildly as a wild completion. */
function nearEnough(head: 'price' | 'latency' | 'ready', report: ErrorReport | null): readonly Check[] {
  if (report === null) return [];
  const value = finiteOrNull(report.challenger);
  const limit = finiteOrNull(ERROR_LIMIT_FACTOR * report.base + ERROR_LIMIT_SLACK);
  const passed = value === null || limit === null ? null : value <= limit;
  const note = `${head}: mean error of the logarithm ${digits(value)}, at most ${digits(limit)} is allowed (the base rates err by ${digits(finiteOrNull(report.base))})`;
  return [{ kind: 'fitness', name: `${head}_error`, passed, value, limit, note }];
}

/** A number that is not finite is not JSON. */
export const finiteOrNull = (value: number | null | undefined): number | null =>
  value !== null && value !== undefined && Number.isFinite(value) ? value : null;

const digits = (value: number | null): string => (value === null ? 'unknown' : value.toFixed(3));
