/** Checks of what is claimed of single attempts: completion, start, price, latency, ready time. */
import {
  CALIBRATION_ERROR_LIMIT,
  CALIBRATION_SLOPE_MAX,
  CALIBRATION_SLOPE_MIN,
  CHAMPION_MARGIN_NATS,
  ERROR_LIMIT_FACTOR,
  ERROR_LIMIT_SLACK,
  MIN_CLASS_ROWS,
} from '#shared/defaults.ts';
import type { Interval } from '../evaluate/bootstrap.ts';
import type { BinaryReport, ErrorReport, Evaluation } from '../evaluate/index.ts';
import { type Check, digits, finiteOrNull } from './check.ts';

type Head = 'start' | 'completion';
/** In the words of the notes: what did not, and what did happen. */
const CLASSES = {
  start: { no: 'failed starts', yes: 'starts' },
  completion: { no: 'failures', yes: 'completed runs' },
} as const satisfies Record<Head, { no: string; yes: string }>;

export function classes(head: Head, report: BinaryReport | null): Check {
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

/** The network has to earn its place beside the learner on its own. */
export function completionOverLinear(report: BinaryReport): Check {
  const gain = report.over_linear;
  return {
    kind: 'proof',
    name: 'completion_over_linear',
    passed: gain === null ? null : gain.low > 0 ? true : gain.high < 0 ? false : null,
    value: finiteOrNull(gain?.low),
    limit: 0,
    note: comparison('completion', 'the linear heads alone', report.challenger, report.linear, gain, 'above 0'),
  };
}

export function completionOverBase(report: BinaryReport | null): Check {
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
export function completionOverChampion(report: BinaryReport | null, champion: string): Check {
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
export function notWorse(head: Head, than: 'base' | 'champion', named: string, report: BinaryReport | null): Check {
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
export const championComparable = ({ champion_skipped: reason }: Evaluation): readonly Check[] =>
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

export function calibrated(head: Head, report: BinaryReport | null): readonly Check[] {
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
export function nearEnough(head: 'price' | 'latency' | 'ready', report: ErrorReport | null): readonly Check[] {
  if (report === null) return [];
  const value = finiteOrNull(report.challenger);
  const limit = finiteOrNull(ERROR_LIMIT_FACTOR * report.base + ERROR_LIMIT_SLACK);
  const passed = value === null || limit === null ? null : value <= limit;
  const note = `${head}: mean error of the logarithm ${digits(value)}, at most ${digits(limit)} is allowed (the base rates err by ${digits(finiteOrNull(report.base))})`;
  return [{ kind: 'fitness', name: `${head}_error`, passed, value, limit, note }];
}
