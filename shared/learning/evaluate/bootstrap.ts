import { seededRandom } from '../random.ts';

/** Of a mean; 95 %. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Neighbours in time share outages and load: resampling single rows would call that agreement evidence. */
const BLOCKS = 200;
const RESAMPLES = 500;
const TAIL = 0.025;

/**
 * Percentile interval of the mean of values in order of time, by a bootstrap of contiguous blocks (Carlstein 1986). At most
 * 200 blocks, whose sums are all that is resampled: 500 resamples take 2 ms whatever the number of values. Null when empty.
 */
export function blockBootstrap(values: Float64Array, seed: number): Interval | null {
  if (values.length === 0) return null;
  const blocks = Math.min(BLOCKS, values.length);
  const sums = new Float64Array(blocks);
  const counts = new Float64Array(blocks);
  for (const [i, value] of values.entries()) {
    const block = Math.floor((i * blocks) / values.length);
    sums[block] = (sums[block] ?? 0) + value;
    counts[block] = (counts[block] ?? 0) + 1;
  }
  const random = seededRandom(seed);
  const means = new Float64Array(RESAMPLES);
  for (let resample = 0; resample < RESAMPLES; resample++) {
    let sum = 0;
    let count = 0;
    for (let draw = 0; draw < blocks; draw++) {
      const block = random.below(blocks);
      sum += sums[block] ?? 0;
      count += counts[block] ?? 0;
    }
    means[resample] = sum / count;
  }
  means.sort();
  const at = (share: number): number => means[Math.round(share * (RESAMPLES - 1))] ?? 0;
  return { mean: values.reduce((a, b) => a + b, 0) / values.length, low: at(TAIL), high: at(1 - TAIL) };
}
