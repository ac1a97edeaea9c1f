import type { HostClock } from '#shared/ports/clock.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import type { Registry } from '#shared/registry/registry.ts';
import { assertSameFeatureSet } from '../encoding.ts';
import { FEATURE_SET } from '../features.ts';
import { readTrainingSet } from '../training-set.ts';
import type { trainInWorker } from './in-worker.ts';
import type { TrainProgress } from './index.ts';
import { assertSameRows, compared, type Reproduction, retrainingOf } from './reproduction.ts';

export interface ReproduceDeps {
  readonly registry: Pick<Registry, 'loadVersion'>;
  readonly warehouse: Warehouse;
  readonly trainModel: typeof trainInWorker;
  readonly clock: HostClock;
  readonly signal: AbortSignal;
  onProgress(progress: TrainProgress): void;
}

/**
 * Trains a version again from its manifest and the rows frozen at its watermark, and compares. Writes nothing.
 * @throws RejectedError version_unknown, artefact_corrupt, artefact_incompatible (another build's features), record_changed,
 *   backend_unavailable, and what trainModel throws
 * @throws TransientError as `trainInWorker`, and when registry or record are away
 */
export async function reproduce(version: string, deps: ReproduceDeps): Promise<Reproduction> {
  const { registry, warehouse, trainModel, clock, signal, onProgress } = deps;
  const recorded = await registry.loadVersion(version);
  const { manifest } = recorded;
  // The record gives rows of this build's features only: of another build's it would give none.
  assertSameFeatureSet(FEATURE_SET, manifest.feature_set);
  const examples = await readTrainingSet(warehouse, manifest.training.watermark);
  await assertSameRows(manifest, examples);
  const again = await trainModel(retrainingOf(manifest, examples), { clock, signal, onProgress });
  return compared(recorded, again);
}
