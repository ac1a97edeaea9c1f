/**
 * The posterior of a Gaussian linear model with a shared block and one block per provider, by block elimination (Schur
 * complement): the providers meet in the shared block only, so the work is the sum of the providers' cubes and not the cube
 * of the sum. Lindley and Smith, Bayes Estimates for the Linear Model, 1972.
 */
import { inverseOf } from './cholesky.ts';
import type { Row, Sparse } from './effects.ts';
import type { NormalEquations } from './normal-equations.ts';

export interface ProviderPosterior {
  readonly size: number;
  /** E[local effects]. */
  readonly mean: Float64Array;
  /** Covariance of the local effects when the shared ones are known: size x size. */
  readonly given: Float64Array;
  /** How the local effects answer to the shared ones: shared x size. */
  readonly gain: Float64Array;
}

export interface Posterior {
  readonly size: number;
  readonly mean: Float64Array;
  /** Covariance of the shared effects: size x size. */
  readonly covariance: Float64Array;
  readonly providers: ReadonlyMap<string, ProviderPosterior>;
}

/** Prior: every effect is normal around 0 with the variance of its class. */
export interface Prior {
  readonly sharedVariance: (column: number) => number;
  readonly localVariance: (provider: string, column: number) => number;
}

export interface Sizes {
  readonly shared: number;
  readonly local: (provider: string) => number;
}

/** @param noise variance of a response of weight 1 */
export function solve(equations: NormalEquations, noise: number, prior: Prior, sizes: Sizes): Posterior {
  const n = sizes.shared;
  const precision = new Float64Array(n * n);
  const pull = new Float64Array(n);
  for (let i = 0; i < n; i++) precision[i * n + i] = 1 / prior.sharedVariance(i);
  const halves = new Map<
    string,
    { readonly given: Float64Array; readonly gain: Float64Array; readonly own: Float64Array }
  >();

  for (const [provider, blocks] of equations) {
    const d = sizes.local(provider);
    const local = new Float64Array(d * d);
    for (let i = 0; i < Math.min(d, blocks.local); i++)
      for (let j = 0; j < Math.min(d, blocks.local); j++)
        local[i * d + j] = (blocks.ll[i * blocks.local + j] as number) / noise;
    for (let i = 0; i < d; i++) local[i * d + i] = (local[i * d + i] as number) + 1 / prior.localVariance(provider, i);
    const given = inverseOf(local, d);
    const gain = new Float64Array(n * d);
    const own = new Float64Array(d);
    const columns = Math.min(d, blocks.local);
    const rows = Math.min(n, blocks.shared);
    for (let s = 0; s < rows; s++)
      for (let k = 0; k < columns; k++) {
        const cross = (blocks.sl[s * blocks.local + k] as number) / noise;
        if (cross === 0) continue;
        for (let j = 0; j < d; j++)
          gain[s * d + j] = (gain[s * d + j] as number) + cross * (given[k * d + j] as number);
      }
    for (let i = 0; i < d; i++) {
      let sum = 0;
      for (let j = 0; j < columns; j++) sum += (given[i * d + j] as number) * (blocks.zl[j] as number);
      own[i] = sum / noise;
    }
    for (let s = 0; s < rows; s++) {
      let seen = blocks.zs[s] as number;
      for (let k = 0; k < columns; k++) seen -= (gain[s * d + k] as number) * (blocks.zl[k] as number);
      pull[s] = (pull[s] as number) + seen / noise;
      // The lower triangle is all that the inverse reads.
      for (let t = 0; t <= s; t++) {
        let explained = 0;
        for (let k = 0; k < columns; k++)
          explained += (gain[s * d + k] as number) * (blocks.sl[t * blocks.local + k] as number);
        const i = s * n + t;
        precision[i] = (precision[i] as number) + ((blocks.ss[s * blocks.shared + t] as number) - explained) / noise;
      }
    }
    halves.set(provider, { given, gain, own });
  }

  const covariance = inverseOf(precision, n);
  const mean = times(covariance, pull, n);
  const providers = new Map<string, ProviderPosterior>();
  for (const [provider, { given, gain, own }] of halves) {
    const d = own.length;
    for (let s = 0; s < n; s++)
      for (let i = 0; i < d; i++) own[i] = (own[i] as number) - (gain[s * d + i] as number) * (mean[s] as number);
    providers.set(provider, { size: d, mean: own, given, gain });
  }
  return { size: n, mean, covariance, providers };
}

/** E[linear predictor] of a row. Columns that the posterior has not seen have the mean 0. */
export function meanOf(posterior: Posterior, row: Row): number {
  const local = posterior.providers.get(row.provider);
  return dot(posterior.mean, row.shared) + (local === undefined ? 0 : dot(local.mean, row.local));
}

/** Full variance of each local effect of a provider, the uncertainty of the shared ones included. */
export function localVariances(posterior: Posterior, provider: ProviderPosterior): Float64Array {
  const { size: n, covariance } = posterior;
  const d = provider.size;
  const variances = new Float64Array(d);
  const answer = new Float64Array(n);
  for (let i = 0; i < d; i++) {
    for (let s = 0; s < n; s++) answer[s] = provider.gain[s * d + i] as number;
    let sum = provider.given[i * d + i] as number;
    for (let s = 0; s < n; s++) {
      const x = answer[s] as number;
      if (x === 0) continue;
      for (let t = 0; t < n; t++) sum += x * (covariance[s * n + t] as number) * (answer[t] as number);
    }
    variances[i] = sum;
  }
  return variances;
}

function times(matrix: Float64Array, vector: Float64Array, n: number): Float64Array {
  const product = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += (matrix[i * n + j] as number) * (vector[j] as number);
    product[i] = sum;
  }
  return product;
}

function dot(vector: Float64Array, { indices, values }: Sparse): number {
  let sum = 0;
  for (let a = 0; a < indices.length; a++) sum += (vector[indices[a] as number] ?? 0) * (values[a] as number);
  return sum;
}
