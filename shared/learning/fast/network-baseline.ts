/** What a network predicts, as the fast learner corrects it: linear predictors in place of raw outputs (heads.ts). */
import type { Features } from '#shared/domain/features.ts';
import type { TargetScales } from '../heads.ts';
import { type Network, OUTPUTS, type WordSums } from '../network.ts';
import type { Baseline } from './estimate.ts';

/**
 * One baseline per candidate, in the order given. Null where an output is infinite, for a sum keeps an infinity forever.
 * @throws RejectedError artefact_incompatible as the network does
 */
export function networkBaselines(
  network: Network,
  targets: TargetScales,
): (features: readonly Features[]) => readonly (Baseline | null)[] {
  // An offer has the same list of words for each request of a workload type.
  const remembered: WordSums = new WeakMap();
  return (features) => {
    const raw = network.forward(features, remembered);
    return features.map((_, i) => {
      const baseline = baselineAt(raw, i, targets);
      return Object.values(baseline).every(Number.isFinite) ? baseline : null;
    });
  };
}

/** Of one row of raw outputs. */
export function baselineAt(raw: Float32Array, row: number, { price, latency, ready }: TargetScales): Baseline {
  const z = (head: number): number => raw[row * OUTPUTS + head] as number;
  return {
    start: z(0),
    hazard: z(1),
    price: z(2) * price.std + price.mean,
    latency: z(3) * latency.std + latency.mean,
    ready: z(4) * ready.std + ready.mean,
  };
}
