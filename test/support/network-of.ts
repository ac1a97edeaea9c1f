import { useBackend } from '#shared/learning/backend.ts';
import { inputWidth } from '#shared/learning/encoding.ts';
import { artefactOf } from '#shared/learning/model/artefact.ts';
import { buildModel } from '#shared/learning/model/build.ts';
import { fitModel } from '#shared/learning/model/fit.ts';
import { seededRandom } from '#shared/learning/random.ts';
import { baseRateBias, encodingOf, targetScalesOf, trainingData } from '#shared/learning/train/dataset.ts';
import type { TrainRequest } from '#shared/learning/train/index.ts';
import { planOf } from '#shared/learning/train/plan.ts';
import { splitByTime } from '#shared/learning/train/split.ts';
import type { StoredModel } from './evaluate-model.ts';
import { aModel } from './model.ts';

/** The network that `trainModel` gives, in a quarter of the time: nothing is foretold out of fold, so it can be evaluated and not served. */
export async function networkOf({ examples, config, featureSet }: TrainRequest): Promise<StoredModel> {
  const plan = planOf(config, examples.length);
  await useBackend();
  const { training } = splitByTime(examples, plan.holdout_rows);
  const encoding = encodingOf(training);
  const targets = targetScalesOf(training);
  const shape = { inputs: inputWidth(encoding), hidden: plan.hidden };
  const model = buildModel(shape, plan.seed, baseRateBias(training));
  try {
    const random = seededRandom(plan.seed);
    await fitModel(model, trainingData(training, encoding, targets), plan, { random, onEpoch: () => undefined });
    const { files, weights } = await artefactOf(model, shape);
    const { manifest } = aModel();
    const { set, hash } = featureSet;
    return {
      manifest: {
        ...manifest,
        version: `toy-${plan.seed}`,
        feature_set: { set, hash },
        encoding,
        hidden: [...plan.hidden],
        targets,
        weights,
        training: { ...manifest.training, rows: plan.rows, holdout_rows: plan.holdout_rows },
      },
      weights: files['weights.bin'],
    };
  } finally {
    model.dispose();
  }
}
