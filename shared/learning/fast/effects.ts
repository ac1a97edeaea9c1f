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

/** Of the shared effects of a row, and of the provider's own, so many are not zero at most; it has some fifteen of each. */
export const SPARSE_LIMIT = 64;

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

/** The column of a word of a class; null: it has no effect of its own. */
type ColumnOf = (classIndex: number, word: string) => number | null;

/** How words become columns: entered when a row teaches, only found when it asks. */
export interface LookUp {
  readonly shared: ColumnOf;
  readonly local: (provider: string) => ColumnOf;
}

/** Hours of one word of the day: a night shift of eight hours is seen, and a day is eight words. */
const HOURS_PER_WORD = 3;
const HOUR_WORDS = Array.from({ length: 24 / HOURS_PER_WORD }, (_, i) => String(i));

const [INTERCEPT, SLOPE, GPU, REGION, WORKLOAD, HOUR] = SHARED_CLASSES.map((_, i) => i) as [
  number,
  number,
  number,
  number,
  number,
  number,
];
const [OWN, OWN_SLOPE, OWN_GPU, OWN_REGION, OWN_WORKLOAD, OWN_HOUR, OWN_OFFER] = LOCAL_CLASSES.map((_, i) => i) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

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
 * held against 330 ms, reputation by 50 points around 70, load is the used share of the capacity. A provider may have slopes
 * of its own: how it takes load, and what its day looks like.
 */
const SLOPES: readonly { readonly name: string; readonly own: boolean; of(numeric: readonly number[]): number }[] = [
  { name: 'cheapness', own: false, of: (n) => -(n[PRICE] as number) },
  { name: 'latency', own: false, of: (n) => (n[LATENCY] as number) - 5.8 },
  { name: 'reputation', own: false, of: (n) => 2 * ((n[REPUTATION] as number) - 0.7) },
  { name: 'load', own: true, of: (n) => loadOf(n) - 0.5 },
  { name: 'load_squared', own: true, of: (n) => loadOf(n) ** 2 - 0.25 },
  { name: 'run_hours', own: false, of: (n) => (n[HOURS] as number) / 2 },
  { name: 'gpu_count', own: false, of: (n) => n[COUNT] as number },
  { name: 'sin', own: true, of: (n) => n[SIN] as number },
  { name: 'cos', own: true, of: (n) => n[COS] as number },
  ...MISSING.map((index, i) => ({
    name: `missing_${i}`,
    own: false,
    of: (n: readonly number[]) => n[index] as number,
  })),
];
const loadOf = (numeric: readonly number[]): number => 1 - (numeric[SHARE] as number);

/**
 * The row of an attempt. Past the limits of the vocabularies a word has no effect of its own, and the classes above it speak
 * for it.
 * @param features of the set FEATURE_SET
 */
export function rowOf(features: Features, { shared, local: localOf }: LookUp): Row {
  const { numeric, categorical } = features;
  const [provider = '', gpu = '', region = '', workload = '', , , , offer = ''] = categorical;
  const local = localOf(provider);
  const hour = HOUR_WORDS[Math.floor((hourOf(numeric) % 24) / HOURS_PER_WORD)] as string;

  // What is not 1 comes first: a stored row leaves out the ones at its end.
  const common = COMMON_ROW.empty();
  const own = OWN_ROW.empty();
  for (const slope of SLOPES) {
    const value = slope.of(numeric);
    common.add(shared(SLOPE, slope.name), value);
    if (slope.own) own.add(local(OWN_SLOPE, slope.name), value);
  }
  common.add(shared(INTERCEPT, ''), 1);
  common.add(shared(GPU, gpu), 1);
  common.add(shared(REGION, region), 1);
  common.add(shared(WORKLOAD, workload), 1);
  common.add(shared(HOUR, hour), 1);

  own.add(local(OWN, ''), 1);
  own.add(local(OWN_GPU, gpu), 1);
  own.add(local(OWN_REGION, region), 1);
  own.add(local(OWN_WORKLOAD, workload), 1);
  own.add(local(OWN_HOUR, hour), 1);
  own.add(local(OWN_OFFER, offer), 1);
  return { provider, shared: common.done(), local: own.done() };
}

const hourOf = (numeric: readonly number[]): number =>
  (Math.atan2(numeric[SIN] as number, numeric[COS] as number) * 12) / Math.PI + 24;

/** A row grows in an array that is used again for the next: what is kept of it is as long as it is, and nothing is left over. */
function growing() {
  const indices: number[] = [];
  const values: number[] = [];
  let count = 0;
  const row = {
    empty() {
      count = 0;
      return row;
    },
    add(index: number | null, value: number): void {
      if (index === null || value === 0) return;
      indices[count] = index;
      values[count++] = value;
    },
    done: (): Sparse => ({ indices: indices.slice(0, count), values: values.slice(0, count) }),
  };
  return row;
}
const COMMON_ROW = growing();
const OWN_ROW = growing();
