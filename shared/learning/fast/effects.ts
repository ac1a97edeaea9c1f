/**
 * One attempt as a row of the fast learner's regressions. What it is made of: numbers that every provider shares, words
 * that every provider shares (a GPU type is hard to get everywhere), and words of the provider alone (this provider's
 * A100s in this region). Each effect belongs to a class, and each class has a variance of its own, learned from the record:
 * a class that explains nothing shrinks to nothing. That is the hierarchical prior: a new provider is the pooled one.
 */
import type { Features } from '#shared/domain/features.ts';
import { FEATURE_SET } from '../features.ts';

export const SHARED_CLASSES = ['intercept', 'slope', 'gpu_type', 'region', 'workload_type', 'hours_of_day'] as const;
export const LOCAL_CLASSES = [
  'provider',
  'provider_slope',
  'provider_gpu_type',
  'provider_region',
  'provider_workload_type',
  'provider_hours_of_day',
  'provider_gpu_type_region',
] as const;

/** Indices and values of what is not zero. */
export interface Sparse {
  readonly indices: readonly number[];
  readonly values: readonly number[];
}

export interface Row {
  readonly provider: string;
  readonly shared: Sparse;
  readonly local: Sparse;
}

/** The column of a word; null: it has no effect of its own. */
type ColumnOf = (className: string, word: string) => number | null;

/** How words become columns: entered when a row teaches, only found when it asks. */
export interface LookUp {
  readonly shared: ColumnOf;
  readonly local: (provider: string) => ColumnOf;
}

/** Hours of one word of the day: a night shift of eight hours is seen, and a day is eight words. */
const HOURS_PER_WORD = 3;

const numericAt = new Map(FEATURE_SET.numeric.map((name, index) => [name, index]));
const at = (name: string): number => numericAt.get(name) as number;
const PRICE = at('log_price_to_reference');
const LATENCY = at('log_latency');
const REPUTATION = at('reputation');
const SHARE = at('capacity_share');
const HOURS = at('log_run_hours');
const COUNT = at('log_gpu_count');
const SIN = at('hour_sin');
const COS = at('hour_cos');
const MISSING = ['latency_missing', 'reputation_missing', 'capacity_missing'].map(at);

/**
 * Each number is brought to a spread of about one, so that one variance fits the class: prices vary by e, latencies are
 * held against 330 ms, reputation by 50 points around 70, load is the used share of the capacity.
 */
function slopesOf(numeric: readonly number[]): readonly (readonly [string, number])[] {
  const n = (index: number): number => numeric[index] as number;
  const load = 1 - n(SHARE);
  return [
    ['cheapness', -n(PRICE)],
    ['latency', n(LATENCY) - 5.8],
    ['reputation', 2 * (n(REPUTATION) - 0.7)],
    ['load', load - 0.5],
    ['load_squared', load * load - 0.25],
    ['run_hours', n(HOURS) / 2],
    ['gpu_count', n(COUNT)],
    ['sin', n(SIN)],
    ['cos', n(COS)],
    ...MISSING.map((index, i) => [`missing_${i}`, n(index)] as const),
  ];
}

/** Slopes that a provider may have of its own: how it takes load, and what its day looks like. */
const LOCAL_SLOPES = ['load', 'load_squared', 'sin', 'cos'];

/**
 * The row of an attempt. Past the limits of the vocabularies a word has no effect of its own, and the classes above it speak
 * for it.
 * @param features of the set FEATURE_SET
 */
export function rowOf(features: Features, { shared, local: localOf }: LookUp): Row {
  const [provider = '', gpu = '', region = '', workload = ''] = features.categorical;
  const local = localOf(provider);
  const slopes = slopesOf(features.numeric);
  const hour = `${Math.floor((hourOf(features.numeric) % 24) / HOURS_PER_WORD)}`;

  // What is not 1 comes first: a stored row leaves out the ones at its end.
  const common = sparse();
  for (const [name, value] of slopes) common.add(shared('slope', name), value);
  common.add(shared('intercept', ''), 1);
  common.add(shared('gpu_type', gpu), 1);
  common.add(shared('region', region), 1);
  common.add(shared('workload_type', workload), 1);
  common.add(shared('hours_of_day', hour), 1);

  const own = sparse();
  for (const [name, value] of slopes) if (LOCAL_SLOPES.includes(name)) own.add(local('provider_slope', name), value);
  own.add(local('provider', ''), 1);
  own.add(local('provider_gpu_type', gpu), 1);
  own.add(local('provider_region', region), 1);
  own.add(local('provider_workload_type', workload), 1);
  own.add(local('provider_hours_of_day', hour), 1);
  own.add(local('provider_gpu_type_region', `${gpu}|${region}`), 1);
  return { provider, shared: common.done(), local: own.done() };
}

const hourOf = (numeric: readonly number[]): number =>
  (Math.atan2(numeric[SIN] as number, numeric[COS] as number) * 12) / Math.PI + 24;

function sparse(): { add(index: number | null, value: number): void; done(): Sparse } {
  const indices: number[] = [];
  const values: number[] = [];
  return {
    add(index, value) {
      if (index === null || value === 0) return;
      indices.push(index);
      values.push(value);
    },
    done: () => ({ indices, values }),
  };
}
