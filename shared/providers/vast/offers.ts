import { canonicalGpu } from '#shared/domain/aliases.ts';
import type { Offer } from '#shared/domain/offer.ts';
import { regionOfPlace } from '#shared/domain/places.ts';
import type { Ask } from './wire.ts';

/** MB: between the 40 GB and the 80 GB of the two cards that share the name. */
const LARGE_A100_MB = 60_000;

/** Its id as the house has it, and back: null for what is no ask of Vast. */
export const offerIdOf = (askId: number): string => `vast:${askId}`;
export const askIdOf = (offerId: string): string | null => /^vast:(\d{1,16})$/.exec(offerId)?.[1] ?? null;

export function offerOf(ask: Ask, observedAt: string): Offer {
  return {
    provider: 'vast',
    offer_id: offerIdOf(ask.id),
    gpu_type: gpuOf(ask),
    gpu_count: ask.num_gpus,
    gpu_count_min: ask.num_gpus,
    region: regionOfPlace(ask.geolocation),
    active: ask.rentable !== false && ask.rented !== true,
    usd_per_gpu_hour: ask.dph_total / ask.num_gpus,
    latency_ms: null,
    latency_source: 'advertised',
    reputation: ask.reliability2 == null ? null : Math.min(1, Math.max(0, ask.reliability2)) * 100,
    reputation_source: 'advertised',
    capacity_gpu_hours: ask.duration == null ? null : (ask.num_gpus * Math.max(0, ask.duration)) / 3_600,
    capacity_total_gpu_hours: null,
    observed_at: observedAt,
  };
}

function gpuOf({ gpu_name, gpu_ram }: Ask): string {
  const gpu = canonicalGpu(gpu_name);
  return gpu === 'a100' && gpu_ram != null && gpu_ram < LARGE_A100_MB ? 'a10040gb' : gpu;
}
