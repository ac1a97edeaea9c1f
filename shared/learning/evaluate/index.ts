import type { Features } from '#shared/domain/features.ts';
import type { Example } from '../example.ts';
import { blockBootstrap, type Interval } from './bootstrap.ts';
import { type Calibration, calibrationOf } from './calibration.ts';
import type { DriftReport } from './drift.ts';
import type { PolicyEvidence } from './policy-evidence.ts';
import { baseRates, believable, type Predictions, rowLogLoss } from './predictions.ts';

interface Losses {
  /** Mean, in nats. */
  readonly log_loss: number;
  readonly brier: number;
}

/** A yes-or-no quantity: became ready, completed. Gains are differences of log-loss, positive = the challenger is better. */
export interface BinaryReport {
  readonly yes: number;
  readonly no: number;
  readonly challenger: Losses;
  readonly calibration: Calibration;
  readonly base: Losses;
  readonly over_base: Interval;
  readonly champion: Losses | null;
  readonly over_champion: Interval | null;
  /** The learner on its own; null: it is the challenger, or was not asked. */
  readonly linear: Losses | null;
  readonly over_linear: Interval | null;
  /** The challenger's network without the learner. */
  readonly network: Losses | null;
}

/** Mean absolute error of a logarithm. */
export interface ErrorReport {
  readonly rows: number;
  readonly challenger: number;
  readonly base: number;
  readonly champion: number | null;
  readonly linear: number | null;
  readonly network: number | null;
}

export interface Evaluation {
  /** A version, or `linear`. */
  readonly version: string;
  readonly champion: string | null;
  /** Why the champion in office could not be compared. */
  readonly champion_skipped: string | null;
  readonly training_rows: number;
  readonly rows: number;
  /** Holdout rows left out, because their features are not this model's or not finite. */
  readonly refused_rows: number;
  /** Rows whose action was drawn: 0 < propensity < 1. */
  readonly explored_rows: number;
  /** Every output of the challenger is a number. */
  readonly finite: boolean;
  /** Null without rows. */
  readonly start: BinaryReport | null;
  readonly completion: BinaryReport | null;
  readonly price: ErrorReport | null;
  readonly latency: ErrorReport | null;
  readonly ready: ErrorReport | null;
  /** Null: it was not asked for. */
  readonly policy: PolicyEvidence | null;
  readonly drift: DriftReport | null;
}

/** What is claimed of the same rows by everybody who is compared. */
export interface Claimants {
  readonly challenger: Predictions;
  readonly champion: Predictions | null;
  readonly linear: Predictions | null;
  readonly network: Predictions | null;
}

export interface EvaluationInput {
  readonly version: string;
  /** For the base rates. */
  readonly training: readonly Example[];
  /** Rows that the challenger had not seen when it spoke of them, in order. */
  readonly rows: readonly Example[];
  readonly refused_rows: number;
  readonly claims: Claimants;
  readonly champion: string | null;
  readonly champion_skipped: string | null;
  readonly policy: PolicyEvidence | null;
  readonly drift: DriftReport | null;
  /** Of the bootstrap. */
  readonly seed: number;
}

/** Claims and what happened -> the facts that the gate judges by. Pure. */
export function evaluate(input: EvaluationInput): Evaluation {
  const { version, training, rows, claims, champion, policy, drift, seed } = input;
  const sides: Sides = { ...claims, base: baseRates(training, rows), seed };
  const started = Uint8Array.from(rows, (row) => row.started);
  const completed = Uint8Array.from(rows, (row) => (row.interrupted === 0 ? 1 : 0));
  const error = (head: ErrorHead, actual: (row: Example) => number | null): ErrorReport | null =>
    errorReport(head, rows.map(actual), sides);
  return {
    version,
    champion: claims.champion === null ? null : champion,
    champion_skipped: input.champion_skipped,
    training_rows: training.length,
    rows: rows.length,
    refused_rows: input.refused_rows,
    explored_rows: rows.filter(({ propensity: p }) => p !== null && p > 0 && p < 1).length,
    finite: claims.challenger.finite,
    start: binaryReport('start', started, sides),
    completion: binaryReport('completion', completed, sides),
    price: error('price', (row) => row.log_price_ratio),
    latency: error('latency', (row) => row.log_latency_ratio),
    ready: error('ready', (row) => row.log_ready_ms),
    policy,
    drift,
  };
}

type ErrorHead = 'price' | 'latency' | 'ready';

interface Sides extends Claimants {
  readonly base: Predictions;
  readonly seed: number;
}

/** Whether a row's features are of the set that is spoken of, and finite. */
export const usable = ({ features }: Example, set: Pick<Features, 'set' | 'hash'>, shape: EncodingShape): boolean =>
  features.set === set.set &&
  features.hash === set.hash &&
  features.numeric.length === shape.numeric.length &&
  features.categorical.length === shape.categorical.length &&
  features.numeric.every(Number.isFinite);

/** Of which only the lengths count. */
interface EncodingShape {
  readonly numeric: readonly unknown[];
  readonly categorical: readonly unknown[];
}

function binaryReport(head: 'start' | 'completion', happened: Uint8Array, sides: Sides): BinaryReport | null {
  const losses = (claims: Predictions | null): Float64Array | null =>
    claims === null ? null : rowLosses(claims[head], happened);
  const means = (claims: Predictions | null, of: Float64Array | null): Losses | null =>
    claims === null || of === null ? null : lossesOf(of, claims[head], happened);
  const own = rowLosses(sides.challenger[head], happened);
  const base = rowLosses(sides.base[head], happened);
  const overBase = gain(own, base, sides.seed);
  const calibration = calibrationOf(sides.challenger[head].map(believable), happened);
  if (overBase === null || calibration === null) return null;
  const [champion, linear, network] = [losses(sides.champion), losses(sides.linear), losses(sides.network)];
  const yes = happened.reduce((sum, value) => sum + value, 0);
  return {
    yes,
    no: happened.length - yes,
    challenger: lossesOf(own, sides.challenger[head], happened),
    calibration,
    base: lossesOf(base, sides.base[head], happened),
    over_base: overBase,
    champion: means(sides.champion, champion),
    over_champion: champion === null ? null : gain(own, champion, sides.seed),
    linear: means(sides.linear, linear),
    over_linear: linear === null ? null : gain(own, linear, sides.seed),
    network: means(sides.network, network),
  };
}

const rowLosses = (claims: Float64Array, happened: Uint8Array): Float64Array =>
  claims.map((p, i) => rowLogLoss(p, happened[i] ?? 0));

/** Paired: row by row, so that what is hard for both cancels. */
const gain = (own: Float64Array, other: Float64Array, seed: number): Interval | null =>
  blockBootstrap(
    other.map((loss, i) => loss - (own[i] ?? 0)),
    seed,
  );

function lossesOf(losses: Float64Array, claims: Float64Array, happened: Uint8Array): Losses {
  const squares = claims.map((p, i) => (p - (happened[i] ?? 0)) ** 2);
  return { log_loss: mean(losses), brier: mean(squares) };
}

function errorReport(head: ErrorHead, actual: readonly (number | null)[], sides: Sides): ErrorReport | null {
  const known = actual.flatMap((value, row) => (value === null ? [] : [{ value, row }]));
  if (known.length === 0) return null;
  const errorOf = (claims: Predictions): number =>
    mean(Float64Array.from(known, ({ value, row }) => Math.abs((claims[head][row] ?? Number.NaN) - value)));
  const unlessNull = (claims: Predictions | null): number | null => (claims === null ? null : errorOf(claims));
  return {
    rows: known.length,
    challenger: errorOf(sides.challenger),
    base: errorOf(sides.base),
    champion: unlessNull(sides.champion),
    linear: unlessNull(sides.linear),
    network: unlessNull(sides.network),
  };
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
