/**
 * Why a candidate was not the best: the smallest single change that would have made it so, by what acted, all else held. Pure.
 * Solved by a scan of the way to the best imaginable value (a utility need not rise all the way), then by bisection.
 */
import type { Predicted } from '#shared/domain/decision.ts';
import type { Weights, Workload } from '#shared/domain/request.ts';
import { expectedUtility } from '../expected-utility.ts';

export interface WhyNot {
  /** What would have had to change. */
  readonly of: 'price' | 'latency' | 'ready_time' | 'ready' | 'completed' | 'reputation' | 'availability';
  /** USD per GPU-hour, milliseconds, or a share of 1. */
  readonly from: number;
  /** Just enough: applied, the candidate is first; a little less, it is not. */
  readonly to: number;
}

/** One figure that may change, towards the best that can be imagined. */
interface Lever {
  readonly of: WhyNot['of'];
  readonly from: number;
  readonly best: number;
  /** Worth of the candidate with the figure changed; higher is better. */
  readonly worth: (changed: number) => number;
}

/**
 * For a model: over its expected utility. P(ready) changes with what follows a start held; P(completed) with P(ready) held.
 * @param toBeat the highest expected utility of the others; to be first is to be above it
 * @returns null: no single change would
 */
export function whyNotByModel(workload: Workload, predicted: Predicted, toBeat: number): WhyNot | null {
  const worthOf = (changes: Partial<Predicted>): number => expectedUtility(workload, { ...predicted, ...changes });
  const survives = predicted.ready > 0 ? predicted.completed / predicted.ready : 0;
  return smallest(
    [
      down('price', predicted.usd_per_gpu_hour, (usd_per_gpu_hour) => worthOf({ usd_per_gpu_hour })),
      down('latency', predicted.latency_ms, (latency_ms) => worthOf({ latency_ms })),
      down('ready_time', predicted.ready_ms, (ready_ms) => worthOf({ ready_ms })),
      lever('ready', predicted.ready, 1, (ready) => worthOf({ ready, completed: ready * survives })),
      lever('completed', predicted.completed, predicted.ready, (completed) => worthOf({ completed })),
    ],
    toBeat,
  );
}

/** What the classic score looks at. Null: the row does not hold it, and it is left out. */
export interface RuleFigures {
  readonly score: number;
  /** USD per GPU-hour. */
  readonly price: number;
  /** Milliseconds, imputed where the provider does not say. */
  readonly latency: number;
  /** 0..1 */
  readonly reputation: number | null;
  readonly availability: number | null;
}

/** For the rules: over the classic score (shared/rules/classic-score.ts), term by term. */
export function whyNotByRules(weights: Weights, figures: RuleFigures, toBeat: number): WhyNot | null {
  const { score, price, latency, reputation, availability } = figures;
  const inverse = (weight: number, from: number) => (to: number) => score + weight * (1 / to - 1 / from);
  const linear = (weight: number, from: number) => (to: number) => score + weight * (to - from);
  return smallest(
    [
      down('price', price, inverse(weights.price, price)),
      down('latency', latency, inverse(weights.latency, latency)),
      ...(reputation === null ? [] : [lever('reputation', reputation, 1, linear(weights.reputation, reputation))]),
      ...(availability === null
        ? []
        : [lever('availability', availability, 1, linear(weights.availability, availability))]),
    ],
    toBeat,
  );
}

const lever = (of: WhyNot['of'], from: number, best: number, worth: Lever['worth']): Lever => ({
  of,
  from,
  best,
  worth,
});

/** Nobody sells for less than a thousandth, and below it numbers only pretend. */
const LEAST = 1e-3;
const down = (of: WhyNot['of'], from: number, worth: Lever['worth']): Lever => lever(of, from, from * LEAST, worth);

/** Shares by what they differ, the rest by the share of itself. */
const sizeOf = ({ of, from, to }: WhyNot): number =>
  of === 'price' || of === 'latency' || of === 'ready_time' ? Math.abs(to - from) / from : Math.abs(to - from);

function smallest(levers: readonly Lever[], toBeat: number): WhyNot | null {
  return levers
    .flatMap((each) => solved(each, toBeat) ?? [])
    .reduce<WhyNot | null>((least, found) => (least !== null && sizeOf(least) <= sizeOf(found) ? least : found), null);
}

const STEPS = 64;
/** Down to neighbouring doubles. */
const HALVINGS = 60;

/** The nearest figure that is enough; null: none on the way is. */
function solved({ of, from, best, worth }: Lever, toBeat: number): WhyNot | null {
  const enough = (at: number): boolean => worth(at) > toBeat;
  if (from === best) return null;
  for (let step = 1; step <= STEPS; step++) {
    // The last one exactly: a sum of steps may miss it.
    const reached = step === STEPS ? best : from + ((best - from) * step) / STEPS;
    if (!enough(reached)) continue;
    let [short, far] = [from + ((best - from) * (step - 1)) / STEPS, reached];
    for (let halving = 0; halving < HALVINGS; halving++) {
      const middle = short + (far - short) / 2;
      if (enough(middle)) far = middle;
      else short = middle;
    }
    return { of, from, to: far };
  }
  return null;
}
