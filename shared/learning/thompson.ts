/**
 * Thompson sampling as an explicit distribution: the probability that a candidate is the best, given the marginals of its
 * expected utility (Thompson 1933; Russo et al., A Tutorial on Thompson Sampling, 2018). Explicit, so that the propensity of
 * every action is known exactly and the choice replays from a decision row. Pure.
 */

/** Nodes of the quadrature: the midpoints of equally likely slices of a standard normal. */
const NODES = 32;
const QUANTILES = Float64Array.from({ length: NODES }, (_, k) => normalQuantile((k + 0.5) / NODES));
/** The standard normal distribution function from -8 to 8. */
const TABLE_END = 8;
const TABLE_PER_UNIT = 128;
const TABLE = Float64Array.from({ length: 2 * TABLE_END * TABLE_PER_UNIT + 2 }, (_, i) =>
  normalCdf(i / TABLE_PER_UNIT - TABLE_END),
);
/** Narrower than any utility difference that matters; a deviation of zero would divide by it. */
const MIN_DEVIATION = 1e-9;
/** Scales of the posterior that are tried, from the whole of it downwards. */
const SCALE_STEP = 0.7;
const SCALE_STEPS = 11;
/** Past so many deviations below the best a candidate cannot be the best. */
const HOPELESS = 8;

export interface ExplorationLimits {
  /** Expected utility that one decision may give away at most to learn something. */
  readonly budget: number;
  /** Share of uniform exploration on top: nothing that is eligible has the probability zero. 0..1 */
  readonly floor: number;
}

/**
 * The widest Thompson distribution within the budget: the posterior's deviations are scaled down until the expectation
 * under the distribution is at most `budget` below the best mean (tempered posterior), then mixed with the floor.
 * @param means expected utilities, finite
 * @param variances of the means, at least 0
 * @returns probabilities in the same order, summing to 1
 */
export function thompson(means: readonly number[], variances: readonly number[], limits: ExplorationLimits): number[] {
  const n = means.length;
  if (n <= 1) return means.map(() => 1);
  const best = Math.max(...means);
  const deviations = variances.map(Math.sqrt);
  const within = (step: number): number[] | null => {
    const scale = SCALE_STEP ** step;
    const tried = probabilityOfBest(
      means,
      deviations.map((deviation) => deviation * scale),
    );
    const given = tried.reduce((sum, p, i) => sum + p * (best - (means[i] as number)), 0);
    return given <= limits.budget ? tried : null;
  };
  let chosen = limits.budget > 0 ? within(0) : greedy(means, best);
  if (chosen === null) {
    // What is given away grows with the scale: halving finds the widest, in three or four trials.
    let [wide, narrow] = [0, SCALE_STEPS + 1];
    while (narrow - wide > 1) {
      const step = (wide + narrow) >> 1;
      const tried = within(step);
      if (tried === null) wide = step;
      else [narrow, chosen] = [step, tried];
    }
    chosen ??= greedy(means, best);
  }
  return chosen.map((p) => (1 - limits.floor) * p + limits.floor / n);
}

/** All of the probability on the first of the best. */
function greedy(means: readonly number[], best: number): number[] {
  const first = means.indexOf(best);
  return means.map((_, i) => (i === first ? 1 : 0));
}

/** P(candidate i has the highest value) for independent normal values, by quadrature in the quantiles of each. Sums to 1. */
export function probabilityOfBest(means: readonly number[], deviations: readonly number[]): number[] {
  const n = means.length;
  const widths = deviations.map((deviation) => Math.max(MIN_DEVIATION, deviation));
  const bar = Math.max(...means.map((mean, i) => mean - HOPELESS * (widths[i] as number)));
  const running = means.map((mean, i) => mean + HOPELESS * (widths[i] as number) >= bar);
  const wins = means.map((mean, i) => {
    if (running[i] !== true) return 0;
    let sum = 0;
    for (let k = 0; k < NODES; k++) {
      const value = mean + (widths[i] as number) * (QUANTILES[k] as number);
      let product = 1;
      for (let j = 0; j < n && product > 0; j++)
        if (j !== i && running[j] === true) product *= cdf((value - (means[j] as number)) / (widths[j] as number));
      sum += product;
    }
    return sum;
  });
  const total = wins.reduce((a, b) => a + b, 0);
  return total > 0 ? wins.map((win) => win / total) : greedy(means, Math.max(...means));
}

/** The distribution function by its table, linear between the entries: within 2e-6, in a tenth of the time. */
function cdf(z: number): number {
  if (z <= -TABLE_END) return 0;
  if (z >= TABLE_END) return 1;
  const place = (z + TABLE_END) * TABLE_PER_UNIT;
  const entry = Math.floor(place);
  const low = TABLE[entry] as number;
  return low + (place - entry) * ((TABLE[entry + 1] as number) - low);
}

/** Abramowitz and Stegun 7.1.26 on erfc, absolute error below 1.5e-7. */
function normalCdf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const tail =
    (t *
      (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
      Math.exp(-x * x)) /
    2;
  return z > 0 ? 1 - tail : tail;
}

/** By bisection; only for the nodes, once. */
function normalQuantile(p: number): number {
  let low = -8;
  let high = 8;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
