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
  return {
    contestant: versionContestant({ manifest, network, outOfFold: files['out-of-fold.bin'] }),
    network: { network, targets: manifest.targets },
    holdoutRows: manifest.training.holdout_rows,
  };
};
