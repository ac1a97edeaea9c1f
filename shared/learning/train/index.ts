import { TRAINING_FOLDS } from '#shared/defaults.ts';
import { sha256Hex } from '#shared/domain/ids.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import type { VersionFiles } from '#shared/registry/versions.ts';
import { type Backend, type BackendName, useBackend } from '../backend.ts';
import { assertSameFeatureSet, encode, inputWidth } from '../encoding.ts';
import type { Example } from '../example.ts';
import { dataSha256, type FeatureSet } from '../examples.ts';
import { artefactOf } from '../model/artefact.ts';
import { buildModel, predictRaw } from '../model/build.ts';
import { fitModel } from '../model/fit.ts';
import { encodeOutOfFold } from '../out-of-fold.ts';
import { seededRandom } from '../random.ts';
import { crossFit } from './cross-fit.ts';
import { baseRateBias, encodingOf, targetScalesOf, trainingData } from './dataset.ts';
import { planOf, type TrainConfig, type TrainPlan, versionOf } from './plan.ts';
import { type Split, splitByTime } from './split.ts';

/** All of it can cross to a worker. */
export interface TrainRequest {
  /** Matured attempts in any order: no decision among them may still wait for its end, or failures would come first. */
  readonly examples: readonly Example[];
  readonly config: TrainConfig;
  readonly featureSet: FeatureSet;
  /** RFC 3339: the examples were ingested up to here. */
  readonly watermark: string;
  /** RFC 3339, world time. */
  readonly createdAt: string;
  /** Pins the backend; without it the best available. A version repeats bit for bit on its own backend only. */
  readonly backend?: BackendName;
}

export type TrainProgress =
  | { readonly kind: 'backend'; readonly backend: Backend }
  | ({ readonly kind: 'epoch' } & Epoch)
  /** After the last epoch of the final network: one that leaves a fold out, from 1. */
  | ({ readonly kind: 'fold'; readonly fold: number; readonly folds: number } & Epoch);

interface Epoch {
  readonly epoch: number;
  readonly epochs: number;
  readonly loss: number;
}

export interface TrainedModel {
  readonly manifest: Manifest;
  readonly files: Required<VersionFiles>;
}

/**
 * Examples -> a model version, its files and manifest. A pure function of the request, on one backend bit for bit. Busy for
 * seconds, most of them for the folds: servers call `trainInWorker`. Leaves no tensor behind.
 * @throws RejectedError not_enough_data, artefact_incompatible (examples of another feature set), event_invalid (a number
 *   that is not finite), artefact_corrupt (training diverged), backend_unavailable
 */
export async function trainModel(
  request: TrainRequest,
  onProgress: (progress: TrainProgress) => void = () => undefined,
): Promise<TrainedModel> {
  const plan = planOf(request.config, request.examples.length);
  assertUsable(request.examples, request.featureSet);
  const backend = await useBackend(request.backend);
  onProgress({ kind: 'backend', backend });
  const split = splitByTime(request.examples, plan.holdout_rows);
  const encoding = encodingOf(split.training);
  const targets = targetScalesOf(split.training);
  const shape = { inputs: inputWidth(encoding), hidden: plan.hidden };
  const model = buildModel(shape, plan.seed, baseRateBias(split.training));
  try {
    await fitModel(model, trainingData(split.training, encoding, targets), plan, {
      random: seededRandom(plan.seed),
      onEpoch: (epoch, loss) => onProgress({ kind: 'epoch', epoch, epochs: plan.epochs, loss }),
    });
    const { files: network, weights } = await artefactOf(model, shape);
    const outOfFold = await crossFit(split.training, { plan, shape, encoding, targets }, (fold, epoch, loss) =>
      onProgress({ kind: 'fold', fold: fold + 1, folds: TRAINING_FOLDS, epoch, epochs: plan.epochs, loss }),
    );
    const files = { ...network, 'out-of-fold.bin': encodeOutOfFold(outOfFold) };
    const { features } = lastOf(split.training);
    const golden = new Float32Array(shape.inputs);
    encode(encoding, features, golden, 0);
    const training = await trainingFacts(request, plan, split, backend);
    const manifest: Manifest = {
      format: 'aurora-router-model/1',
      version: versionOf({
        plan,
        featureSet: request.featureSet,
        watermark: request.watermark,
        dataSha256: training.data_sha256,
      }),
      created_at: request.createdAt,
      feature_set: { set: request.featureSet.set, hash: request.featureSet.hash },
      encoding,
      hidden: [...plan.hidden],
      targets: { ...targets },
      weights,
      files: {
        'model.json': fileFacts(files['model.json']),
        'weights.bin': fileFacts(files['weights.bin']),
        'out-of-fold.bin': fileFacts(files['out-of-fold.bin']),
      },
      golden: { features, output: [...predictRaw(model, golden, 1)] },
      training,
    };
    return { manifest, files };
  } finally {
    model.dispose();
  }
}

async function trainingFacts(
  { examples, watermark }: TrainRequest,
  plan: TrainPlan,
  { training, holdout }: Split,
  backend: Backend,
): Promise<Manifest['training']> {
  const { epochs, batch_size, learning_rate, l2, seed, rows, holdout_rows } = plan;
  const last = holdout.at(-1) ?? training.at(-1);
  return {
    backend: backend.name,
    seed,
    epochs,
    batch_size,
    learning_rate,
    l2,
    watermark,
    data_sha256: await dataSha256(examples),
    rows,
    holdout_rows,
    first_decided_at: training[0] === undefined ? null : rfc3339(training[0].decided_at),
    last_decided_at: last === undefined ? null : rfc3339(last.decided_at),
  };
}

const fileFacts = (bytes: Uint8Array): { sha256: string; bytes: number } => ({
  sha256: sha256Hex(bytes),
  bytes: bytes.byteLength,
});

function lastOf(rows: readonly Example[]): Example {
  const last = rows.at(-1);
  if (last === undefined) throw new RejectedError('not_enough_data', 'expected rows before the holdout, got none');
  return last;
}

/** NaN in, NaN out: one number that is not finite would poison every weight. */
function assertUsable(examples: readonly Example[], featureSet: FeatureSet): void {
  const first = examples[0]?.features;
  for (const example of examples) {
    const { features, decision_id: id } = example;
    assertSameFeatureSet(featureSet, features);
    const sameShape =
      features.numeric.length === first?.numeric.length && features.categorical.length === first.categorical.length;
    if (!sameShape)
      throw new RejectedError(
        'artefact_incompatible',
        `decision ${id}: its features have another shape than the first's`,
      );
    const { log_price_ratio, log_latency_ratio, log_ready_ms, exposure_hours, run_hours } = example;
    const numbers = [...features.numeric, log_price_ratio, log_latency_ratio, log_ready_ms, exposure_hours, run_hours];
    const bad = numbers.find((value) => value !== null && !Number.isFinite(value));
    if (bad !== undefined)
      throw new RejectedError('event_invalid', `decision ${id}: expected finite numbers, got ${bad}`);
  }
}
