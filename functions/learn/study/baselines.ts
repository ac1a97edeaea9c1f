/**
 * What was said of a candidate before the learner had its say. For the learner on its own that is NO_RECORD; for a version what
 * its network predicts. Of rows that its training saw, only what was predicted without them: the network knows their answers,
 * and a learner that corrected those would find nothing to correct.
 */
import type { Features } from '#shared/domain/features.ts';
import { type Baseline, NO_RECORD } from '#shared/learning/fast/estimate.ts';
import type { TargetScales } from '#shared/learning/heads.ts';
import { provenNetwork } from '#shared/learning/scorer.ts';
import type { Manifest } from '#shared/registry/manifest.ts';

/** Null: nothing that may be corrected is known of it. */
export type Baselines = (of: {
  /** Of the attempt. */
  readonly key: string;
  readonly features: Features;
  readonly trained: boolean;
}) => Baseline | null;

/** A version's files, as they go to the thread. */
export interface ModelFiles {
  readonly manifest: Manifest;
  readonly weights: Uint8Array;
  /** What was predicted of rows of the training by networks that had not seen them, by the attempt's key; null: not known. */
  readonly outOfFold: ReadonlyMap<string, Baseline> | null;
}

export const noRecord: Baselines = () => NO_RECORD;

/** @throws RejectedError artefact_incompatible, artefact_corrupt */
export function baselinesOf({ manifest, weights, outOfFold }: ModelFiles): Baselines {
  const network = provenNetwork(manifest, weights);
  return ({ key, features, trained }) =>
    trained ? (outOfFold?.get(key) ?? null) : unscaled(network.forward([features]), manifest.targets);
}

/** Raw outputs (heads.ts) as linear predictors; null when one of them is none, for a sum keeps an infinity forever. */
function unscaled(raw: ArrayLike<number>, { price, latency, ready }: TargetScales): Baseline | null {
  const z = (head: number): number => raw[head] as number;
  const baseline = {
    start: z(0),
    hazard: z(1),
    price: z(2) * price.std + price.mean,
    latency: z(3) * latency.std + latency.mean,
    ready: z(4) * ready.std + ready.mean,
  };
  return Object.values(baseline).every(Number.isFinite) ? baseline : null;
}
