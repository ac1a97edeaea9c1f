/** How long an event of the scenario is felt: regret is what the oracle would have had more, each in its own state. */
import type { Series } from './numbers.ts';

/** Decisions before the event over which the level to come back to is taken. */
const BEFORE = 500;
/** Decisions that have to be well, on average, for the policy to be back. */
const WELL = 250;
/** True expected utility by which "back" may miss the level before: a tenth of what most gaps are. */
export const TOLERANCE = 0.02;

/** In decisions; `to` is past the end of the run when the event outlives it. */
export interface EventSpan {
  readonly from: number;
  readonly to: number;
}

/** Decisions until mean regret is back to its level before the event plus TOLERANCE. */
export interface Recovery {
  /** Null: not before the event, or the run, ended. */
  readonly after_start: number | null;
  /** Null: not before the run ended; or the run ended before the event did. */
  readonly after_end: number | null;
  /** Did the event end within the run? */
  readonly ended: boolean;
}

export function recoveryOf(regret: Series, { from, to }: EventSpan): Recovery {
  const before = regret.mean(from - BEFORE, from);
  // Nothing came before it: the oracle's own level is the one to reach.
  const level = (before ?? 0) + TOLERANCE;
  const ended = to < regret.length;
  return {
    after_start: firstWell(regret, level, from, Math.min(to, regret.length)),
    after_end: ended ? firstWell(regret, level, to, regret.length) : null,
    ended,
  };
}

/** The first decision from which WELL decisions have a mean regret of at most `level`; a shorter stretch is taken whole. */
function firstWell(regret: Series, level: number, from: number, to: number): number | null {
  const well = Math.min(WELL, to - from);
  for (let at = from; at + well <= to; at++) {
    const mean = regret.mean(at, at + well);
    if (mean !== null && mean <= level) return at - from;
  }
  return null;
}
