/**
 * Is the challenger better than the control? By the pairs of a switchback, looked at in fixed steps (group-sequential): at each
 * number of matured pairs once, on exactly the first so many, so that the answer is a function of the record, however often
 * it is asked for.
 *
 * The design. Better: the one-sided sign-flip test at the nominal level of every look, Pocock's (1977) constant for these looks,
 * which makes .05 of all of them together on a challenger that is exactly as good, and less on a worse one. Worse, or not worth
 * going on: p of "worse" below .1 at any look, which only ever ends a trial early and so costs no error (non-binding futility).
 * After the last look without a proof the trial is lost. Before it stands the gate on the record, which keeps most of the worse
 * ones from ever being tried.
 */
import {
  SWITCHBACK_FUTILITY_ALPHA,
  SWITCHBACK_FUTILITY_LOOKS,
  SWITCHBACK_LOOK_ALPHA,
  SWITCHBACK_LOOKS,
} from '#shared/defaults.ts';
import { type PairDifference, subsetMeans } from './subset-means.ts';

export interface TrialVerdict {
  /** better, worse, unproved: decided, whatever follows; open: goes on. */
  readonly verdict: 'better' | 'worse' | 'unproved' | 'open';
  /** Matured pairs of blocks that were looked at. */
  readonly pairs: number;
  /** Uplift of mean realised utility, challenger - control, with its one-sided 95 % limits; null: too few pairs. */
  readonly uplift: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** One-sided, of "no better". */
  readonly p: number | null;
  readonly reason: string;
}

const LIMIT_ALPHA = 0.05;

/** @param pairs in their order @param seed of the subsets that are drawn when there are too many to go through */
export function testSwitchback(pairs: readonly PairDifference[], seed: number): TrialVerdict {
  const looks = [...SWITCHBACK_FUTILITY_LOOKS, ...SWITCHBACK_LOOKS].filter((look) => look <= pairs.length);
  for (const look of looks) {
    const seen = subsetMeans(pairs.slice(0, look), seed);
    const proves = SWITCHBACK_LOOKS.includes(look);
    if (proves && seen.pBetter <= SWITCHBACK_LOOK_ALPHA) return verdictOf('better', pairs.slice(0, look), seed);
    if (seen.pWorse <= SWITCHBACK_FUTILITY_ALPHA) return verdictOf('worse', pairs.slice(0, look), seed);
  }
  const last = SWITCHBACK_LOOKS.at(-1) ?? 0;
  return pairs.length >= last ? verdictOf('unproved', pairs.slice(0, last), seed) : verdictOf('open', pairs, seed);
}

function verdictOf(verdict: TrialVerdict['verdict'], pairs: readonly PairDifference[], seed: number): TrialVerdict {
  if (pairs.length === 0)
    return { verdict, pairs: 0, uplift: null, low: null, high: null, p: null, reason: 'no pair of blocks has matured' };
  const means = subsetMeans(pairs, seed);
  const weight = pairs.reduce((sum, pair) => sum + pair.weight, 0);
  const uplift = pairs.reduce((sum, pair) => sum + pair.weight * pair.difference, 0) / weight;
  const [low, high] = [means.lower(LIMIT_ALPHA), means.upper(LIMIT_ALPHA)];
  const facts = `uplift ${text(uplift)} (one-sided 95 % limits ${text(low)} and ${text(high)}) over ${pairs.length} pairs of blocks`;
  return {
    verdict,
    pairs: pairs.length,
    uplift,
    low,
    high,
    p: means.pBetter,
    reason: `${WORDS[verdict]}: ${facts}, p ${means.pBetter.toPrecision(2)}`,
  };
}

const WORDS: Readonly<Record<TrialVerdict['verdict'], string>> = {
  better: 'proved better',
  worse: 'worse, or not worth going on',
  unproved: 'not proved better by the last look',
  open: 'still open',
};

const text = (value: number | null): string => (value === null ? 'none' : value.toFixed(4));
