import { canonicalGpu, canonicalProvider, canonicalRegion } from '#shared/domain/aliases.ts';
import { catalogueListings } from './catalogue.ts';
import { saltOf } from './random.ts';
import { concerns, type ScenarioEvent, type Weather, weatherOf } from './scenario.ts';
import type { ListingSource, MarketSpec, Shock, Truth } from './spec.ts';

/** Factors on the truth of one deployment. */
export interface Burden {
  readonly start_factor: number;
  readonly hazard_factor: number;
  readonly latency_factor: number;
  readonly price_factor: number;
}

/** An offer of the market, canonical, ready to be asked about any instant. */
export interface Listing extends ListingSource {
  readonly offer_id: string;
  readonly weather: (hours: number) => Weather;
  readonly shocks: readonly ListedShock[];
  /** Every combination of node kind and shocks with its probability; sums to 1. */
  readonly burdens: readonly (Burden & { readonly share: number })[];
  /** Seeds the hourly noise of other customers. */
  readonly salt: number;
}

interface ListedShock extends Burden {
  readonly probability: number;
  readonly block_h: number;
  readonly salt: number;
}

export const NO_BURDEN: Burden = { start_factor: 1, hazard_factor: 1, latency_factor: 1, price_factor: 1 };

export const combine = (a: Burden, b: Burden): Burden => ({
  start_factor: a.start_factor * b.start_factor,
  hazard_factor: a.hazard_factor * b.hazard_factor,
  latency_factor: a.latency_factor * b.latency_factor,
  price_factor: a.price_factor * b.price_factor,
});

/** All offers of a market in the order of their ids. The same (provider, GPU, region) twice gets `-2`, `-3`, … */
export function listingsOf(spec: MarketSpec, seed: number, events: readonly ScenarioEvent[]): readonly Listing[] {
  const sources = spec.listings.kind === 'explicit' ? spec.listings.offers : catalogueListings(spec.listings, seed);
  const seen = new Map<string, number>();
  const listings = sources.map((source): Listing => {
    const target = {
      provider: canonicalProvider(source.provider),
      gpu_type: canonicalGpu(source.gpu_type),
      region: canonicalRegion(source.region),
    };
    const stem = `${target.provider}:${target.gpu_type}-${target.region}`;
    const nth = (seen.get(stem) ?? 0) + 1;
    seen.set(stem, nth);
    const offerId = nth === 1 ? stem : `${stem}-${nth}`;
    const shocks = spec.shocks.filter((shock) => concerns(shock, target)).map((shock) => listed(shock, seed));
    return {
      ...source,
      ...target,
      offer_id: offerId,
      weather: weatherOf(events, target),
      shocks,
      burdens: combinations(source.truth, shocks),
      salt: saltOf(seed, 'busy', offerId),
    };
  });
  return listings.sort((a, b) => (a.offer_id < b.offer_id ? -1 : 1));
}

/** The salt is of the shock alone: all its offers are hit in the same blocks. */
const listed = (shock: Shock, seed: number): ListedShock => ({ ...shock, salt: saltOf(seed, 'shock', shock.id) });

function combinations(truth: Truth, shocks: readonly ListedShock[]): readonly (Burden & { share: number })[] {
  const kinds = truth.modes.length === 0 ? [{ ...NO_BURDEN, share: 1 }] : truth.modes;
  return shocks.reduce<readonly (Burden & { share: number })[]>(
    (all, shock) =>
      all.flatMap((one) => [
        { ...one, share: one.share * (1 - shock.probability) },
        { ...combine(one, shock), share: one.share * shock.probability },
      ]),
    kinds,
  );
}
