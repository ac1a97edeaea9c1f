import { setImmediate } from 'node:timers/promises';
import type { Example } from '../example.ts';
import { networkBaselines } from '../fast/network-baseline.ts';
import { HEADS, type TargetScales } from '../heads.ts';
import { HAZARD_LOG_LIMIT } from '../model/objective.ts';
import type { Network } from '../network.ts';

/** What is claimed of each row, one array per quantity. */
export interface Predictions {
  /** P(becomes ready), P(completes). */
  readonly start: Float64Array;
  readonly completion: Float64Array;
  /** log(paid / advertised), log(measured / advertised), log(ms until ready). */
  readonly price: Float64Array;
  readonly latency: Float64Array;
  readonly ready: Float64Array;
  /** False when any raw output was not a number. */
  readonly finite: boolean;
}

/** Rows predicted per turn of the event loop: about 3 ms. */
const ROWS_PER_TURN = 512;

export type Claims = Omit<Predictions, 'finite'>;

export const emptyPredictions = (rows: number): Claims => ({
  start: new Float64Array(rows),
  completion: new Float64Array(rows),
  price: new Float64Array(rows),
  latency: new Float64Array(rows),
  ready: new Float64Array(rows),
});

/** Writes what the raw outputs of an attempt (heads.ts, unscaled) claim of it. Answers whether every one is a number. */
export function predictInto(out: Claims, row: number, { run_hours: hours }: Example, raw: ArrayLike<number>): boolean {
  const z = (head: number): number => raw[head] ?? Number.NaN;
  const start = 1 / (1 + Math.exp(-z(0)));
  out.start[row] = start;
  out.completion[row] = start * survival(z(1), hours);
  out.price[row] = z(2);
  out.latency[row] = z(3);
  out.ready[row] = z(4);
  return HEADS.every((_, head) => Number.isFinite(z(head)));
}

/** @throws RejectedError artefact_incompatible when the rows carry another feature set */
export async function predictionsOf(
  network: Network,
  targets: TargetScales,
  rows: readonly Example[],
): Promise<Predictions> {
  const out = emptyPredictions(rows.length);
  const baselines = networkBaselines(network, targets);
  let finite = true;
  for (let from = 0; from < rows.length; from += ROWS_PER_TURN) {
    if (from > 0) await setImmediate();
    const part = rows.slice(from, from + ROWS_PER_TURN);
    baselines(part.map(({ features }) => features)).forEach((baseline, i) => {
      const raw = baseline === null ? [] : HEADS.map((head) => baseline[head]);
      finite = predictInto(out, from + i, part[i] as Example, raw) && finite;
    });
  }
  return { ...out, finite };
}

/** P(no interruption within the hours) at a constant hazard. */
const survival = (logHazard: number, hours: number): number =>
  Math.exp(-Math.exp(Math.min(logHazard, HAZARD_LOG_LIMIT)) * hours);

/**
 * The same constants for every row, taken from the training rows: the least that a model has to beat. Completion is the plain
 * share of completed runs or the constant hazard over the planned hours, whichever fits the training rows better: a straw man
 * would let a useless model pass.
 */
export function baseRates(training: readonly Example[], rows: readonly Example[]): Predictions {
  const started = training.filter((row) => row.started === 1);
  const completed = training.filter((row) => row.interrupted === 0);
  const start = shareOf(started.length, training.length);
  const share = shareOf(completed.length, training.length);
  const exposed = training.filter((row) => row.exposure_hours !== null);
  const hours = exposed.reduce((sum, row) => sum + (row.exposure_hours ?? 0), 0);
  const events = exposed.filter((row) => row.interrupted === 1).length;
  const logHazard = hours === 0 ? Number.NEGATIVE_INFINITY : Math.log((events + 0.5) / hours);
  const byHazard = (row: Example): number => start * survival(logHazard, row.run_hours);
  const loss = (claim: (row: Example) => number): number =>
    training.reduce((sum, row) => sum + rowLogLoss(claim(row), row.interrupted === 0 ? 1 : 0), 0);
  const completion = loss(byHazard) < loss(() => share) ? byHazard : () => share;
  const out = emptyPredictions(rows.length);
  out.start.fill(start);
  for (const [i, row] of rows.entries()) out.completion[i] = completion(row);
  out.price.fill(median(training.map((row) => row.log_price_ratio)));
  out.latency.fill(median(training.map((row) => row.log_latency_ratio)));
  out.ready.fill(median(training.map((row) => row.log_ready_ms)));
  return { ...out, finite: true };
}

/** Krichevsky-Trofimov: half a row on each side, so that what never happened is not impossible. */
const shareOf = (part: number, whole: number): number => (part + 0.5) / (whole + 1);

/** The constant with the least absolute error. */
function median(values: readonly (number | null)[]): number {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  const middle = known.length >> 1;
  const upper = known[middle] ?? 0;
  return known.length % 2 === 1 ? upper : ((known[middle - 1] ?? upper) + upper) / 2;
}

/** Surer than one in a million is not believed of anyone: one surprise must not decide a comparison. */
const CERTAINTY_LIMIT = 1e-6;

export const believable = (p: number): number => Math.max(CERTAINTY_LIMIT, Math.min(1 - CERTAINTY_LIMIT, p));

/** In nats. */
export function rowLogLoss(p: number, happened: number): number {
  const q = believable(p);
  return -Math.log(happened === 1 ? q : 1 - q);
}
