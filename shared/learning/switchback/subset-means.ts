/**
 * The sign-flip test of paired differences, and its inversion, from one table. Under the hypothesis "the uplift is x", each
 * difference minus x could as well have had the other sign (Fisher 1935): the order inside its pair was a coin. The flipped
 * weighted mean is at least the observed one exactly when the weighted mean over the flipped pairs is at most x; so the means
 * of all subsets of pairs, sorted, are both the null distribution and the confidence limits (Hartigan 1969, typical values).
 */
import { seededRandom } from '../random.ts';

/** The difference challenger - control of one pair of blocks. */
export interface PairDifference {
  readonly difference: number;
  /** Precision, up to a factor; positive, and the same whichever block came first. */
  readonly weight: number;
}

/** Up to 2^12 subsets are gone through; of more pairs some thousands are drawn. */
const ENUMERATED_PAIRS = 12;
const DRAWN_SUBSETS = 4_999;

export interface SubsetMeans {
  /** Of the non-empty subsets, ascending. */
  readonly means: Float64Array;
  /** One-sided: of "no better" when few means lie at or below zero. Never 0: the observed signs are one of the draws. */
  readonly pBetter: number;
  readonly pWorse: number;
  /** The one-sided lower limit at error `alpha`; null: so few pairs allow none. */
  lower(alpha: number): number | null;
  upper(alpha: number): number | null;
}

export function subsetMeans(pairs: readonly PairDifference[], seed: number): SubsetMeans {
  const means = (pairs.length <= ENUMERATED_PAIRS ? everySubset(pairs) : drawnSubsets(pairs, seed)).sort();
  const total = means.length + 1;
  const limit = (alpha: number): number => Math.floor(alpha * total) - 1;
  return {
    means,
    pBetter: (1 + countWhere(means, (mean) => mean <= 0)) / total,
    pWorse: (1 + countWhere(means, (mean) => mean >= 0)) / total,
    lower: (alpha) => means[limit(alpha)] ?? null,
    upper: (alpha) => (limit(alpha) < 0 ? null : (means[means.length - 1 - limit(alpha)] ?? null)),
  };
}

/** In the order of a Gray code, so that each mean is one addition from the one before. */
function everySubset(pairs: readonly PairDifference[]): Float64Array {
  const means = new Float64Array(2 ** pairs.length - 1);
  const inside = pairs.map(() => false);
  let sum = 0;
  let weight = 0;
  for (let step = 1; step <= means.length; step++) {
    const index = 31 - Math.clz32(step & -step);
    const sign = inside[index] === true ? -1 : 1;
    inside[index] = sign === 1;
    const pair = pairs[index] as PairDifference;
    sum += sign * pair.weight * pair.difference;
    weight += sign * pair.weight;
    means[step - 1] = sum / weight;
  }
  return means;
}

function drawnSubsets(pairs: readonly PairDifference[], seed: number): Float64Array {
  const random = seededRandom(seed);
  return Float64Array.from({ length: DRAWN_SUBSETS }, () => {
    let sum = 0;
    let weight = 0;
    let coins = 0;
    for (let i = 0; i < pairs.length; i++) {
      coins = i % 32 === 0 ? random.below(2 ** 32) : coins >>> 1;
      if ((coins & 1) === 0) continue;
      const pair = pairs[i] as PairDifference;
      sum += pair.weight * pair.difference;
      weight += pair.weight;
    }
    // The empty subset is the observed signs; one in 2^13 at most, counted for the hypothesis.
    return weight === 0 ? 0 : sum / weight;
  });
}

const countWhere = (values: Float64Array, test: (value: number) => boolean): number =>
  values.reduce((count, value) => count + (test(value) ? 1 : 0), 0);
