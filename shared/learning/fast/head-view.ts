/**
 * A head as scoring sees it: mean and variance of the linear predictor of a row. The covariance of all effects that meet in
 * one provider's rows is worked out once a provider, so that a row costs the square of what is not zero in it.
 */
import type { Row, Sparse } from './effects.ts';
import { meanOf, type Posterior, type Prior } from './pooled-regression.ts';

export interface HeadView {
  /** Of the linear predictor without its offset. */
  mean(row: Row): number;
  variance(row: Row): number;
  /** Variance of one response around its mean; 0 for families that have none. */
  readonly noise: number;
}

export function createHeadView(posterior: Posterior, prior: Prior, noise: number): HeadView {
  const joints = new Map<string, Joint>();
  const jointOf = (provider: string): Joint => {
    const known = joints.get(provider) ?? jointCovariance(posterior, provider);
    joints.set(provider, known);
    return known;
  };
  return {
    noise,
    mean: (row) => meanOf(posterior, row),
    variance(row) {
      const { size, shared, covariance } = posterior.providers.has(row.provider)
        ? jointOf(row.provider)
        : { size: posterior.size, shared: posterior.size, covariance: posterior.covariance };
      const columns: number[] = [];
      const values: number[] = [];
      let variance = 0;
      const take = (
        { indices, values: xs }: Sparse,
        from: number,
        to: number,
        own: (column: number) => number,
      ): void => {
        for (let a = 0; a < indices.length; a++) {
          const column = indices[a] as number;
          const x = xs[a] as number;
          if (column < to - from) {
            columns.push(from + column);
            values.push(x);
          } else variance += x * x * own(column);
        }
      };
      take(row.shared, 0, shared, prior.sharedVariance);
      take(row.local, shared, size, (column) => prior.localVariance(row.provider, column));
      for (let a = 0; a < columns.length; a++) {
        const base = (columns[a] as number) * size;
        const x = values[a] as number;
        variance += x * x * (covariance[base + (columns[a] as number)] as number);
        let sum = 0;
        for (let b = 0; b < a; b++)
          sum += (values[b] as number) * (covariance[base + (columns[b] as number)] as number);
        variance += 2 * x * sum;
      }
      return Math.max(0, variance);
    },
  };
}

/** Covariance of the shared effects and then one provider's: size x size, row-major, lower triangle. */
interface Joint {
  readonly size: number;
  readonly shared: number;
  readonly covariance: Float64Array;
}

/** local = own - gain' shared, with `given` left when the shared effects are known; so Cov(local, shared) = -gain' Cov(shared). */
function jointCovariance({ size: n, covariance, providers }: Posterior, provider: string): Joint {
  const local = providers.get(provider);
  const d = local?.size ?? 0;
  const size = n + d;
  const joint = new Float64Array(size * size);
  for (let s = 0; s < n; s++) for (let t = 0; t <= s; t++) joint[s * size + t] = covariance[s * n + t] as number;
  if (local === undefined) return { size, shared: n, covariance: joint };
  // cross = gain' Cov(shared): d x n
  const cross = new Float64Array(d * n);
  for (let s = 0; s < n; s++)
    for (let i = 0; i < d; i++) {
      const g = local.gain[s * d + i] as number;
      if (g === 0) continue;
      for (let t = 0; t < n; t++)
        cross[i * n + t] = (cross[i * n + t] as number) + g * (covariance[s * n + t] as number);
    }
  for (let i = 0; i < d; i++) {
    const row = (n + i) * size;
    for (let t = 0; t < n; t++) joint[row + t] = -(cross[i * n + t] as number);
    for (let j = 0; j <= i; j++) {
      let sum = local.given[i * d + j] as number;
      for (let t = 0; t < n; t++) sum += (cross[i * n + t] as number) * (local.gain[t * d + j] as number);
      joint[row + n + j] = sum;
    }
  }
  return { size, shared: n, covariance: joint };
}
