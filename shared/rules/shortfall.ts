import type { Exclusion } from '#shared/domain/decision.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { capacityOf, latencyOf, reputationOf } from './imputed.ts';

/** One limit that an offer misses. */
export interface Shortfall {
  readonly reason: Exclusion['reason'];
  readonly needed: string;
}

/** True when every limit but GPU type and region holds: the check of the hot path, which builds no text. */
export const withinLimits = (workload: Workload, offer: Offer): boolean =>
  offer.active &&
  offer.gpu_count >= workload.gpu_count &&
  (offer.gpu_count_min ?? 1) <= workload.gpu_count &&
  (workload.max_latency_ms === null || latencyOf(offer) <= workload.max_latency_ms) &&
  (workload.max_price === null || offer.usd_per_gpu_hour <= workload.max_price) &&
  (workload.min_reputation === null || reputationOf(offer) >= workload.min_reputation) &&
  capacityOf(offer) >= workload.gpu_hours;

/** How far an offer misses its limits, summed; 0 when it misses none. Infinity when it is switched off: no request changes that. */
export function totalGap(workload: Workload, offer: Offer): number {
  if (!offer.active) return Number.POSITIVE_INFINITY;
  let gap = share(offer.gpu_count, workload.gpu_count) + share(workload.gpu_count, offer.gpu_count_min ?? 1);
  if (workload.max_latency_ms !== null) gap += share(workload.max_latency_ms, latencyOf(offer));
  if (workload.max_price !== null) gap += share(workload.max_price, offer.usd_per_gpu_hour);
  if (workload.min_reputation !== null) gap += share(reputationOf(offer), workload.min_reputation);
  return gap + share(capacityOf(offer), workload.gpu_hours);
}

/** The limits missed, in the order of the rules; the first is the reason given. */
export function shortfalls(workload: Workload, offer: Offer): readonly Shortfall[] {
  const missed: Shortfall[] = [];
  if (!offer.active) missed.push({ reason: 'inactive', needed: 'active = true' });
  const check = (reason: Exclusion['reason'], has: number, wants: number, needed: string): void => {
    if (has < wants) missed.push({ reason, needed });
  };
  const latency = latencyOf(offer);
  const capacity = capacityOf(offer);
  check('gpu_count', offer.gpu_count, workload.gpu_count, `gpu_count <= ${offer.gpu_count}`);
  const least = offer.gpu_count_min ?? 1;
  check('gpu_count', workload.gpu_count, least, `gpu_count >= ${least}`);
  check('latency', workload.max_latency_ms ?? latency, latency, `max_latency_ms >= ${latency}`);
  const price = offer.usd_per_gpu_hour;
  check('price', workload.max_price ?? price, price, `max_price >= ${price}`);
  const reputation = reputationOf(offer);
  check('reputation', reputation, workload.min_reputation ?? reputation, `min_reputation <= ${reputation}`);
  // Sold out: no request is small enough, so the offer has to change.
  const room = capacity > 0 ? `gpu_hours <= ${capacity}` : `capacity_gpu_hours >= ${workload.gpu_hours}`;
  check('capacity', capacity, workload.gpu_hours, room);
  return missed;
}

/** 0 (just) .. 1 (hopelessly): the share by which the larger figure would have to shrink. */
const share = (has: number, wants: number): number => (has >= wants ? 0 : 1 - has / wants);
