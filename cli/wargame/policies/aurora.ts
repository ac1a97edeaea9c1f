import { EXPLORATION } from '#shared/learning/policy/thompson.ts';
import { createDriver, type DriverStage } from '#shared/learning/stages/driver.ts';
import { createPlayer } from '#shared/learning/stages/player.ts';
import { trainInProcess } from '#shared/learning/stages/train-in-process.ts';
import { drivenBy, playedBy } from './played.ts';
import type { Policy } from './policy.ts';

/** The fast learner on its own, acting from its first decision, as it is deployed: same budget, same floor. */
export const linearPolicy = (): Policy => playedBy(createPlayer(EXPLORATION));

const SEED = 1;
const atStage = (stage: DriverStage) => (): Policy =>
  drivenBy(createDriver({ stage, exploration: EXPLORATION, seed: SEED, train: trainInProcess }));

/** The learner from the first decision; a trained version takes over when it passes the gate on the record. */
export const auroraPolicy = atStage('online');
/** The rules first; learner and versions have to pass gate and switchback. */
export const autoPolicy = atStage('auto');
