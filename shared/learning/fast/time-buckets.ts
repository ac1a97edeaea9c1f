/**
 * Sufficient statistics by time: the evidence of an interval, undecayed. Buckets are aligned and dyadic (level L is a day
 * times 2^L wide: shorter ones would take the hours of the day for a change); as they age they are merged into the bucket of
 * twice the width that holds them, so that weeks of evidence take a dozen buckets and their number grows with the logarithm of
 * the time. Which bucket an instant lies in is a function of the instant and the watermark alone, so merging statistics is
 * adding buckets: commutative and associative.
 */
import type { Row } from './effects.ts';
import { addBlocks, addRow, emptyEquations, merged, type NormalEquations } from './normal-equations.ts';

export interface TimeBucket {
  readonly level: number;
  readonly index: number;
  readonly equations: NormalEquations;
}

export interface BucketedEquations {
  /** The latest instant that was seen, world epoch milliseconds. */
  readonly watermarkMs: number;
  readonly buckets: Map<string, TimeBucket>;
}

/** How much of a provider's evidence of a bucket counts: 0..1. */
export type Memory = (provider: string, bucket: Pick<TimeBucket, 'level' | 'index'>) => number;

const WIDTH_MS = 24 * 3_600_000;
/** Buckets of a level that are kept apart before they merge upwards. */
const KEPT = 2;
/** Four years wide: nothing is older. */
const MAX_LEVEL = 11;

const widthOf = (level: number): number => WIDTH_MS * 2 ** level;
/** World epoch milliseconds. */
export const startOf = ({ level, index }: Pick<TimeBucket, 'level' | 'index'>): number => index * widthOf(level);

const keyOf = (level: number, index: number): string => `${level}:${index}`;

/** The bucket that holds this one at the watermark: itself, or the first ancestor that is young for its width. */
function settled(level: number, index: number, watermarkMs: number): { level: number; index: number } {
  let [at, i] = [level, index];
  while (at < MAX_LEVEL && watermarkMs - (i + 1) * widthOf(at) >= KEPT * widthOf(at)) {
    at += 1;
    i = Math.floor(i / 2);
  }
  return { level: at, index: i };
}

export const noBuckets = (): BucketedEquations => ({ watermarkMs: 0, buckets: new Map() });

/** Adds a row in place. Late rows go where their time lies. */
export function addToBucket(statistics: BucketedEquations, atMs: number, row: Row, weight: number, z: number): void {
  const { level, index } = settled(0, Math.floor(atMs / WIDTH_MS), statistics.watermarkMs);
  const key = keyOf(level, index);
  let bucket = statistics.buckets.get(key);
  if (bucket === undefined) {
    bucket = { level, index, equations: emptyEquations() };
    statistics.buckets.set(key, bucket);
  }
  addRow(bucket.equations, row, weight, z);
}

/** The same evidence in the buckets of a later watermark. */
export function advanced(statistics: BucketedEquations, watermarkMs: number): BucketedEquations {
  if (watermarkMs <= statistics.watermarkMs) return statistics;
  const buckets = new Map<string, TimeBucket>();
  for (const bucket of statistics.buckets.values()) {
    const { level, index } = settled(bucket.level, bucket.index, watermarkMs);
    const key = keyOf(level, index);
    const there = buckets.get(key);
    const equations = there === undefined ? bucket.equations : merged(there.equations, bucket.equations);
    buckets.set(key, { level, index, equations });
  }
  return { watermarkMs, buckets };
}

/** The evidence of both. Columns must mean the same in both. */
export function mergeBuckets(a: BucketedEquations, b: BucketedEquations): BucketedEquations {
  const watermarkMs = Math.max(a.watermarkMs, b.watermarkMs);
  const buckets = new Map(advanced(a, watermarkMs).buckets);
  for (const [key, bucket] of advanced(b, watermarkMs).buckets) {
    const there = buckets.get(key);
    buckets.set(
      key,
      there === undefined ? bucket : { ...bucket, equations: merged(there.equations, bucket.equations) },
    );
  }
  return { watermarkMs, buckets };
}

/** All evidence as one sum, each bucket as far as it is remembered. */
export function totalOf({ buckets }: BucketedEquations, memory: Memory): NormalEquations {
  const total = emptyEquations();
  for (const bucket of buckets.values())
    for (const [provider, blocks] of bucket.equations) {
      const share = memory(provider, bucket);
      if (share > 0) addBlocks(total, provider, blocks, share);
    }
  return total;
}
