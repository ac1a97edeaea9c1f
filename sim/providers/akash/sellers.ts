import { createHash } from 'node:crypto';
import type { Offer } from '#shared/domain/offer.ts';

/** A provider on Akash: one stands in each region of the market, and has the cards that the market sells there. */
export interface Seller {
  readonly owner: string;
  readonly region: string;
  readonly offers: readonly Offer[];
}

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
/** An address that lasts as long as the region. */
function addressOf(region: string): string {
  const digest = createHash('sha256').update(`akash ${region}`).digest();
  // Of 38 characters; a digest has 32 bytes.
  return `akash1${Array.from({ length: 38 }, (_, n) => ALPHABET[((digest[n % 32] ?? 0) + n) % 32]).join('')}`;
}

export function sellersOf(offers: readonly Offer[]): readonly Seller[] {
  return [...Map.groupBy(offers, ({ region }) => region)].map(([region, sold]) => ({
    owner: addressOf(region),
    region,
    offers: sold,
  }));
}

/** Akash's words: model, memory of the card, bus. What is not in the table is sold under its own name. */
const CARDS: Readonly<Record<string, readonly [model: string, ram: string, bus: string]>> = {
  h200: ['h200', '141Gi', 'sxm'],
  h100: ['h100', '80Gi', 'sxm5'],
  h100nvl: ['h100nvl', '94Gi', 'pcie'],
  a100: ['a100', '80Gi', 'sxm4'],
  a10040gb: ['a100', '40Gi', 'pcie'],
  b200: ['b200', '180Gi', 'sxm'],
  l40s: ['l40s', '48Gi', 'pcie'],
  rtx6000ada: ['rtx6000ada', '48Gi', 'pcie'],
  rtx5090: ['rtx5090', '32Gi', 'pcie'],
  rtx4090: ['rtx4090', '24Gi', 'pcie'],
  rtx3090: ['rtx3090', '24Gi', 'pcie'],
  rtxa6000: ['rtxa6000', '48Gi', 'pcie'],
  a40: ['a40', '48Gi', 'pcie'],
  v100: ['v100', '16Gi', 'sxm2'],
};
const cardOf = (gpuType: string) => {
  const [model, ram, bus] = CARDS[gpuType] ?? [gpuType, '24Gi', 'pcie'];
  return { vendor: 'nvidia', model, ram, interface: bus };
};

const PLACES: Readonly<Record<string, readonly [state: string | null, country: string]>> = {
  'us-east': ['Virginia', 'US'],
  'us-west': ['California', 'US'],
  'eu-west': [null, 'FR'],
  'eu-central': [null, 'DE'],
  'eu-north': [null, 'SE'],
  'ap-northeast': [null, 'JP'],
  'ap-southeast': [null, 'VN'],
};

/** As the list of providers has it. `nulls`: nothing that may be missing is there. */
export function listed({ owner, region, offers }: Seller, nulls: boolean): Readonly<Record<string, unknown>> {
  const [state, country] = PLACES[region] ?? [null, null];
  // Of a provider, not of a card: the market's reputations, taken together.
  const told = offers.map(({ reputation }) => reputation).filter((one) => one !== null);
  const uptime = told.length === 0 ? null : told.reduce((sum, one) => sum + one, 0) / told.length / 100;
  return {
    owner,
    name: null,
    hostUri: `https://provider.${region}.example:8443`,
    isOnline: offers.some(({ active }) => active),
    isAudited: true,
    uptime1d: uptime,
    uptime7d: nulls ? null : uptime,
    uptime30d: nulls ? null : uptime,
    locationRegion: nulls ? null : region,
    ipRegion: nulls ? null : state,
    ipCountryCode: nulls ? null : country,
    leaseCount: 1,
    attributes: [{ key: 'host', value: 'akash', auditedBy: [] }],
    gpuModels: [...new Set(offers.map(({ gpu_type }) => gpu_type))].map(cardOf),
  };
}

const cents = (usd: number): number => Math.round(usd * 100) / 100;

/** Prices and free GPUs of each model over all providers: more than this the network does not publish. */
export function pricesOf(offers: readonly Offer[], nulls: boolean): Readonly<Record<string, unknown>> {
  const models = [...Map.groupBy(offers, ({ gpu_type }) => gpu_type)].map(([gpuType, sold]) => {
    const usd = sold.map((one) => one.usd_per_gpu_hour).sort((a, b) => a - b);
    const average = usd.reduce((sum, one) => sum + one, 0) / usd.length;
    const middle = ((usd[Math.floor((usd.length - 1) / 2)] ?? 0) + (usd[Math.ceil((usd.length - 1) / 2)] ?? 0)) / 2;
    return {
      ...cardOf(gpuType),
      availability: {
        total: sold.reduce((sum, one) => sum + one.gpu_count, 0),
        available: sold.reduce((sum, one) => sum + freeOf(one), 0),
      },
      price: nulls
        ? null
        : {
            currency: 'USD',
            min: usd.at(0),
            max: usd.at(-1),
            avg: cents(average),
            weightedAverage: cents(average),
            med: cents(middle),
          },
    };
  });
  const sum = (of: 'total' | 'available'): number =>
    models.reduce((all, { availability }) => all + availability[of], 0);
  return { availability: { total: sum('total'), available: sum('available') }, models };
}

/** GPUs: the market counts GPU-hours. */
function freeOf({ active, gpu_count, capacity_gpu_hours: free, capacity_total_gpu_hours: total }: Offer): number {
  if (!active) return 0;
  return free === null || total === null ? gpu_count : Math.ceil((gpu_count * free) / total);
}

/** The offer of the seller that an order of these cards is served from, the cheapest first; null: it cannot serve it. */
export function servedBy(
  { offers }: Seller,
  order: { readonly model: string; readonly ram: string | null; readonly gpus: number; readonly gpu_hours: number },
): Offer | null {
  const able = offers.filter((offer) => {
    const card = cardOf(offer.gpu_type);
    return (
      offer.active &&
      card.model === order.model &&
      (order.ram === null || card.ram === order.ram) &&
      offer.gpu_count >= order.gpus &&
      (offer.capacity_gpu_hours ?? Number.POSITIVE_INFINITY) >= order.gpu_hours
    );
  });
  return [...able].sort((a, b) => a.usd_per_gpu_hour - b.usd_per_gpu_hour)[0] ?? null;
}
