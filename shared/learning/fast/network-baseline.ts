/** What a network says of candidates, as the linear predictors that the fast learner corrects. */
import type { Features } from '#shared/domain/features.ts';
import type { TargetScales } from '../heads.ts';
import { type Network, OUTPUTS, type WordSums } from '../network.ts';
import type { Baseline } from './estimate.ts';

/** Raw outputs (heads.ts) in natural units, a baseline each; null where one of them is not finite: a sum would keep it forever. */
export function networkBaselines(
  network: Network,
  { price, latency, ready }: TargetScales,
): (features: readonly Features[]) => readonly (Baseline | null)[] {
  // An offer has the same list of words for each request of a workload type.
  const wordSums: WordSums = new WeakMap();
  return (features) => {
    const raw = network.forward(features, wordSums);
    return features.map((_, i) => {
      const z = (head: number): number => raw[i * OUTPUTS + head] as number;
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
}
