import {
  MAX_TRAINING_BATCH_ROWS,
  MAX_TRAINING_EPOCHS,
  MAX_TRAINING_STEPS,
  MIN_TRAINING_BATCH_ROWS,
  MIN_TRAINING_EXAMPLES,
  TRAINING_STEPS_PER_EPOCH,
  WEIGHT_PRECISION,
} from '#shared/defaults.ts';
import { sha256Hex } from '#shared/domain/ids.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import type { FeatureSet } from '../examples.ts';

/** Null: by the number of training rows. */
export interface TrainConfig {
  /** Widths of the deep part's layers. */
  readonly hidden: readonly number[];
  readonly epochs: number | null;
  readonly batch_size: number | null;
  readonly learning_rate: number;
  /** Penalty on the squared kernels, per mean loss of a row. */
  readonly l2: number | null;
  readonly seed: number;
  /** Share of the rows, last in time, kept from training. */
  readonly holdout_share: number;
}

/**
 * Measured on two markets from 300 to 30,000 rows: docs/decisions/2026-11-23-training-recipe.md. Wider layers gain nothing
 * there. A change changes every version's name.
 */
export const TRAIN_DEFAULTS: TrainConfig = {
  hidden: [32, 16],
  epochs: null,
  batch_size: null,
  learning_rate: 0.005,
  l2: null,
  seed: 1,
  holdout_share: 0.2,
};

/** What will be done, all of it known before the first step. */
export interface TrainPlan extends Omit<TrainConfig, 'epochs' | 'batch_size' | 'l2' | 'holdout_share'> {
  readonly epochs: number;
  readonly batch_size: number;
  readonly l2: number;
  readonly rows: number;
  readonly holdout_rows: number;
}

/** What of it one fit needs. */
type FitPlan = Pick<TrainPlan, 'epochs' | 'batch_size' | 'learning_rate' | 'l2' | 'seed'>;

/** Bump when the same plan and rows would give other weights: versions of different recipes must not share a name. */
const RECIPE = 'wide-deep/2';

/** @throws RejectedError not_enough_data */
export function planOf(config: TrainConfig, rows: number): TrainPlan {
  if (rows < MIN_TRAINING_EXAMPLES)
    throw new RejectedError(
      'not_enough_data',
      `expected at least ${MIN_TRAINING_EXAMPLES} matured examples, got ${rows}`,
    );
  const { holdout_share: share, ...rest } = config;
  const holdoutRows = Math.min(rows - 1, Math.round(rows * share));
  const trainingRows = rows - holdoutRows;
  const batchSize = config.batch_size ?? batchSizeOf(trainingRows);
  return {
    ...rest,
    epochs: config.epochs ?? epochsOf(Math.ceil(trainingRows / batchSize)),
    batch_size: batchSize,
    // Of a sum of losses, a precision penalises half the squared weight; the objective is their mean.
    l2: config.l2 ?? WEIGHT_PRECISION / (2 * trainingRows),
    rows,
    holdout_rows: holdoutRows,
  };
}

/** The nearest power of two that makes about TRAINING_STEPS_PER_EPOCH batches of the rows, within its bounds. */
function batchSizeOf(rows: number): number {
  const wanted = 2 ** Math.round(Math.log2(rows / TRAINING_STEPS_PER_EPOCH));
  return Math.max(MIN_TRAINING_BATCH_ROWS, Math.min(MAX_TRAINING_BATCH_ROWS, wanted));
}

const epochsOf = (stepsPerEpoch: number): number =>
  Math.max(1, Math.min(MAX_TRAINING_EPOCHS, Math.floor(MAX_TRAINING_STEPS / stepsPerEpoch)));

/**
 * How the network that leaves a fold out is trained on the `rows` of the others: in as many steps as the final one, so on
 * batches smaller by as much, under a prior that weighs the same. A function of what the manifest holds, so that it repeats.
 */
export function foldPlanOf(
  { epochs, batch_size, learning_rate, l2, seed, rows: all, holdout_rows }: TrainPlan,
  fold: number,
  rows: number,
): FitPlan {
  const share = rows / (all - holdout_rows);
  return {
    epochs,
    batch_size: Math.max(1, Math.round(batch_size * share)),
    learning_rate,
    l2: l2 / share,
    seed: seed + FOLD_SEEDS * (fold + 1),
  };
}

/** Past the seeds that one network takes from its own (model/build.ts). */
const FOLD_SEEDS = 1_000;

/** What a version is named after: equal inputs, equal name, so a redelivered request trains nothing twice. */
export interface VersionInputs {
  readonly plan: TrainPlan;
  readonly featureSet: FeatureSet;
  /** RFC 3339: rows ingested up to here. */
  readonly watermark: string;
  /** Of the ordered rows: `dataSha256`. */
  readonly dataSha256: string;
}

export function versionOf({ plan, featureSet, watermark, dataSha256 }: VersionInputs): string {
  const { hidden, epochs, batch_size, learning_rate, l2, seed, holdout_rows } = plan;
  const named = [
    RECIPE,
    [featureSet.set, featureSet.hash],
    watermark,
    dataSha256,
    [hidden, epochs, batch_size, learning_rate, l2, seed, holdout_rows],
  ];
  return `v${sha256Hex(JSON.stringify(named)).slice(0, 16)}`;
}

/** The configuration that trains this version again from the same rows. */
export function configOf({ hidden, training }: Manifest): TrainConfig {
  const { epochs, batch_size, learning_rate, l2, seed, rows, holdout_rows } = training;
  return { hidden, epochs, batch_size, learning_rate, l2, seed, holdout_share: holdout_rows / rows };
}
