/**
 * Thompson sampling as an explicit distribution: the probability that a candidate is the best, given what is known of each
 * (Thompson 1933; Russo et al., A Tutorial on Thompson Sampling, 2018). Explicit, so that the propensity of every action is
 * known exactly and the choice replays from a decision row. Pure.
 *
 * What is uncertain about all candidates alike (a region, a kind of work) says nothing of who is best, and must not be paid
 * for. So each candidate's variance is that of its difference to the leader, the one of the highest mean; given the leader
 * the others count as independent. The probability of beating the leader alone is exact then.
 */
import { EXPLORATION_BUDGET, EXPLORATION_FLOOR, EXPLORATION_SHARE } from '#shared/defaults.ts';
import { normalCdf, normalQuantile } from './normal.ts';

/** Equally likely slices of that part of a candidate's distribution in which it beats the leader; one node in each. */
const NODES = 16;
/** Narrower than any utility difference that matters; a deviation of zero would divide by it. */
const MIN_DEVIATION = 1e-9;
/** Scales of the posterior that are tried, from the whole of it downwards. */
const SCALE_STEP = 0.7;
const SCALE_STEPS = 14;
/** A candidate that beats the leader less often than so is not tried for it. */
const HOPELESS = 1e-12;

export interface ExplorationLimits {
  /** Expected utility that one decision may give away at most to learn something. */
  readonly budget: number;
  /**
   * Share of what perfect knowledge of the candidates would gain over the leader (the expected value of perfect information)
   * that may be given away: little is left to learn, little is paid. 0..1
   */
  readonly share: number;
  /** Share of uniform exploration on top: nothing that is eligible has the probability zero. 0..1 */
  readonly floor: number;
}

/** As it is deployed. */
export const EXPLORATION: ExplorationLimits = {
  budget: EXPLORATION_BUDGET,
  share: EXPLORATION_SHARE,
  floor: EXPLORATION_FLOOR,
};

/**
 * The widest Thompson distribution within the limits: the deviations are scaled down until the expectation under the
 * distribution is close enough to the best mean (tempered posterior), then mixed with the floor.
 * @param means expected utilities, finite
 * @param variances of each one's difference to the leader, at least 0; the leader's own is not looked at
 * @returns probabilities in the same order, summing to 1
 */
export function thompson(means: readonly number[], variances: readonly number[], limits: ExplorationLimits): number[] {
  const n = means.length;
  if (n <= 1) return means.map(() => 1);
  const leader = leaderOf(means);
  const best = means[leader] as number;
  const deviations = variances.map(Math.sqrt);
  const lossOf = ({ probabilities }: Contest): number =>
    probabilities.reduce((sum, p, i) => sum + p * (best - (means[i] as number)), 0);
  const at = (step: number): Contest => contestOf(means, deviations, leader, SCALE_STEP ** step);

  const whole = at(0);
  const most = Math.min(limits.budget, limits.share * whole.gain);
  let chosen = lossOf(whole) <= most ? whole.probabilities : null;
  if (chosen === null && most > 0) {
    // What is given away grows with the scale: halving finds the widest, in three or four trials.
    let [wide, narrow] = [0, SCALE_STEPS + 1];
    while (narrow - wide > 1) {
      const step = (wide + narrow) >> 1;
      const tried = at(step);
      if (lossOf(tried) > most) wide = step;
      else [narrow, chosen] = [step, tried.probabilities];
    }
  }
  const acting = chosen ?? means.map((_, i) => (i === leader ? 1 : 0));
  return acting.map((p) => (1 - limits.floor) * p + limits.floor / n);
}

/** The first of the highest. */
export const leaderOf = (means: readonly number[]): number => means.indexOf(Math.max(...means));

interface Contest {
  /** P(each is the best); sums to 1. */
  readonly probabilities: number[];
  /** E[the best] over the leader's mean: what perfect knowledge would gain. */
  readonly gain: number;
}

/** Who is the best, by quadrature in the quantiles of each candidate above the leader's mean. */
export function contestOf(means: readonly number[], deviations: readonly number[], leader: number, scale = 1): Contest {
  const n = means.length;
  const best = means[leader] as number;
  const widths = deviations.map((deviation) => Math.max(MIN_DEVIATION, scale * deviation));
  const tails = means.map((mean, i) => (i === leader ? 0 : normalCdf((mean - best) / (widths[i] as number))));
  const running = tails.flatMap((tail, i) => (tail > HOPELESS ? [i] : []));
  // Side by side: the innermost line runs a thousand times a contest of eight.
  const runningMeans = running.map((i) => means[i] as number);
  const perWidth = running.map((i) => 1 / (widths[i] as number));
  const wins = new Array<number>(n).fill(0);
  let gain = 0;
  for (let at = 0; at < running.length; at++) {
    const i = running[at] as number;
    const [mean, width, tail] = [means[i] as number, widths[i] as number, tails[i] as number];
    let won = 0;
    let gained = 0;
    for (let k = 0; k < NODES; k++) {
      const value = mean - width * normalQuantile((tail * (k + 0.5)) / NODES);
      let product = 1;
      for (let j = 0; j < running.length; j++)
        if (j !== at) product *= normalCdf((value - (runningMeans[j] as number)) * (perWidth[j] as number));
      won += product;
      gained += product * (value - best);
    }
    wins[i] = (tail * won) / NODES;
    gain += (tail * gained) / NODES;
  }
  wins[leader] = running.reduce((product, i) => product * (1 - (tails[i] as number)), 1);
  const total = wins.reduce((a, b) => a + b, 0);
  return { probabilities: wins.map((win) => win / total), gain: Math.max(0, gain) };
}
