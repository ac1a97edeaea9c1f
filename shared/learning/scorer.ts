import type { Predicted } from '#shared/domain/decision.ts';
import type { Features } from '#shared/domain/features.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import type { Baselines } from './contender.ts';
import { assertSameFeatureSet } from './encoding.ts';
import { expectedUtility, partsFromRaw } from './expected-utility.ts';
import { networkBaselines } from './fast/network-baseline.ts';
import { FEATURE_SET, featuresFor } from './features.ts';
import { createNetwork, type Network, OUTPUTS, type WordSums } from './network.ts';

/** A model version, proved and warm, ready to score. Synchronous, no I/O, loads no tfjs. */
export interface Scorer {
  readonly version: string;
  /** One score per offer, in the order given. @param decidedAtMs world epoch milliseconds */
  score(workload: Workload, offers: readonly Offer[], decidedAtMs: number): CandidateScore[];
  /** For the learner that corrects it. */
  readonly baselines: Baselines;
}

export interface CandidateScore {
  readonly predicted: Predicted;
  readonly expectedUtility: number;
  /** As scored: what the decision row keeps. */
  readonly features: Features;
}

/** A hundred times what sums of float32 in another order differ by, far below any wrong weight. */
const GOLDEN_TOLERANCE = 1e-4;
/** Rows of the warm-up: enough for the engine to compile the inner loops (5 ms for [32,16]). */
const WARM_BATCHES = 200;
const WARM_BATCH = 8;

/**
 * Weights -> network. Proves the artefact before it may serve: feature set, shapes, byte length, finite values, golden vector.
 * @throws RejectedError artefact_incompatible (another feature set), artefact_corrupt
 */
export function provenNetwork(manifest: Manifest, weightsBytes: Uint8Array): Network {
  assertSameFeatureSet(FEATURE_SET, manifest.feature_set);
  const network = createNetwork(manifest, weightsBytes);
  verifyGolden(manifest, network);
  return network;
}

/** Weights -> scorer: proved, then warm. @throws RejectedError artefact_incompatible, artefact_corrupt */
export function loadScorer(manifest: Manifest, weightsBytes: Uint8Array): Scorer {
  const network = provenNetwork(manifest, weightsBytes);
  const warm = Array.from({ length: WARM_BATCH }, () => manifest.golden.features);
  for (let i = 0; i < WARM_BATCHES; i++) network.forward(warm);

  // featuresFor gives an offer the same list of words for each request of a workload type.
  const wordSums: WordSums = new WeakMap();
  return {
    version: manifest.version,
    baselines: networkBaselines(network, manifest.targets),
    score(workload, offers, decidedAtMs) {
      const rows = offers.map(featuresFor(workload, decidedAtMs));
      const raw = network.forward(rows, wordSums);
      return offers.map((offer, i) => {
        const predicted = partsFromRaw(raw, i * OUTPUTS, manifest.targets, workload, offer);
        return { predicted, expectedUtility: expectedUtility(workload, predicted), features: rows[i] as Features };
      });
    },
  };
}

function verifyGolden(manifest: Manifest, network: Network): void {
  const got = network.forward([manifest.golden.features]);
  for (const [i, expected] of manifest.golden.output.entries()) {
    const difference = Math.abs((got[i] as number) - expected);
    if (difference <= GOLDEN_TOLERANCE) continue;
    throw new RejectedError(
      'artefact_corrupt',
      `model ${manifest.version}: golden output ${i} is ${got[i]}, expected ${expected} within ${GOLDEN_TOLERANCE}`,
    );
  }
}
