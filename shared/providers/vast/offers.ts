import { canonicalGpu } from '#shared/domain/aliases.ts';
import type { Offer } from '#shared/domain/offer.ts';
import { regionOfPlace } from '#shared/domain/places.ts';
import type { Ask } from './wire.ts';

/** MB: between the 40 GB and the 80 GB of the two cards that share the name. */
const LARGE_A100_MB = 60_000;
/** Of an offer's id. */
const MAX_ID_LENGTH = 256;

/**
 * Vast sells a machine by asks of 1, 2, 4, … of its GPUs, each as a whole. Here a machine is one offer, of as many GPUs as its largest
 * ask: taken apart, a request for one GPU would be free to choose eight and pay for them. The id names the asks by their size,
 * `vast:1x123-2x124`; which one is taken is known when it is deployed.
 */
export function offersOf(asks: readonly Ask[], observedAt: string): readonly Offer[] {
  const machines = Map.groupBy(asks, (ask) =>
    ask.machine_id == null ? `ask ${ask.id}` : `${ask.machine_id} ${ask.gpu_name}`,
  );
  return [...machines.values()].map((parts) => offerOf(bySize(parts), observedAt));
}

/** Smallest first, one of each size. */
function bySize(asks: readonly Ask[]): readonly Ask[] {
  const sorted = [...asks].sort((a, b) => a.num_gpus - b.num_gpus || a.id - b.id);
  return sorted.filter((ask, index) => ask.num_gpus !== sorted[index - 1]?.num_gpus);
}

function offerOf(asks: readonly Ask[], observedAt: string): Offer {
  const [first] = asks;
  if (first === undefined) throw new RangeError('an offer of Vast: expected at least one ask, got none');
  const hours = asks.flatMap((ask) => (ask.duration == null ? [] : [(ask.num_gpus * ask.duration) / 3_600]));
  const reliability = first.reliability2 ?? null;
  return {
    provider: 'vast',
    offer_id: offerIdOf(asks),
    gpu_type: gpuOf(first),
    gpu_count: Math.max(...asks.map((ask) => ask.num_gpus)),
    gpu_count_min: Math.min(...asks.map((ask) => ask.num_gpus)),
    region: regionOfPlace(first.geolocation),
    active: asks.some((ask) => ask.rentable !== false && ask.rented !== true),
    // The disk costs the same for one GPU and for eight: of one, which has to pay all of it, the price is highest.
    usd_per_gpu_hour: Math.max(...asks.map((ask) => ask.dph_total / ask.num_gpus)),
    latency_ms: null,
    latency_source: 'advertised',
    reputation: reliability === null ? null : Math.min(1, Math.max(0, reliability)) * 100,
    reputation_source: 'advertised',
    capacity_gpu_hours: hours.length === 0 ? null : Math.max(...hours),
    capacity_total_gpu_hours: null,
    observed_at: observedAt,
  };
}

function gpuOf({ gpu_name, gpu_ram }: Ask): string {
  const gpu = canonicalGpu(gpu_name);
  return gpu === 'a100' && gpu_ram != null && gpu_ram < LARGE_A100_MB ? 'a10040gb' : gpu;
}

/** Sizes that the id has no room for are not offered. */
function offerIdOf(asks: readonly Ask[]): string {
  return asks.slice(1).reduce(
    (id, ask) => {
      const longer = `${id}-${partOf(ask)}`;
      return longer.length > MAX_ID_LENGTH ? id : longer;
    },
    `vast:${asks.slice(0, 1).map(partOf).join('')}`,
  );
}

const partOf = ({ num_gpus, id }: Ask): string => `${num_gpus}x${id}`;

const OFFER_ID = /^vast:\d{1,4}x\d{1,16}(?:-\d{1,4}x\d{1,16})*$/;

/** The id of the smallest ask that has so many GPUs; null: none of this offer, or no offer of Vast. */
export function askFor(offerId: string, gpuCount: number): string | null {
  if (!OFFER_ID.test(offerId)) return null;
  const parts = offerId
    .slice('vast:'.length)
    .split('-')
    .map((part) => part.split('x'))
    .map(([size = '', id = '']) => ({ size: Number(size), id }));
  const fitting = parts.filter(({ size }) => size >= gpuCount).sort((a, b) => a.size - b.size);
  return fitting[0]?.id ?? null;
}
