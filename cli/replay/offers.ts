import { canonicalGpu, canonicalProvider } from '#shared/domain/aliases.ts';
import type { Offer } from '#shared/domain/offer.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { ProviderMetrics, RecordedProvider } from './record.ts';

/** In the metrics a price_A100 of 10.0 means that the provider sells none. */
const SELLS_NONE_USD = 10;

/** What the recorded providers offered at a step: metrics where there are any, else the catalogue. */
export function recordedMarket(
  providers: readonly RecordedProvider[],
  metrics: readonly ProviderMetrics[],
): (step: number, atMs: number) => readonly Offer[] {
  const byStep = new Map(metrics.map((row) => [`${row.step}/${row.provider_id}`, row]));
  const cache = new Map<number, readonly Offer[]>();
  return (step, atMs) => {
    const known = cache.get(step);
    if (known !== undefined) return known;
    const offers = providers.flatMap((provider) =>
      offersOf(provider, byStep.get(`${step}/${provider.id}`) ?? null, atMs),
    );
    cache.set(step, offers);
    return offers;
  };
}

function offersOf(provider: RecordedProvider, now: ProviderMetrics | null, atMs: number): Offer[] {
  return provider.gpu_types.flatMap((gpu): Offer[] => {
    const price = gpu === 'A100' && now !== null ? now.price_A100 : provider.base_price_usd_per_hour[gpu];
    if (price === undefined || (gpu === 'A100' && price >= SELLS_NONE_USD)) return [];
    const id = canonicalProvider(provider.id);
    return [
      {
        provider: id,
        offer_id: `${id}:${canonicalGpu(gpu)}`,
        gpu_type: canonicalGpu(gpu),
        gpu_count: 1024,
        gpu_count_min: null,
        // The record does not say where a run was placed.
        region: 'global',
        active: now?.active ?? true,
        usd_per_gpu_hour: price,
        latency_ms: now?.latency_ms ?? provider.base_latency_ms,
        latency_source: 'advertised',
        reputation: now?.reputation ?? provider.reputation,
        reputation_source: 'advertised',
        capacity_gpu_hours: now?.effective_capacity ?? provider.capacity_gpu_hours_per_step,
        capacity_total_gpu_hours: provider.capacity_gpu_hours_per_step,
        observed_at: rfc3339(atMs),
      },
    ];
  });
}
