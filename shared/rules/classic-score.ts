import { IMPUTED_AVAILABILITY_SHARE } from '#shared/defaults.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Weights } from '#shared/domain/request.ts';
import { latencyOf, reputationOf } from './imputed.ts';

/**
 * The rule score of the cluster's router, the baseline that must be beaten; higher is better, without a unit:
 * `w_price/price + w_latency/latency_ms + w_reputation*reputation/100 + w_availability*remaining/total`.
 * What a provider does not say is imputed (shared/defaults.ts). A price near zero would overflow; the largest double
 * stands for it, because a decision row holds finite numbers.
 */
export function classicScore(weights: Weights, offer: Offer): number {
  const { capacity_gpu_hours: remaining, capacity_total_gpu_hours: total } = offer;
  const availability =
    remaining === null || total === null
      ? weights.availability * IMPUTED_AVAILABILITY_SHARE
      : (weights.availability * remaining) / total;
  const score =
    weights.price / offer.usd_per_gpu_hour +
    weights.latency / latencyOf(offer) +
    (weights.reputation * reputationOf(offer)) / 100 +
    availability;
  return Math.min(score, Number.MAX_VALUE);
}
