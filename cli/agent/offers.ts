import { canonicalGpu, canonicalProvider, canonicalRegion } from '#shared/domain/aliases.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { AgentOffer } from './protocol.ts';

/** Instances of any size, when the line does not say: what is not known excludes nothing. */
const GPU_COUNT_UNKNOWN = 1_024;

/** A line's offer in canonical words; `offer_id` stays as given. A total capacity of zero is no total. */
export const offerOf = (given: AgentOffer, at: string): Offer => ({
  provider: canonicalProvider(given.provider),
  offer_id: given.offer_id,
  gpu_type: canonicalGpu(given.gpu_type),
  gpu_count: given.gpu_count ?? GPU_COUNT_UNKNOWN,
  gpu_count_min: null,
  region: canonicalRegion(given.region),
  active: given.active ?? true,
  usd_per_gpu_hour: given.usd_per_gpu_hour,
  latency_ms: given.latency_ms ?? null,
  latency_source: 'advertised',
  reputation: given.reputation ?? null,
  reputation_source: 'advertised',
  capacity_gpu_hours: given.capacity_gpu_hours ?? null,
  capacity_total_gpu_hours: given.capacity_total_gpu_hours === 0 ? null : (given.capacity_total_gpu_hours ?? null),
  observed_at: at,
});
