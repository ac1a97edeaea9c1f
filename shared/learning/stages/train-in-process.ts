/** Trains a version here and now, for whoever may wait: the agent, the war game. tfjs is loaded by the first training. */

import { FEATURE_SET } from '../features.ts';
import { versionContestant } from '../record/contestant.ts';
import { provenNetwork } from '../scorer.ts';
import type { TrainVersion } from './train-version.ts';

export const trainInProcess: TrainVersion = async ({ examples, watermark, seed }) => {
  const [{ trainModel }, { TRAIN_DEFAULTS }] = await Promise.all([
    import('../train/index.ts'),
    import('../train/plan.ts'),
  ]);
  const { manifest, files } = await trainModel({
    examples,
    config: { ...TRAIN_DEFAULTS, seed },
    featureSet: FEATURE_SET,
    watermark,
    createdAt: watermark,
  });
  const network = provenNetwork(manifest, files['weights.bin']);
  const { version, targets, training } = manifest;
  return {
    contestant: versionContestant({ version, network, targets, outOfFold: () => null }),
    network: { network, targets },
    holdoutRows: training.holdout_rows,
  };
};
