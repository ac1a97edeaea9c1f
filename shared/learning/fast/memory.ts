/**
 * How far back a provider's record still holds: a residual drift detector over the time buckets. For each of the provider's
 * effects the mean residual of what came after an instant is held against that of what came before (a score test: gradient
 * and information of one coefficient at the posterior). Where they differ by more than chance and by more than a trifle, what
 * came before hardly counts any more, for that provider and head only. Nothing is decayed: the cut is worked out from all
 * buckets each time, and falls away when it is not to be seen any more.
 * Sudden shifts of a whole provider are the drift's (drift.ts), within a handful of outcomes; this is for what has changed for
 * good, in a part of what a provider sells, over days.
 */
import type { ProviderBlocks } from './normal-equations.ts';
import type { Posterior } from './pooled-regression.ts';
import { type BucketedEquations, startOf } from './time-buckets.ts';

/** Provider -> world epoch milliseconds: what came before counts `FORGOTTEN_SHARE`. */
export type Cuts = ReadonlyMap<string, number>;

/** Enough of the old record to stand beside the pooled prior, a twentieth of what it was. */
export const FORGOTTEN_SHARE = 0.05;
/** Standard deviations: once in two million comparisons by chance, and a check makes some thousands. */
const SURE = 5.5;
/** Rows of a number, expected events of a share or a rate, on both sides: below, what is rare looks like a change when it happens. */
const MIN_INFORMATION = 20;
/** Of the linear predictor: two thirds or one and a half times the odds. Less is not worth a record. */
const WORTH = 0.4;

/** @param noise variance of a response of weight 1 */
export function cutsOf(statistics: BucketedEquations, posterior: Posterior, noise: number): Cuts {
  const cuts = new Map<string, number>();
  const buckets = [...statistics.buckets.values()].toSorted((a, b) => startOf(a) - startOf(b));
  for (const provider of posterior.providers.keys()) {
    const seen = buckets.flatMap((bucket) => {
      const blocks = bucket.equations.get(provider);
      return blocks === undefined ? [] : [{ fromMs: startOf(bucket), ...residualsOf(blocks, posterior, provider) }];
    });
    const cut = strongestChange(seen, noise);
    if (cut !== null) cuts.set(provider, cut);
  }
  return cuts;
}

interface Residuals {
  /** Of each local effect: gradient of the log-likelihood times the noise, and information likewise. */
  readonly gradient: Float64Array;
  readonly information: Float64Array;
}

function residualsOf(blocks: ProviderBlocks, posterior: Posterior, provider: string): Residuals {
  const { local: d, shared: n } = blocks;
  const own = posterior.providers.get(provider)?.mean ?? new Float64Array(0);
  const gradient = blocks.zl.slice();
  const information = new Float64Array(d);
  for (let i = 0; i < d; i++) {
    information[i] = blocks.ll[i * d + i] as number;
    if (information[i] === 0) continue;
    let explained = 0;
    for (let j = 0; j < d; j++) explained += (blocks.ll[i * d + j] as number) * (own[j] ?? 0);
    for (let s = 0; s < n; s++) explained += (blocks.sl[s * d + i] as number) * (posterior.mean[s] ?? 0);
    gradient[i] = (gradient[i] as number) - explained;
  }
  return { gradient, information };
}

/** The start of the bucket with which the clearest change began; null: none is clear. */
function strongestChange(seen: readonly ({ readonly fromMs: number } & Residuals)[], noise: number): number | null {
  const effects = Math.max(0, ...seen.map(({ gradient }) => gradient.length));
  let best: { readonly score: number; readonly fromMs: number } | null = null;
  for (let i = 0; i < effects; i++) {
    const gradients = seen.map(({ gradient }) => gradient[i] ?? 0);
    const informations = seen.map(({ information }) => information[i] ?? 0);
    let [oldGradient, oldInformation] = [0, 0];
    let newGradient = gradients.reduce((a, b) => a + b, 0);
    let newInformation = informations.reduce((a, b) => a + b, 0);
    for (let split = 1; split < seen.length; split++) {
      oldGradient += gradients[split - 1] as number;
      oldInformation += informations[split - 1] as number;
      newGradient -= gradients[split - 1] as number;
      newInformation -= informations[split - 1] as number;
      if (Math.min(oldInformation, newInformation) < MIN_INFORMATION) continue;
      const moved = newGradient / newInformation - oldGradient / oldInformation;
      const score = Math.abs(moved) / Math.sqrt(noise * (1 / newInformation + 1 / oldInformation));
      if (score < SURE || Math.abs(moved) < WORTH * Math.sqrt(noise) || score <= (best?.score ?? 0)) continue;
      best = { score, fromMs: seen[split]?.fromMs ?? 0 };
    }
  }
  return best?.fromMs ?? null;
}
