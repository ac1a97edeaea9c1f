import { canonicalGpu, canonicalRegion } from '#shared/domain/aliases.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { JobOrder } from './calls.ts';
import type { Node } from './wire.ts';

/** Nodes with one GPU type in one place. Render chooses among them, so they are one offer; a job says what its node must have. */
export interface Pool extends Pick<JobOrder, 'gpu' | 'vramGib' | 'regionCode'> {
  readonly offer: Offer;
  /** Smallest first, of one size the dearest first. */
  readonly nodes: readonly Size[];
}

interface Size {
  readonly gpuCount: number;
  /** Of the whole node. */
  readonly usdPerHour: number;
}

interface Sold extends Size {
  readonly name: string;
  readonly registryId: string | null;
  readonly vramGib: number | null;
  readonly regionCode: string | null;
  readonly gpuType: string;
}

/** Between the 40 GB and the 80 GB of the two cards that share the name. */
const LARGE_A100_GIB = 60;
/** Of an offer's id. */
const MAX_ID_LENGTH = 256;

export function poolsOf(nodes: readonly Node[], observedAt: string): readonly Pool[] {
  const pools = Map.groupBy(nodes.flatMap(soldAs), idOf);
  return [...pools]
    .filter(([id]) => id.length <= MAX_ID_LENGTH)
    .flatMap(([id, members]) => {
      const [first] = members;
      return first === undefined ? [] : [poolOf(id, first, members, observedAt)];
    });
}

/** One with several kinds of GPU could not be promised to anybody. */
function soldAs({ hardware_summary: { gpu_count, gpu_models }, pricing, region_code }: Node): readonly Sold[] {
  const [model] = gpu_models;
  if (gpu_count === 0 || model === undefined || gpu_models.some(({ name }) => name !== model.name)) return [];
  const vramGib = model.min_vram_gib ?? null;
  const gpu = canonicalGpu(model.name);
  return [
    {
      gpuCount: gpu_count,
      usdPerHour: pricing.hourly_rate_usd,
      name: model.name,
      registryId: model.gpu_registry_uuid ?? null,
      vramGib,
      regionCode: region_code ?? null,
      gpuType: gpu === 'a100' && vramGib !== null && vramGib < LARGE_A100_GIB ? 'a10040gb' : gpu,
    },
  ];
}

/** What stays from one list to the next: Render's own ids are those of quotes. */
const idOf = ({ regionCode, gpuType, name }: Sold): string =>
  `render:${[regionCode ?? 'anywhere', gpuType, name].map(encodeURIComponent).join('/')}`;

function poolOf(id: string, first: Sold, members: readonly Sold[], observedAt: string): Pool {
  const nodes = [...members].sort((a, b) => a.gpuCount - b.gpuCount || b.usdPerHour - a.usdPerHour);
  const vram = members.flatMap(({ vramGib }) => vramGib ?? []);
  return {
    gpu: first.registryId === null ? { gpu_name: first.name } : { gpu_registry_uuid: first.registryId },
    vramGib: vram.length === 0 ? null : Math.min(...vram),
    regionCode: first.regionCode,
    nodes,
    offer: {
      provider: 'render',
      offer_id: id,
      gpu_type: first.gpuType,
      gpu_count: Math.max(...members.map(({ gpuCount }) => gpuCount)),
      gpu_count_min: Math.min(...members.map(({ gpuCount }) => gpuCount)),
      // Not "global": a node that may stand anywhere serves no wish for a region.
      region: first.regionCode === null ? 'unknown' : canonicalRegion(first.regionCode),
      active: true,
      // Which of them is given nobody can choose.
      usd_per_gpu_hour: Math.max(...members.map(({ usdPerHour, gpuCount }) => usdPerHour / gpuCount)),
      latency_ms: null,
      latency_source: 'advertised',
      reputation: null,
      reputation_source: 'advertised',
      capacity_gpu_hours: null,
      capacity_total_gpu_hours: null,
      observed_at: observedAt,
    },
  };
}

/** USD per hour of the node that so many GPUs come in: of the smallest that has them; null: none has. */
export const nodeUsdPerHour = ({ nodes }: Pool, gpuCount: number): number | null =>
  nodes.find((node) => node.gpuCount >= gpuCount)?.usdPerHour ?? null;
