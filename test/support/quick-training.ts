import { dataSha256 } from '#shared/learning/examples.ts';
import type { trainInWorker } from '#shared/learning/train/in-worker.ts';
import { planOf, versionOf } from '#shared/learning/train/plan.ts';
import { aModel } from './model.ts';

/** What a training gives, but for the weights: those of a fixture. */
export const quickly: typeof trainInWorker = async ({ examples, config, featureSet, watermark, createdAt }) => {
  const plan = planOf(config, examples.length);
  const hash = await dataSha256(examples);
  const version = versionOf({ plan, featureSet, watermark, dataSha256: hash });
  const { manifest, files } = aModel({ version, seed: plan.seed });
  const { rows, holdout_rows } = plan;
  const training = { ...manifest.training, watermark, data_sha256: hash, rows, holdout_rows };
  return { manifest: { ...manifest, created_at: createdAt, training }, files };
};
