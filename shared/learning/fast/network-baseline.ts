/** What a network predicts, as the fast learner corrects it: linear predictors in place of raw outputs (heads.ts). */
import type { Features } from '#shared/domain/features.ts';
import type { TargetScales } from '../heads.ts';
import { type Network, OUTPUTS } from '../network.ts';
import type { Baseline } from './estimate.ts';

/**
 * One baseline per candidate, in the order given. Null where an output is infinite, for a sum keeps an infinity forever.
 * @throws RejectedError artefact_incompatible as the network does
 */
export function networkBaselines(
  network: Network,
  targets: TargetScales,
): (features: readonly Features[]) => readonly (Baseline | null)[] {
  return (features) => {
    const raw = network.forward(features);
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
