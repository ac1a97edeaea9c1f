import { MAX_TRAINING_STEPS, MIN_TRAINING_EXAMPLES, MIN_TRAINING_STEPS, TRAINING_EPOCHS } from '#shared/defaults.ts';
import { sha256Hex } from '#shared/domain/ids.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import type { FeatureSet } from '../examples.ts';

export interface TrainConfig {
  /** Widths of the deep part's layers. */
  readonly hidden: readonly number[];
  /** Null: by the number of rows (TRAINING_EPOCHS and the bounds on steps). */
  readonly epochs: number | null;
  readonly batch_size: number;
  readonly learning_rate: number;
  /** Penalty on the squared kernels, per mean loss of a row. */
  readonly l2: number;
  readonly seed: number;
  /** Share of the rows, last in time, kept from training. */
  readonly holdout_share: number;
}

/**
 * On generated rows with a known truth (test/support/learning.ts) the completion log-loss comes within .005 of the truth's
 * own at 4,000 rows and .001 at 12,000. A change changes every version's name.
 */
export const TRAIN_DEFAULTS: TrainConfig = {
  hidden: [64, 32],
  epochs: null,
  batch_size: 256,
  learning_rate: 0.003,
  l2: 1e-3,
  seed: 1,
  holdout_share: 0.2,
};

/** What will be done, all of it known before the first step. */
export interface TrainPlan extends Omit<TrainConfig, 'epochs' | 'holdout_share'> {
  readonly epochs: number;
  readonly rows: number;
  readonly holdout_rows: number;
}

/** Bump when the same plan and rows would give other weights: versions of different recipes must not share a name. */
const RECIPE = 'wide-deep/1';

/** @throws RejectedError not_enough_data */
export function planOf(config: TrainConfig, rows: number): TrainPlan {
  if (rows < MIN_TRAINING_EXAMPLES)
    throw new RejectedError(
      'not_enough_data',
      `expected at least ${MIN_TRAINING_EXAMPLES} matured examples, got ${rows}`,
    );
  const { epochs, holdout_share: share, ...rest } = config;
  const holdoutRows = Math.min(rows - 1, Math.round(rows * share));
  const stepsPerEpoch = Math.ceil((rows - holdoutRows) / config.batch_size);
  const wanted = Math.max(TRAINING_EPOCHS, Math.ceil(MIN_TRAINING_STEPS / stepsPerEpoch));
  const bounded = Math.max(1, Math.min(wanted, Math.floor(MAX_TRAINING_STEPS / stepsPerEpoch)));
  return { ...rest, epochs: epochs ?? bounded, rows, holdout_rows: holdoutRows };
}

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
