/** The smallest value that at least `share` of all do not exceed; null of nothing. */
export function quantileOf(values: readonly number[], share: number): number | null {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

/**
 * Means of stretches of a series in constant time, by prefix sums. NaN is no value: it counts in no mean, and a stretch of
 * nothing else has none (null).
 */
export interface Series {
  readonly length: number;
  readonly total: number;
  /** Of [from, to), cut to the series. */
  mean(from: number, to: number): number | null;
}

export function seriesOf(values: Float64Array): Series {
  const { length } = values;
  const sums = new Float64Array(length + 1);
  const counts = new Uint32Array(length + 1);
  values.forEach((value, at) => {
    const known = !Number.isNaN(value);
    sums[at + 1] = (sums[at] as number) + (known ? value : 0);
    counts[at + 1] = (counts[at] as number) + (known ? 1 : 0);
  });
  const within = (at: number): number => Math.max(0, Math.min(length, at));
  return {
    length,
    total: sums[length] as number,
    mean(from, to) {
      const [a, b] = [within(from), within(to)];
      const count = (counts[b] as number) - (counts[a] as number);
      return count <= 0 ? null : ((sums[b] as number) - (sums[a] as number)) / count;
    },
  };
}
