/** What normal equations and a prior say of a point: b'm, b'm - m'Am / 2, and the prior's penalty. */
import type { NormalEquations } from './normal-equations.ts';
import type { Posterior, Prior } from './pooled-regression.ts';

/** b'm: how much of the squares the means explain, in the units of the squares. */
export function projectionOf(equations: NormalEquations, posterior: Posterior): number {
  let sum = 0;
  for (const [provider, { zl, zs }] of equations) {
    const local = posterior.providers.get(provider)?.mean;
    zs.forEach((z, s) => {
      sum += z * (posterior.mean[s] ?? 0);
    });
    zl.forEach((z, i) => {
      sum += z * (local?.[i] ?? 0);
    });
  }
  return sum;
}

/** b'm - m'Am / 2: the log-likelihood of the closed rows at the means, up to a constant. */
export function quadraticAt(equations: NormalEquations, posterior: Posterior): number {
  let sum = projectionOf(equations, posterior);
  for (const [provider, of] of equations) {
    const local = posterior.providers.get(provider)?.mean ?? new Float64Array(0);
    const { mean } = posterior;
    for (let s = 0; s < of.shared; s++) {
      const m = mean[s] ?? 0;
      if (m === 0) continue;
      for (let t = 0; t < of.shared; t++) sum -= (m * (of.ss[s * of.shared + t] as number) * (mean[t] ?? 0)) / 2;
      for (let i = 0; i < of.local; i++) sum -= m * (of.sl[s * of.local + i] as number) * (local[i] ?? 0);
    }
    for (let i = 0; i < of.local; i++) {
      const m = local[i] ?? 0;
      if (m === 0) continue;
      for (let j = 0; j < of.local; j++) sum -= (m * (of.ll[i * of.local + j] as number) * (local[j] ?? 0)) / 2;
    }
  }
  return sum;
}

/** The prior's share: sum of squared effects over twice their variances. */
export function penaltyAt(posterior: Posterior, prior: Prior): number {
  let sum = 0;
  posterior.mean.forEach((m, s) => {
    sum += (m * m) / (2 * prior.sharedVariance(s));
  });
  for (const [provider, { mean }] of posterior.providers)
    mean.forEach((m, i) => {
      sum += (m * m) / (2 * prior.localVariance(provider, i));
    });
  return sum;
}
