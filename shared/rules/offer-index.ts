import type { Offer } from '#shared/domain/offer.ts';

/** Every region an offer may name; an offer or a request of this one fits any other. */
export const GLOBAL_REGION = 'global';

/** The offers of one snapshot by GPU type and region, so that a request looks only at those that can fit. Built once per snapshot. */
export interface OfferIndex {
  readonly total: number;
  readonly byGpu: ReadonlyMap<string, ReadonlyMap<string, readonly Offer[]>>;
}

export function indexOffers(snapshot: { readonly offers: readonly Offer[] }): OfferIndex {
  const byGpu = new Map<string, Map<string, Offer[]>>();
  for (const offer of snapshot.offers) {
    const byRegion = byGpu.get(offer.gpu_type) ?? new Map<string, Offer[]>();
    byGpu.set(offer.gpu_type, byRegion);
    const bucket = byRegion.get(offer.region);
    if (bucket === undefined) byRegion.set(offer.region, [offer]);
    else bucket.push(offer);
  }
  return { total: snapshot.offers.length, byGpu };
}

export const isIndexed = (offers: readonly Offer[] | OfferIndex): offers is OfferIndex => !Array.isArray(offers);

export const regionFits = (wanted: string, offered: string): boolean =>
  wanted === offered || wanted === GLOBAL_REGION || offered === GLOBAL_REGION;
