/**
 * A head as scoring sees it: mean and variance of the linear predictor of a row, and what two rows have in common. The
 * covariance of all effects that meet in one provider's rows is worked out once a provider, so that a row costs the square of
 * what is not zero in it, and a pair of rows of two providers the shared effects once for each of their own.
 */
import type { Row, Sparse } from './effects.ts';
import { meanOf, type Posterior, type Prior, type ProviderPosterior } from './pooled-regression.ts';

export interface HeadView {
  /** Of the linear predictor without its offset. */
  mean(row: Row): number;
  variance(row: Row): number;
  /** Of this row's predictor with another's: prepared once for a row that many are held against. */
  covarianceWith(row: Row): (other: Row) => number;
  /** Works out now what the first row of each provider would have to wait for. */
  prepare(): void;
  /** Variance of one response around its mean; 0 for families that have none. */
  readonly noise: number;
}

export function createHeadView(posterior: Posterior, prior: Prior, noise: number): HeadView {
  const joints = new Map<string, Joint>();
  const jointOf = (provider: string, local: ProviderPosterior): Joint => {
    const known = joints.get(provider) ?? jointCovariance(posterior, local);
    joints.set(provider, known);
    return known;
  };
  return {
    noise,
    prepare() {
      for (const [provider, local] of posterior.providers) jointOf(provider, local);
    },
    mean: (row) => meanOf(posterior, row),
    variance(row) {
      const mine = posterior.providers.get(row.provider);
      const { size, shared, covariance } =
        mine === undefined
          ? { size: posterior.size, shared: posterior.size, covariance: posterior.covariance }
          : jointOf(row.provider, mine);
      let variance = 0;
      // Columns that came after this posterior, or never, stand for themselves.
      const ahead = (sparse: Sparse, columns: number, own: (column: number) => number): Sparse => {
        if (!sparse.indices.some((column) => column >= columns)) return sparse;
        const kept = { indices: [] as number[], values: [] as number[] };
        sparse.indices.forEach((column, a) => {
          const x = sparse.values[a] as number;
          if (column >= columns) variance += x * x * own(column);
          else {
            kept.indices.push(column);
            kept.values.push(x);
          }
        });
        return kept;
      };
      const common = ahead(row.shared, shared, prior.sharedVariance);
      const own = ahead(row.local, size - shared, (column) => prior.localVariance(row.provider, column));
      variance += quadraticForm(covariance, size, common, own, shared);
      return Math.max(0, variance);
    },
    covarianceWith(row) {
      const mine = posterior.providers.get(row.provider);
      const answers = answersOf(posterior, row, mine === undefined ? null : jointOf(row.provider, mine));
      return (other) => {
        const theirs = posterior.providers.get(other.provider);
        let sum = sharedPart(other, theirs, answers);
        sum += aheadTogether(row.shared, other.shared, posterior.size, prior.sharedVariance);
        if (other.provider !== row.provider) return sum;
        if (mine !== undefined) sum += bilinear(mine, row.local, other.local);
        return (
          sum +
          aheadTogether(row.local, other.local, mine?.size ?? 0, (column) => prior.localVariance(row.provider, column))
        );
      };
    },
  };
}

/** Covariance of the shared effects with a row's predictor. @param joint of its provider; null: nothing is known of it */
function answersOf({ size: n, covariance }: Posterior, row: Row, joint: Joint | null): Float64Array {
  const answers = new Float64Array(n);
  const add = (x: number, from: Float64Array, start: number): void => {
    for (let t = 0; t < n; t++) answers[t] = (answers[t] as number) + x * (from[start + t] as number);
  };
  row.shared.indices.forEach((column, a) => {
    if (column < n) add(row.shared.values[a] as number, covariance, column * n);
  });
  if (joint === null) return answers;
  row.local.indices.forEach((column, a) => {
    if (n + column < joint.size) add(row.local.values[a] as number, joint.covariance, (n + column) * joint.size);
  });
  return answers;
}

/** Covariance of two predictors by way of the shared effects. */
function sharedPart(row: Row, local: ProviderPosterior | undefined, answers: Float64Array): number {
  const n = answers.length;
  let sum = 0;
  for (let a = 0; a < row.shared.indices.length; a++) {
    const column = row.shared.indices[a] as number;
    if (column < n) sum += (row.shared.values[a] as number) * (answers[column] as number);
  }
  if (local === undefined) return sum;
  const { size: d, gain } = local;
  for (let a = 0; a < row.local.indices.length; a++) {
    const column = row.local.indices[a] as number;
    if (column >= d) continue;
    let answer = 0;
    for (let s = 0; s < n; s++) answer += (gain[s * d + column] as number) * (answers[s] as number);
    sum -= (row.local.values[a] as number) * answer;
  }
  return sum;
}

/** x'(given)y of the local effects of one provider. */
function bilinear({ size: d, given }: ProviderPosterior, x: Sparse, y: Sparse): number {
  let sum = 0;
  for (let a = 0; a < x.indices.length; a++) {
    const row = x.indices[a] as number;
    if (row >= d) continue;
    for (let b = 0; b < y.indices.length; b++) {
      const column = y.indices[b] as number;
      if (column < d) sum += (x.values[a] as number) * (y.values[b] as number) * (given[row * d + column] as number);
    }
  }
  return sum;
}

/** What two rows share of the columns from `known` on: those stand for themselves. */
function aheadTogether(x: Sparse, y: Sparse, known: number, variance: (column: number) => number): number {
  let sum = 0;
  x.indices.forEach((column, a) => {
    if (column < known) return;
    const b = y.indices.indexOf(column);
    if (b !== -1) sum += (x.values[a] as number) * (y.values[b] as number) * variance(column);
  });
  return sum;
}

/** x'Cx of x = (common, own from column `shared` on). */
function quadraticForm(covariance: Float64Array, size: number, common: Sparse, own: Sparse, shared: number): number {
  let squares = 0;
  let products = 0;
  const { indices: cs, values: cx } = common;
  const { indices: os, values: ox } = own;
  for (let a = 0; a < cs.length; a++) {
    const column = cs[a] as number;
    const x = cx[a] as number;
    squares += x * x * (covariance[column * size + column] as number);
    let sum = 0;
    for (let b = 0; b < a; b++) sum += (cx[b] as number) * (covariance[column * size + (cs[b] as number)] as number);
    products += x * sum;
  }
  for (let a = 0; a < os.length; a++) {
    const column = shared + (os[a] as number);
    const base = column * size;
    const x = ox[a] as number;
    squares += x * x * (covariance[base + column] as number);
    let sum = 0;
    for (let b = 0; b < cs.length; b++) sum += (cx[b] as number) * (covariance[base + (cs[b] as number)] as number);
    for (let b = 0; b < a; b++) sum += (ox[b] as number) * (covariance[base + shared + (os[b] as number)] as number);
    products += x * sum;
  }
  return squares + 2 * products;
}

/** Covariance of the shared effects and then one provider's: size x size, row-major. */
interface Joint {
  readonly size: number;
  readonly shared: number;
  readonly covariance: Float64Array;
}

/** local = own - gain' shared, with `given` left when the shared effects are known; so Cov(local, shared) = -gain' Cov(shared). */
function jointCovariance({ size: n, covariance }: Posterior, local: ProviderPosterior): Joint {
  const d = local.size;
  const size = n + d;
  const joint = new Float64Array(size * size);
  for (let s = 0; s < n; s++) for (let t = 0; t <= s; t++) joint[s * size + t] = covariance[s * n + t] as number;
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
  // Both triangles: a row of a posterior is looked up a hundred times as often as one is made.
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) joint[j * size + i] = joint[i * size + j] as number;
  return { size, shared: n, covariance: joint };
}
