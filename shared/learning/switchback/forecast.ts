/**
 * When a trial can be decided, by its schedule alone: a look is a number of pairs, a pair takes two blocks. Earliest instants:
 * the last runs of a pair end after it, and pairs with nothing to compare put every look off.
 */
import { SWITCHBACK_FUTILITY_LOOKS, SWITCHBACK_LOOKS } from '#shared/defaults.ts';
import { blockEndMs, type Trial } from './schedule.ts';

/** Pairs so far that count, and those that cannot. */
export interface Progress {
  readonly matured: number;
  readonly leftOut: number;
}

export interface Look {
  /** Matured ones. */
  readonly pairs: number;
  /** The last block of the last of them is over, epoch milliseconds. */
  readonly earliestMs: number;
}

export interface TrialForecast {
  /** Null: there was the last one. At the first ones a challenger can only be given up. */
  readonly nextLook: Look | null;
  /** The next at which the challenger can be proved better. */
  readonly nextProof: Look | null;
  /** Whoever is not proved better by then is not. */
  readonly lastLook: Look;
  /** Whatever its blocks hold. */
  readonly endsByMs: number;
}

const LAST_LOOK = Math.max(...SWITCHBACK_LOOKS);
/** Pairs with nothing to compare do not count, but they pass: after so many times the pairs of the last look it was in vain. */
const PATIENCE = 4;

export function forecastOf(trial: Trial, { matured, leftOut }: Progress): TrialForecast {
  const look = (pairs: number): Look => ({ pairs, earliestMs: blockEndMs(trial, 2 * (pairs + leftOut) - 1) });
  const next = (looks: readonly number[]): Look | null => {
    const pairs = Math.min(...looks.filter((each) => each > matured));
    return Number.isFinite(pairs) ? look(pairs) : null;
  };
  return {
    nextLook: next([...SWITCHBACK_FUTILITY_LOOKS, ...SWITCHBACK_LOOKS]),
    nextProof: next(SWITCHBACK_LOOKS),
    lastLook: look(LAST_LOOK),
    endsByMs: endsByMs(trial),
  };
}

/** From then on a trial is given up. */
export const endsByMs = (trial: Trial): number => blockEndMs(trial, PATIENCE * 2 * LAST_LOOK - 1);
/** Why. */
export const TOO_LITTLE = 'not proved better: too few of its blocks could be compared';
