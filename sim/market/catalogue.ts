import { normal, uniforms } from './random.ts';
import type { Catalogue, Drawn, ListingSource } from './spec.ts';

type Advertised = Omit<ListingSource, 'truth'> & { readonly median_usd: number };

/** The offers of a catalogue: advertised figures around the list, hidden truth drawn from the seed. */
export function catalogueListings(catalogue: Catalogue, seed: number): readonly ListingSource[] {
  return withMedians(advertisedListings(catalogue, seed)).map(({ median_usd, ...advertised }) => {
    const { truth } = catalogue;
    const value = (name: string, quantity: Drawn, scale: 'log' | 'logit'): number =>
      drawnValue(seed, name, quantity, scale, { ...advertised, median_usd });
    const provider = catalogue.providers.find((entry) => entry.provider === advertised.provider);
    return {
      ...advertised,
      truth: {
        start: 1 - value('start', truth.start_failure, 'logit'),
        start_load_penalty: truth.start_load_penalty,
        gone: value('gone', truth.gone, 'logit'),
        hazard_per_hour: value('hazard', truth.hazard_per_hour, 'log'),
        latency_ratio: value('latency', truth.latency_ratio, 'log'),
        latency_sigma: truth.latency_sigma,
        latency_load: truth.latency_load,
        latency_diurnal: { amplitude: truth.latency_diurnal_amplitude, peak_hour: advertised.busy.peak_hour },
        price_ratio: value('price', truth.price_ratio, 'log'),
        price_sigma: truth.price_sigma,
        ready_ms: (provider?.ready_ms ?? 0) * value('ready', truth.ready_ratio, 'log'),
        ready_sigma: truth.ready_sigma,
        hours: [],
        modes: [],
      },
    };
  });
}

function advertisedListings(catalogue: Catalogue, seed: number): readonly Omit<Advertised, 'median_usd'>[] {
  const { advertised } = catalogue;
  return catalogue.providers.flatMap((provider) =>
    provider.regions.flatMap((region) =>
      provider.gpu_types.map((gpuType) => {
        const draw = uniforms(seed, 'advertised', provider.provider, gpuType, region);
        const spread = (sd: number): number => Math.exp(sd * normal(draw));
        // A global offer is served from anywhere: the list price, the provider's own latency, no common peak.
        const place = catalogue.regions[region] ?? { price_factor: 1, latency_factor: 1, peak_hour: 12 };
        const list = catalogue.gpu_types[gpuType]?.usd_per_gpu_hour ?? 0;
        return {
          provider: provider.provider,
          gpu_type: gpuType,
          region,
          usd_per_gpu_hour: atLeast(
            0.0001,
            round(list * provider.price_factor * place.price_factor * spread(advertised.price_sd), 4),
          ),
          latency_ms: atLeast(1, round(provider.latency_ms * place.latency_factor * spread(advertised.latency_sd), 0)),
          capacity_gpu_hours: atLeast(1, round(provider.capacity_gpu_hours * spread(advertised.capacity_sd), 0)),
          reputation: Math.min(
            100,
            Math.max(0, round(provider.reputation + advertised.reputation_sd * normal(draw), 1)),
          ),
          gpu_count: provider.gpu_count,
          hides: provider.hides,
          busy: {
            mean: provider.busy,
            amplitude: region === 'global' ? 0 : provider.busy / 2,
            peak_hour: place.peak_hour,
            noise: provider.busy / 3,
          },
        };
      }),
    ),
  );
}

/** Adds the median price of the offers of the same GPU type and region: what `cheapness` is measured against. */
function withMedians(listings: readonly Omit<Advertised, 'median_usd'>[]): readonly Advertised[] {
  const cells = Map.groupBy(listings, (listing) => `${listing.gpu_type}\n${listing.region}`);
  const medians = new Map(
    [...cells].map(([cell, members]) => {
      const prices = members.map((member) => member.usd_per_gpu_hour).sort((a, b) => a - b);
      return [cell, prices[Math.floor((prices.length - 1) / 2)] ?? 0];
    }),
  );
  return listings.map((listing) => ({
    ...listing,
    median_usd: medians.get(`${listing.gpu_type}\n${listing.region}`) ?? listing.usd_per_gpu_hour,
  }));
}

/** Every effect has its own stream, so that an offer added to the catalogue changes no other one's truth. */
function drawnValue(
  seed: number,
  quantityName: string,
  quantity: Drawn,
  scale: 'log' | 'logit',
  of: Advertised,
): number {
  const effect = (sd: number, ...key: string[]): number =>
    sd === 0 ? 0 : sd * normal(uniforms(seed, 'truth', quantityName, ...key));
  const shift =
    effect(quantity.provider_sd, of.provider) +
    effect(quantity.gpu_sd, of.provider, 'gpu', of.gpu_type) +
    effect(quantity.region_sd, of.provider, 'region', of.region) +
    effect(quantity.offer_sd, of.provider, 'offer', of.gpu_type, of.region) +
    quantity.cheapness * Math.log2(of.median_usd / of.usd_per_gpu_hour) +
    (quantity.reputation * (of.reputation - 70)) / 10;
  if (scale === 'log') return quantity.typical * Math.exp(shift);
  const odds = (quantity.typical / (1 - quantity.typical)) * Math.exp(shift);
  return odds / (1 + odds);
}

/** Rounding makes nothing of what is very small. */
const atLeast = (floor: number, value: number): number => Math.max(floor, value);
const round = (value: number, digits: number): number => Number(value.toFixed(digits));
