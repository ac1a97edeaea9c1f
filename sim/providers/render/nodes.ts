import { createHash } from 'node:crypto';
import type { Offer } from '#shared/domain/offer.ts';

/** A node that is free: a market's offer as Dispersed would show it, in wholes of 1, 2, 4, … GPUs. */
export interface FreeNode {
  readonly offer: Offer;
  readonly gpuName: string;
  readonly registryId: string;
  readonly vramGib: number;
  readonly regionCode: string | null;
  readonly gpuCount: number;
}

/** Stable, and of the form of a UUID. */
export function uuidOf(...key: readonly (string | number)[]): string {
  const hex = createHash('sha256').update(JSON.stringify(key)).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

/** Their spelling, GPU memory in GiB; what is not in the table is sold under its own name. */
const CARDS: Readonly<Record<string, readonly [name: string, vramGib: number]>> = {
  h200: ['NVIDIA H200', 141],
  h100: ['NVIDIA H100 80GB HBM3', 80],
  h100nvl: ['NVIDIA H100 NVL', 94],
  a100: ['NVIDIA A100 80GB PCIe', 80],
  a10040gb: ['NVIDIA A100-PCIE-40GB', 40],
  b200: ['NVIDIA B200', 180],
  l40s: ['NVIDIA L40S', 45],
  rtx6000ada: ['NVIDIA RTX 6000 Ada Generation', 48],
  rtx5090: ['NVIDIA RTX 5090', 32],
  rtx4090: ['NVIDIA RTX 4090', 24],
  rtx3090: ['NVIDIA GeForce RTX 3090', 24],
  rtxa6000: ['NVIDIA RTX A6000', 48],
  a40: ['NVIDIA A40', 45],
  v100: ['Tesla V100-SXM2-16GB', 16],
};

/** Clouds number the zones of what the market calls a region. */
const regionCodeOf = (region: string): string | null =>
  region === 'global' ? null : /^[a-z]{2}-(north|south|east|west|central)+$/.test(region) ? `${region}-1` : region;

export function freeNodesOf(offers: readonly Offer[]): readonly FreeNode[] {
  return offers
    .filter((offer) => offer.active)
    .flatMap((offer) => {
      const [gpuName, vramGib] = CARDS[offer.gpu_type] ?? [offer.gpu_type, 24];
      const sizes: number[] = [];
      for (let size = 1; size <= offer.gpu_count; size *= 2) sizes.push(size);
      return sizes.map((gpuCount) => ({
        offer,
        gpuName,
        registryId: uuidOf('render gpu', gpuName),
        vramGib,
        regionCode: regionCodeOf(offer.region),
        gpuCount,
      }));
    });
}

/** As the list of offers shows it. */
export function listedNode(node: FreeNode, nowMs: number, nulls: boolean): Readonly<Record<string, unknown>> {
  const { offer, gpuCount, gpuName, registryId, vramGib } = node;
  return {
    // Of a quote: another one each time.
    offer_id: uuidOf('render quote', offer.offer_id, gpuCount, nowMs),
    availability: nulls ? null : { status: 'AVAILABLE' },
    hardware_summary: {
      cpu_cores: nulls ? null : 16 * gpuCount,
      gpu_count: gpuCount,
      gpu_model_label: nulls ? null : `${gpuCount}x ${gpuName}`,
      gpu_models: [
        {
          count: gpuCount,
          gpu_registry_uuid: nulls ? null : registryId,
          min_vram_gib: nulls ? null : vramGib,
          name: gpuName,
        },
      ],
      gpu_registry_uuid: nulls ? null : registryId,
      min_gpu_vram_gib: nulls ? null : vramGib,
      ram_gib: nulls ? null : 64 * gpuCount,
      storage_gib: nulls ? null : 512,
    },
    pricing: { hourly_rate_usd: offer.usd_per_gpu_hour * gpuCount, quoted_at: new Date(nowMs).toISOString() },
    region_code: nulls ? null : node.regionCode,
  };
}
