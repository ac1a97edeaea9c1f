/** The figures of one policy: in each world, their mean over the worlds, and the worst world of each figure. */
import type { Play } from '../world.ts';
import { decisionsUntil, gapIn, LEVELS, type Window } from './gap.ts';
import { type Series, seriesOf } from './numbers.ts';
import { type EventSpan, type Recovery, recoveryOf } from './recovery.ts';

/** Null: not known in this run, each for the reason that its own measure gives. */
export interface Figures {
  /** Mean true expected utility of a decision. */
  readonly utility: number | null;
  /** Over the whole run. */
  readonly gap: number | null;
  readonly gap_by_window: readonly (Window & { readonly gap: number | null })[];
  /** Of the decisions that were not censored. */
  readonly completed_share: number | null;
  /** All that was paid, over the work that was kept. */
  readonly usd_per_completed_gpu_hour: number | null;
  readonly p95_latency_ms: number | null;
  /** What the oracle had more, summed over the decisions. */
  readonly regret: number;
  readonly no_offer: number;
  /** Per cent of the gap -> decisions. */
  readonly decisions_until_gap: Readonly<Record<string, number | null>>;
  /** In the order of the events. */
  readonly recovery: readonly Recovery[];
}

/** Plays of one world: the policy's own, and the two that the gap is measured between. */
interface PlaysOfWorld {
  readonly policy: Play;
  readonly rules: Play;
  readonly oracle: Play;
}

export function figuresOf(
  { policy, rules, oracle }: PlaysOfWorld,
  { windows, events }: { readonly windows: readonly Window[]; readonly events: readonly EventSpan[] },
): Figures {
  const three = { policy: seriesOf(policy.utility), rules: seriesOf(rules.utility), oracle: seriesOf(oracle.utility) };
  const whole = { from: 0, to: policy.utility.length };
  const regret = regretOf(policy, oracle);
  const { realised } = policy;
  const judged = realised.decisions - realised.censored;
  return {
    utility: three.policy.mean(whole.from, whole.to),
    gap: gapIn(three, whole),
    gap_by_window: windows.map((window) => ({ ...window, gap: gapIn(three, window) })),
    completed_share: ratio(realised.completed, judged),
    usd_per_completed_gpu_hour: ratio(realised.cost_usd, realised.useful_gpu_hours),
    p95_latency_ms: realised.p95_latency_ms,
    regret: regret.total,
    no_offer: realised.no_offer,
    decisions_until_gap: Object.fromEntries(LEVELS.map((level) => [percent(level), decisionsUntil(three, level)])),
    recovery: events.map((event) => recoveryOf(regret, event)),
  };
}

/** A request that only one of the two could serve has no regret. */
const regretOf = (policy: Play, oracle: Play): Series =>
  seriesOf(policy.utility.map((mine, at) => (oracle.utility[at] as number) - mine));

const ratio = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null);
const percent = (level: number): string => String(Math.round(100 * level));

/** Over worlds; null as soon as it is null in one. */
type Fold = (values: readonly number[]) => number;
const mean: Fold = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const least: Fold = (values) => Math.min(...values);
const most: Fold = (values) => Math.max(...values);

export const meanOver = (worlds: readonly Figures[]): Figures => combined(worlds, mean, mean);
/** Each figure from the world where it is worst. */
export const worstOver = (worlds: readonly Figures[]): Figures => combined(worlds, least, most);

/** @param good of figures where more is better. @param bad of figures where less is. */
function combined(worlds: readonly Figures[], good: Fold, bad: Fold): Figures {
  const over = (how: Fold, figure: (world: Figures) => number | null | undefined): number | null => {
    const values = worlds.map(figure);
    return values.every((value) => typeof value === 'number') ? how(values as number[]) : null;
  };
  const first = worlds[0];
  if (first === undefined) throw new RangeError('expected at least one world, got none');
  return {
    utility: over(good, (world) => world.utility),
    gap: over(good, (world) => world.gap),
    gap_by_window: first.gap_by_window.map(({ from, to }, at) => ({
      from,
      to,
      gap: over(good, (world) => world.gap_by_window[at]?.gap),
    })),
    completed_share: over(good, (world) => world.completed_share),
    usd_per_completed_gpu_hour: over(bad, (world) => world.usd_per_completed_gpu_hour),
    p95_latency_ms: over(bad, (world) => world.p95_latency_ms),
    regret: bad(worlds.map((world) => world.regret)),
    no_offer: bad(worlds.map((world) => world.no_offer)),
    decisions_until_gap: Object.fromEntries(
      Object.keys(first.decisions_until_gap).map((level) => [
        level,
        over(bad, (world) => world.decisions_until_gap[level]),
      ]),
    ),
    recovery: first.recovery.map((_, at) => ({
      after_start: over(bad, (world) => world.recovery[at]?.after_start),
      after_end: over(bad, (world) => world.recovery[at]?.after_end),
      ended: worlds.every((world) => world.recovery[at]?.ended === true),
    })),
  };
}
