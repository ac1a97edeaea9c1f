/** What a version's network says of candidates, as linear predictors: the prior mean that the fast learner corrects. */
import type { Features } from '#shared/domain/features.ts';
import type { TargetScales } from '../heads.ts';
import { type Network, OUTPUTS } from '../network.ts';
import type { Baseline } from './estimate.ts';

/** Null for a candidate of which an output is no number: a sum would keep an infinity forever. */
export const networkBaselines =
  (network: Network, { price, latency, ready }: TargetScales) =>
  (features: readonly Features[]): readonly (Baseline | null)[] => {
    const raw = network.forward(features);
    return features.map((_, row) => {
      const z = (head: number): number => raw[row * OUTPUTS + head] as number;
      const baseline = {
        start: z(0),
        hazard: z(1),
        price: z(2) * price.std + price.mean,
        latency: z(3) * latency.std + latency.mean,
        ready: z(4) * ready.std + ready.mean,
      };
      return Object.values(baseline).every(Number.isFinite) ? baseline : null;
    });
  };
