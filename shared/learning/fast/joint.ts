/**
 * The effects that meet in the rows of one provider, of the five heads side by side: worked out once a provider, and read for
 * every row.
 */
import { HEADS, type PerHead } from '../heads.ts';
import type { Posterior, Prior, ProviderPosterior } from './pooled-regression.ts';

/** What one head knows of the effects. */
export interface HeadEffects {
  readonly posterior: Posterior;
  readonly prior: Prior;
  readonly noise: number;
}

/** Numbers at one place, one for each head. */
export const WIDTH = HEADS.length;

/** `shared` effects of all providers, then its own. */
export interface Joint {
  readonly shared: number;
  readonly size: number;
  /** size x WIDTH */
  readonly mean: Float64Array;
  /** size x size x WIDTH */
  readonly covariance: Float64Array;
  /** How its own effects answer to the shared ones: own x shared x WIDTH. */
  readonly gain: Float64Array;
}

/** @param provider null: of none, the shared effects alone */
export function jointOf(heads: PerHead<HeadEffects>, provider: string | null): Joint {
  const blocks = HEADS.map((head) => {
    const { posterior, prior } = heads[head];
    return { posterior, prior, local: provider === null ? undefined : posterior.providers.get(provider) };
  });
  const shared = Math.max(...blocks.map(({ posterior }) => posterior.size));
  const own = Math.max(...blocks.map(({ local }) => local?.size ?? 0));
  const size = shared + own;
  const joint: Joint = {
    shared,
    size,
    mean: new Float64Array(size * WIDTH),
    covariance: new Float64Array(size * size * WIDTH),
    gain: new Float64Array(own * shared * WIDTH),
  };
  blocks.forEach(({ posterior, prior, local }, h) => {
    // Where this head has seen less than others, its effects are as its prior says.
    for (let i = posterior.size; i < shared; i++)
      joint.covariance[(i * size + i) * WIDTH + h] = prior.sharedVariance(i);
    for (let i = local?.size ?? 0; i < own; i++) {
      const place = shared + i;
      joint.covariance[(place * size + place) * WIDTH + h] = prior.localVariance(provider as string, i);
    }
    fill(joint, posterior, local, h);
  });
  return joint;
}

/** local = own - gain' shared, with `given` left when the shared effects are known; so Cov(local, shared) = -gain' Cov(shared). */
function fill(joint: Joint, posterior: Posterior, local: ProviderPosterior | undefined, h: number): void {
  const { size: n, covariance } = posterior;
  const put = (i: number, j: number, value: number): void => {
    joint.covariance[(i * joint.size + j) * WIDTH + h] = value;
    joint.covariance[(j * joint.size + i) * WIDTH + h] = value;
  };
  for (let s = 0; s < n; s++) {
    joint.mean[s * WIDTH + h] = posterior.mean[s] as number;
    for (let t = 0; t <= s; t++) put(s, t, covariance[s * n + t] as number);
  }
  if (local === undefined) return;
  const { size: d, gain, given } = local;
  // cross = gain' Cov(shared): d x n
  const cross = new Float64Array(d * n);
  for (let s = 0; s < n; s++)
    for (let i = 0; i < d; i++) {
      const g = gain[s * d + i] as number;
      if (g === 0) continue;
      joint.gain[(i * joint.shared + s) * WIDTH + h] = g;
      for (let t = 0; t < n; t++)
        cross[i * n + t] = (cross[i * n + t] as number) + g * (covariance[s * n + t] as number);
    }
  for (let i = 0; i < d; i++) {
    const row = joint.shared + i;
    joint.mean[row * WIDTH + h] = local.mean[i] as number;
    for (let t = 0; t < n; t++) put(row, t, -(cross[i * n + t] as number));
    for (let j = 0; j <= i; j++) {
      let sum = given[i * d + j] as number;
      for (let t = 0; t < n; t++) sum += (cross[i * n + t] as number) * (gain[t * d + j] as number);
      put(row, joint.shared + j, sum);
    }
  }
}
