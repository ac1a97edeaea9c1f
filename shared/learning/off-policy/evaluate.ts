/**
 * What a target policy would have earned, from the log of others. In: logged decisions in any order. Out: each estimate with
 * its 95 % percentile bootstrap interval (Efron 1979), the effective sample size, and the largest weight. Seeded: the same
 * log, options and seed give the same bytes.
 */
import { seededRandom } from '../random.ts';
import {
  type ColumnSums,
  type Columns,
  columnsOf,
  ESTIMATORS,
  type Estimator,
  effectiveSampleSize,
  estimate,
} from './estimators.ts';
import type { Logged } from './logged.ts';

export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface Evaluation {
  readonly n: number;
  /** Null: the log lacks what the estimator needs. */
  readonly estimators: Readonly<Record<Estimator, Interval | null>>;
  readonly ess: number;
  /** Before clipping. */
  readonly max_weight: number;
  readonly clipped: number;
  /** Weight above which switch-DR trusts the model. */
  readonly switch_threshold: number | null;
}

export interface EvaluationOptions {
  readonly seed: number;
  /** Largest weight; default none. */
  readonly clip?: number;
  /** Default 1,000. */
  readonly resamples?: number;
}

const RESAMPLES = 1_000;
const TAIL = 0.025;
/** Past it rows are resampled in this many groups of neighbours: the interval is the same, its cost bounded. */
const MAX_UNITS = 20_000;

/** @throws RangeError an empty log */
export function evaluate(log: readonly Logged[], options: EvaluationOptions): Evaluation {
  if (log.length === 0) throw new RangeError('off-policy evaluation: expected at least one logged decision, got none');
  const clip = options.clip ?? Number.POSITIVE_INFINITY;
  const columns = columnsOf(log, clip);
  const raw = Float64Array.from(log, (row) => row.targetProbability / row.propensity);
  const whole = sumOver(columns);
  const drawn = bootstrap(columns, options.seed, options.resamples ?? RESAMPLES);
  const interval = (estimator: Estimator): Interval | null => {
    const value = estimate(estimator, whole);
    if (value === null) return null;
    const values = Float64Array.from(drawn.map((sums) => estimate(estimator, sums)).filter((v) => v !== null)).sort();
    const at = (share: number): number => values[Math.round(share * (values.length - 1))] ?? value;
    return { value, low: at(TAIL), high: at(1 - TAIL) };
  };
  return {
    n: log.length,
    estimators: Object.fromEntries(ESTIMATORS.map((name) => [name, interval(name)])) as Evaluation['estimators'],
    ess: effectiveSampleSize(columns.weights),
    max_weight: raw.reduce((most, w) => Math.max(most, w), 0),
    clipped: raw.filter((w) => w > clip).length,
    switch_threshold: columns.threshold,
  };
}

interface Units {
  readonly count: number;
  readonly sums: readonly (Float64Array | null)[];
}

const COLUMN_NAMES = ['weights', 'weighted', 'direct', 'doublyRobust', 'switched'] as const;

function sumOver(columns: Columns): ColumnSums {
  const sum = (values: Float64Array | null): number | null => values?.reduce((a, b) => a + b, 0) ?? null;
  return {
    n: columns.n,
    weights: sum(columns.weights) ?? 0,
    weighted: sum(columns.weighted) ?? 0,
    direct: sum(columns.direct),
    doublyRobust: sum(columns.doublyRobust),
    switched: sum(columns.switched),
  };
}

function unitsOf(columns: Columns): Units & { readonly rows: Float64Array } {
  const count = Math.min(MAX_UNITS, columns.n);
  const unitOf = (row: number): number => Math.floor((row * count) / columns.n);
  const grouped = (values: Float64Array | null): Float64Array | null => {
    if (values === null || count === columns.n) return values;
    const sums = new Float64Array(count);
    values.forEach((value, row) => {
      const unit = unitOf(row);
      sums[unit] = (sums[unit] as number) + value;
    });
    return sums;
  };
  return {
    count,
    sums: COLUMN_NAMES.map((name) => grouped(columns[name])),
    rows: grouped(new Float64Array(columns.n).fill(1)) as Float64Array,
  };
}

function bootstrap(columns: Columns, seed: number, resamples: number): readonly ColumnSums[] {
  const units = unitsOf(columns);
  const random = seededRandom(seed);
  // Numbers alone, in one array: quicker than totals that may be null.
  const columnsOfUnits = units.sums.map((sums) => sums ?? new Float64Array(units.count));
  const totals = new Float64Array(columnsOfUnits.length);
  return Array.from({ length: resamples }, () => {
    totals.fill(0);
    let n = 0;
    for (let draw = 0; draw < units.count; draw++) {
      const unit = random.below(units.count);
      n += units.rows[unit] as number;
      for (let c = 0; c < totals.length; c++)
        totals[c] = (totals[c] as number) + ((columnsOfUnits[c] as Float64Array)[unit] as number);
    }
    const sums = units.sums.map((known, c) => (known === null ? null : (totals[c] as number)));
    const [weights, weighted, direct, doublyRobust, switched] = sums;
    return {
      n,
      weights: weights ?? 0,
      weighted: weighted ?? 0,
      direct: direct ?? null,
      doublyRobust: doublyRobust ?? null,
      switched: switched ?? null,
    };
  });
}
