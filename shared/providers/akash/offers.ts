import { canonicalGpu } from '#shared/domain/aliases.ts';
import type { Offer } from '#shared/domain/offer.ts';
import { regionOfName, regionOfPlace } from '#shared/domain/places.ts';
import type { Card } from './sdl.ts';
import type { AkashSeller, PricedModel } from './wire.ts';

/** GB: between the 40 GB and the 80 GB of the two cards that share the name. */
const LARGE_A100_GI = 60;
/** What a node has; more than one node is more than one deployment. */
const LARGEST_NODE_GPUS = 8;
const VENDOR = 'nvidia';
/** The network names prices in no other coin. */
const CURRENCY = 'USD';

const MODEL = /^[a-z0-9][a-z0-9._-]{0,31}$/;
const OFFER_ID = /^akash:(akash1[0-9a-z]{38,58}):([a-z0-9][a-z0-9._-]{0,31})(?::(\d{1,4}Gi))?$/;

/** What an offer is of. */
export interface Place {
  /** Address of the provider. */
  readonly owner: string;
  readonly card: Card;
}

export const offerIdOf = ({ owner, card }: Place): string =>
  `akash:${owner}:${card.model}${card.ram === null ? '' : `:${card.ram}`}`;

/** Null: no offer of Akash. */
export function placeOf(offerId: string): Place | null {
  const [, owner, model, ram = null] = OFFER_ID.exec(offerId) ?? [];
  return owner === undefined || model === undefined ? null : { owner, card: { model, ram } };
}

/**
 * One for each online provider and GPU type that it has. The network publishes prices and free GPUs of a model, not of a provider:
 * the price is an estimate of what will be bid, the count bounds what could be had at once, and a model of which nothing is free
 * anywhere is not active. How much this provider has free shows in whether it bids.
 */
export function offersOf(
  sellers: readonly AkashSeller[],
  models: readonly PricedModel[],
  observedAt: string,
): readonly Offer[] {
  return sellers
    .filter(({ isOnline }) => isOnline)
    .flatMap((seller) => {
      const cards = new Map(seller.gpuModels.flatMap(cardOf).map((one) => [one.gpu_type, one]));
      return [...cards.values()].flatMap((one) => offerOf(seller, one, models, observedAt) ?? []);
    });
}

interface Carried {
  readonly gpu_type: string;
  readonly card: Card;
  readonly interface: string | null;
}

type Model = AkashSeller['gpuModels'][number];

/** The memory is named only where it tells two cards apart. None: not of the maker whose cards are sold here. */
function cardOf(sold: Model): readonly Carried[] {
  const { vendor, ram = null } = sold;
  const model = sold.model.toLowerCase();
  if (vendor.toLowerCase() !== VENDOR || !MODEL.test(model)) return [];
  const gpu = canonicalGpu(model);
  const bus = sold.interface ?? null;
  if (gpu !== 'a100' || ram === null || !/^\d{1,4}Gi$/.test(ram))
    return [{ gpu_type: gpu, card: { model, ram: null }, interface: bus }];
  const gpu_type = Number.parseInt(ram, 10) < LARGE_A100_GI ? 'a10040gb' : gpu;
  return [{ gpu_type, card: { model, ram }, interface: bus }];
}

function offerOf(
  seller: AkashSeller,
  { gpu_type, card, interface: bus }: Carried,
  models: readonly PricedModel[],
  observedAt: string,
): Offer | null {
  const same = models.filter(
    (one) =>
      one.vendor.toLowerCase() === VENDOR &&
      one.model.toLowerCase() === card.model &&
      (card.ram === null || one.ram === card.ram),
  );
  // Its own kind first, then whatever goes by the name.
  const usd = [...same.filter((one) => one.interface === bus), ...same].map(usdOf).find((price) => price !== null);
  if (usd === undefined) return null;
  const free = same.reduce((sum, { availability }) => sum + availability.available, 0);
  const uptime = seller.uptime7d ?? seller.uptime30d ?? null;
  return {
    provider: 'akash',
    offer_id: offerIdOf({ owner: seller.owner, card }),
    gpu_type,
    gpu_count: Math.max(1, Math.min(LARGEST_NODE_GPUS, Math.floor(free))),
    gpu_count_min: null,
    region: regionOf(seller),
    active: free > 0,
    usd_per_gpu_hour: usd,
    latency_ms: null,
    latency_source: 'advertised',
    reputation: uptime === null ? null : Math.min(1, Math.max(0, uptime)) * 100,
    reputation_source: 'advertised',
    capacity_gpu_hours: null,
    capacity_total_gpu_hours: null,
    observed_at: observedAt,
  };
}

/** Null: nobody has bid on it lately. */
function usdOf({ price }: PricedModel): number | null {
  if (price === null || price.currency !== CURRENCY) return null;
  const usd = price.med ?? price.weightedAverage ?? price.avg ?? 0;
  return usd > 0 ? usd : null;
}

/** Its own word, else where its address stands. */
function regionOf({ locationRegion, ipRegion, ipCountryCode }: AkashSeller): string {
  const named = regionOfName(locationRegion);
  if (named !== null) return named;
  return regionOfPlace(ipCountryCode == null || ipRegion == null ? ipCountryCode : `${ipRegion}, ${ipCountryCode}`);
}
