/** How much of the way from the rules to the oracle a policy has gone: 0 as the rules, 1 as the oracle, more or less as it is. */
import type { Series } from './numbers.ts';

export interface Window {
  readonly from: number;
  readonly to: number;
}

const EDGES = [
  [0, 500],
  [500, 1_000],
  [1_000, 2_000],
  [2_000, 4_000],
  [5_000, 10_000],
  [10_000, 15_000],
  [15_000, 25_000],
  [25_000, 40_000],
  [40_000, 50_000],
] as const;
/** Longer runs are told by doubling. */
const LAST_EDGE = 50_000;
/** Decisions; a window that the end of the run cuts shorter is noise. */
const SHORTEST = 250;
/** Past it promises are kept so well that there is nothing to win, and a share of nothing is no figure. */
const SMALLEST_GAP = 1e-3;
/** Decisions over which the moving gap is taken. */
export const MOVING_WINDOW = 500;
export const LEVELS = [0.5, 0.8, 0.9, 0.95] as const;

/** As far as the run reaches; a run too short for any is one window. */
export function windowsOf(decisions: number): readonly Window[] {
  const edges: Window[] = EDGES.map(([from, to]) => ({ from, to }));
  for (let from = LAST_EDGE; from < decisions; from *= 2) edges.push({ from, to: 2 * from });
  const reached = edges
    .map(({ from, to }) => ({ from, to: Math.min(to, decisions) }))
    .filter(({ from, to }) => to - from >= SHORTEST);
  return reached.length > 0 ? reached : [{ from: 0, to: decisions }];
}

interface Three {
  readonly policy: Series;
  readonly rules: Series;
  readonly oracle: Series;
}

/** Null: no decision there, or nothing to win. */
export function gapIn({ policy, rules, oracle }: Three, { from, to }: Window): number | null {
  const [mine, low, high] = [policy, rules, oracle].map((series) => series.mean(from, to));
  if (mine == null || low == null || high == null || high - low < SMALLEST_GAP) return null;
  return (mine - low) / (high - low);
}

/** Decisions until the gap over the MOVING_WINDOW last ones first reaches the level; null: not in this run. */
export function decisionsUntil(three: Three, level: number): number | null {
  for (let to = MOVING_WINDOW; to <= three.policy.length; to++) {
    const gap = gapIn(three, { from: to - MOVING_WINDOW, to });
    if (gap !== null && gap >= level) return to;
  }
  return null;
}
