import { RejectedError } from '#shared/errors.ts';
import { type Evaluation, evaluate, usable } from '#shared/learning/evaluate/index.ts';
import { type Predictions, predictionsOf } from '#shared/learning/evaluate/predictions.ts';
import type { Example } from '#shared/learning/example.ts';
import { inOrder } from '#shared/learning/examples.ts';
import { createNetwork } from '#shared/learning/network.ts';
import type { Manifest } from '#shared/registry/manifest.ts';

/** A version's manifest and weights.bin, as stored. */
export interface StoredModel {
  readonly manifest: Manifest;
  readonly weights: Uint8Array;
}

/** Networks alone, without learner and policy: for worlds whose features are not the router's. */
export async function evaluateModel(input: {
  readonly training: readonly Example[];
  readonly holdout: readonly Example[];
  readonly challenger: StoredModel;
  readonly champion: StoredModel | null;
  readonly seed: number;
}): Promise<Evaluation> {
  const { training, holdout, challenger, champion, seed } = input;
  const { version, feature_set: set, encoding } = challenger.manifest;
  const rows = inOrder(holdout).filter((row) => usable(row, set, encoding));
  const claimsOf = ({ manifest, weights }: StoredModel): Promise<Predictions> =>
    predictionsOf(createNetwork(manifest, weights), manifest.targets, rows);
  const office = await championOf(champion, claimsOf);
  return evaluate({
    version,
    training,
    rows,
    refused_rows: holdout.length - rows.length,
    claims: { challenger: await claimsOf(challenger), champion: office.claims, linear: null, network: null },
    champion: champion?.manifest.version ?? null,
    champion_skipped: office.skipped,
    policy: null,
    drift: null,
    seed,
  });
}

async function championOf(stored: StoredModel | null, claimsOf: (model: StoredModel) => Promise<Predictions>) {
  if (stored === null) return { claims: null, skipped: null };
  try {
    return { claims: await claimsOf(stored), skipped: null };
  } catch (error) {
    if (!(error instanceof RejectedError) || error.code !== 'artefact_incompatible') throw error;
    return { claims: null, skipped: error.message };
  }
}
