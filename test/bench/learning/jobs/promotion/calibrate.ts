/**
 * From an uplift to a challenger that has it. In: a world and the beliefs' seed. Out: the angle at which the challenger alone, on
 * its own copy of the world, is worth so much more than the rules as they act on theirs; found by bisection, with common random
 * numbers.
 */
import { seriesOf } from '#cli/wargame/measures/numbers.ts';
import { playedBy } from '#cli/wargame/policies/played.ts';
import { HEARS_NOTHING, type Policy, type PolicyOf } from '#cli/wargame/policies/policy.ts';
import { playWorld, type WorldOptions } from '#cli/wargame/world.ts';
import { EXPLORATION_EPSILON } from '#shared/defaults.ts';
import { epsilonSoftened } from '#shared/learning/policy/chances.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import { type Beliefs, challengerPlayer } from './challenger.ts';

export interface Calibrated {
  readonly beliefs: Beliefs;
  /** That was reached. */
  readonly uplift: number;
}

export const UPLIFT_TOLERANCE = 0.004;
/** Four or five do; past so many the choices, which are discrete, follow the angle no more. */
const MAX_STEPS = 20;

/** @param world a stretch of the world in which the challenger will be tried */
export async function calibrated(world: WorldOptions, seed: number, uplift: number): Promise<Calibrated> {
  const rules = await worthOf(world, rulesAsTheyAct);
  const upliftAt = async (angle: number): Promise<number> =>
    (await worthOf(world, challengerAlone({ seed, angle }))) - rules;
  const found = await angleOf(uplift, UPLIFT_TOLERANCE, upliftAt);
  return { beliefs: { seed, angle: found.angle }, uplift: found.uplift };
}

/**
 * @param upliftAt falls from 0 to pi, but for what load makes of single choices
 * @returns the first angle within the tolerance; else, of all that were tried, the nearest
 */
export async function angleOf(
  target: number,
  tolerance: number,
  upliftAt: (angle: number) => Promise<number>,
): Promise<{ readonly angle: number; readonly uplift: number }> {
  let [low, high] = [0, Math.PI];
  let nearest = { angle: 0, uplift: Number.POSITIVE_INFINITY };
  for (let step = 0; step < MAX_STEPS && Math.abs(nearest.uplift - target) > tolerance; step++) {
    const angle = (low + high) / 2;
    const uplift = await upliftAt(angle);
    if (Math.abs(uplift - target) < Math.abs(nearest.uplift - target)) nearest = { angle, uplift };
    if (uplift > target) low = angle;
    else high = angle;
  }
  return nearest;
}

/** Mean true expected utility of the choices. */
async function worthOf(world: WorldOptions, policyOf: PolicyOf): Promise<number> {
  const { utility } = await playWorld(world, policyOf);
  return seriesOf(utility).mean(0, utility.length) ?? Number.NaN;
}

/** As they act while nobody looks on: the control of a switchback. */
const rulesAsTheyAct = (): Policy => ({
  ...HEARS_NOTHING,
  distribution: ({ workload, offers }) =>
    epsilonSoftened(
      offers.map((offer) => classicScore(workload.weights, offer)),
      workload.priority === 'critical' ? 0 : EXPLORATION_EPSILON,
    ),
});

const challengerAlone =
  (beliefs: Beliefs): PolicyOf =>
  (market) => ({ ...playedBy(challengerPlayer(beliefs, market)), ...HEARS_NOTHING });
