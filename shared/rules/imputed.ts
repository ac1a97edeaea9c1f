import { IMPUTED_AVAILABILITY_SHARE, IMPUTED_LATENCY_MS, IMPUTED_REPUTATION } from '#shared/defaults.ts';
import type { Offer } from '#shared/domain/offer.ts';

/** What the rules and the features believe of an offer where its provider does not say. */

/** Milliseconds. */
export const latencyOf = (offer: Pick<Offer, 'latency_ms'>): number => offer.latency_ms ?? IMPUTED_LATENCY_MS;

/** 0..100. */
export const reputationOf = (offer: Offer): number => offer.reputation ?? IMPUTED_REPUTATION;

/** GPU-hours that can still be bought; Infinity when nothing is known, because an unknown amount excludes nobody. */
export function capacityOf(offer: Offer): number {
  if (offer.capacity_gpu_hours !== null) return offer.capacity_gpu_hours;
  return offer.capacity_total_gpu_hours === null
    ? Number.POSITIVE_INFINITY
    : IMPUTED_AVAILABILITY_SHARE * offer.capacity_total_gpu_hours;
}
