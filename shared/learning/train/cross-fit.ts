/**
 * What is said of each training row by a network that has not seen it (cross-fitting: Chernozhukov et al. 2018,
 * arXiv:1608.00060). A fast learner that corrected what the final network says of the rows it was trained on would find next to
 * nothing to correct: part of their chance is in its weights.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { TRAINING_FOLDS } from '#shared/defaults.ts';
import { sha256Hex } from '#shared/domain/ids.ts';
import { type Encoding, encode } from '../encoding.ts';
import type { Example } from '../example.ts';
import { NO_RECORD } from '../fast/estimate.ts';
import { attemptKey } from '../fast/lesson.ts';
import { baselineAt } from '../fast/network-baseline.ts';
import type { TargetScales } from '../heads.ts';
import { buildModel, predictRaw, type Shape } from '../model/build.ts';
import { fitModel } from '../model/fit.ts';
import type { OutOfFold } from '../out-of-fold.ts';
import { seededRandom } from '../random.ts';
import { baseRateBias, trainingData } from './dataset.ts';
import { foldPlanOf, type TrainPlan } from './plan.ts';

/**
 * Of the final network. Encoding and scales knew all rows: they are functions of the features, and of a target's mean and
 * spread, of which one row of n is an n-th. A word that only a row's own fold has seen says nothing: the penalty draws its first
 * weights to a hundredth of their size or less (300 and 10,000 rows).
 */
export interface FinalFit {
  readonly plan: TrainPlan;
  readonly shape: Shape;
  readonly encoding: Encoding;
  readonly targets: TargetScales;
}

/** The fold of a row, by its decision alone: all attempts of one fall together, and no other row moves it. */
export const foldOf = (decisionId: string): number =>
  Number.parseInt(sha256Hex(decisionId).slice(0, 8), 16) % TRAINING_FOLDS;

/**
 * Of every row what the network of the other folds predicts; without another fold, what is said without a record. A pure
 * function of its arguments, on one backend bit for bit. Leaves no tensor behind.
 */
export async function crossFit(
  rows: readonly Example[],
  { plan, shape, encoding, targets }: FinalFit,
  onEpoch: (fold: number, epoch: number, loss: number) => void,
): Promise<readonly OutOfFold[]> {
  const folds = rows.map(({ decision_id: id }) => foldOf(id));
  const predictions: OutOfFold[] = [];
  for (let fold = 0; fold < TRAINING_FOLDS; fold++) {
    const own = rows.filter((_, i) => folds[i] === fold);
    const others = rows.filter((_, i) => folds[i] !== fold);
    if (own.length === 0) continue;
    if (others.length === 0) return rows.map((row) => ({ key: attemptKey(row), baseline: NO_RECORD }));
    const foldPlan = foldPlanOf(plan, fold, others.length);
    const model = buildModel(shape, foldPlan.seed, baseRateBias(others));
    try {
      await fitModel(model, trainingData(others, encoding, targets), foldPlan, {
        random: seededRandom(foldPlan.seed),
        onEpoch: (epoch, loss) => onEpoch(fold, epoch, loss),
      });
      for (const prediction of predictionsOf(model, own, { shape, encoding, targets })) predictions.push(prediction);
    } finally {
      model.dispose();
    }
  }
  return predictions;
}

/** Rows predicted at once: dense, 100,000 of them would be 300 MB. */
const BATCH_ROWS = 1024;

function* predictionsOf(
  model: LayersModel,
  rows: readonly Example[],
  { shape, encoding, targets }: Omit<FinalFit, 'plan'>,
): Generator<OutOfFold> {
  for (let from = 0; from < rows.length; from += BATCH_ROWS) {
    const batch = rows.slice(from, from + BATCH_ROWS);
    const inputs = new Float32Array(batch.length * shape.inputs);
    for (const [i, { features }] of batch.entries()) encode(encoding, features, inputs, i * shape.inputs);
    const raw = predictRaw(model, inputs, batch.length);
    for (const [i, row] of batch.entries()) yield { key: attemptKey(row), baseline: baselineAt(raw, i, targets) };
  }
}
