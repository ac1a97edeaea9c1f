/**
 * What was said of a candidate before the learner had its say. For the learner on its own that is NO_RECORD; for a version what
 * its network predicts. Of the rows of its training, wherever they come from, what was predicted without them: the network knows
 * their answers, and a learner that corrected those would find nothing to correct.
 */
import type { Features } from '#shared/domain/features.ts';
import { type Baseline, NO_RECORD } from '#shared/learning/fast/estimate.ts';
import { networkBaselines } from '#shared/learning/fast/network-baseline.ts';
import { decodeOutOfFold } from '#shared/learning/out-of-fold.ts';
import { provenNetwork } from '#shared/learning/scorer.ts';
import type { Manifest } from '#shared/registry/manifest.ts';

/** Null: nothing that may be corrected is known of it. */
export type Baselines = (of: {
  /** Of the attempt. */
  readonly key: string;
  readonly features: Features;
}) => Baseline | null;

/** A version's files, as they go to the thread. */
export interface ModelFiles {
  readonly manifest: Manifest;
  readonly weights: Uint8Array;
  /** Null: an older version, of whose training the watermark is known and no row. */
  readonly outOfFold: Uint8Array | null;
}

export const noRecord: Baselines = () => NO_RECORD;

/** @throws RejectedError artefact_incompatible, artefact_corrupt */
export function baselinesOf({ manifest, weights, outOfFold }: ModelFiles): Baselines {
  const predict = networkBaselines(provenNetwork(manifest, weights), manifest.targets);
  const foretold = outOfFold === null ? () => null : decodeOutOfFold(manifest.version, outOfFold);
  return ({ key, features }) => foretold(key) ?? predict([features])[0] ?? null;
}
