import type { Offer } from '#shared/domain/offer.ts';
import { numberOf } from '../kit/holdings.ts';

/** An offer of the market as Vast would sell it: as wholes of 1, 2, 4, … GPUs, each with an id of its own that lasts. */
export interface Ask {
  readonly id: number;
  readonly machine_id: number;
  readonly host_id: number;
  readonly offer: Offer;
  readonly num_gpus: number;
  /** Given by the market; without the disk. */
  readonly dph_base: number;
}

/** Remembers ids, as many as the market has listings: they are hashes, and asked for at every search. */
export function createAsks(): (offers: readonly Offer[]) => readonly Ask[] {
  const known = new Map<string, number>();
  const id = (kind: string, offerId: string, size = 0): number => {
    const key = `${kind} ${offerId} ${size}`;
    const found = known.get(key) ?? numberOf('vast', kind, offerId, size);
    known.set(key, found);
    return found;
  };
  return (offers) =>
    offers.flatMap((offer) =>
      sizesOf(offer.gpu_count).map((size) => ({
        id: id('ask', offer.offer_id, size),
        machine_id: id('machine', offer.offer_id),
        host_id: id('host', offer.offer_id),
        offer,
        num_gpus: size,
        dph_base: offer.usd_per_gpu_hour * size,
      })),
    );
}

/** 1, 2, 4, … and all of them. */
function sizesOf(gpuCount: number): readonly number[] {
  const sizes: number[] = [];
  for (let size = 1; size < gpuCount; size *= 2) sizes.push(size);
  return [...sizes, gpuCount];
}

/** USD per GB and month: what hosts ask for. */
export const STORAGE_COST = 0.15;
const HOURS_PER_MONTH = 730;
export const storageUsdPerHour = (gigabytes: number): number => (STORAGE_COST * gigabytes) / HOURS_PER_MONTH;

/** Vast's spelling, GPU memory in MB; what is not in the table is sold under its own name. */
const CARDS: Readonly<Record<string, readonly [name: string, ram: number]>> = {
  h200: ['H200', 143_771],
  h100: ['H100 SXM', 81_559],
  h100nvl: ['H100 NVL', 95_830],
  a100: ['A100 PCIE', 81_920],
  a10040gb: ['A100 PCIE', 40_960],
  b200: ['B200', 183_359],
  l40s: ['L40S', 46_068],
  rtx6000ada: ['RTX 6000Ada', 49_140],
  rtx5090: ['RTX 5090', 32_607],
  rtx4090: ['RTX 4090', 24_564],
  rtx3090: ['RTX 3090', 24_576],
  rtxa6000: ['RTX A6000', 49_140],
  a40: ['A40', 46_068],
  v100: ['Tesla V100', 16_384],
};
const PLACES: Readonly<Record<string, string>> = {
  'us-east': 'Virginia, US',
  'us-west': 'California, US',
  'eu-west': 'France, FR',
  'eu-central': 'Germany, DE',
  'eu-north': 'Sweden, SE',
  'ap-northeast': 'Japan, JP',
  'ap-southeast': 'Vietnam, VN',
};

export const placeOf = (offer: Offer): string | null => PLACES[offer.region] ?? null;

/** As search answers it. `disk`: GB that the price includes. */
export function listed({ offer, num_gpus, dph_base, ...ids }: Ask, disk: number): Readonly<Record<string, unknown>> {
  const [gpuName, gpuRam] = CARDS[offer.gpu_type] ?? [offer.gpu_type, 24_576];
  return {
    ...ids,
    ask_contract_id: ids.id,
    gpu_name: gpuName,
    num_gpus,
    gpu_ram: gpuRam,
    gpu_frac: num_gpus / offer.gpu_count,
    dlperf: 40 * num_gpus,
    cpu_cores: 16 * num_gpus,
    cpu_cores_effective: 8 * num_gpus,
    cpu_ram: 64_000 * num_gpus,
    disk_space: 512,
    inet_up: 800,
    inet_down: 900,
    inet_up_cost: 0.003,
    inet_down_cost: 0.002,
    geolocation: placeOf(offer),
    dph_base,
    dph_total: dph_base + storageUsdPerHour(disk),
    min_bid: dph_base / 2,
    storage_cost: STORAGE_COST,
    reliability2: (offer.reputation ?? 60) / 100,
    verification: 'verified',
    rentable: offer.active,
    rented: false,
    duration: ((offer.capacity_gpu_hours ?? 0) * 3_600) / num_gpus,
    cuda_max_good: 12.9,
    direct_port_count: 100,
  };
}
