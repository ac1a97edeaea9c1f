import { MS_PER_HOUR } from '#shared/defaults.ts';
import { type Burden, combine, type Listing, NO_BURDEN } from './listings.ts';
import { cheapUniform } from './random.ts';

/** The laws of one deployment: what its dice are thrown against, and what its expectation integrates. */
export interface Rates {
  /** P(offer gone at deploy). */
  readonly gone: number;
  /** P(becomes ready), given that it was not gone. */
  readonly start: number;
  readonly hazard_per_hour: number;
  /** Lognormals: median and standard deviation of the log. */
  readonly latency_ms: Lognormal;
  readonly usd_per_gpu_hour: Lognormal;
  readonly ready_ms: Lognormal;
}

export interface Lognormal {
  readonly median: number;
  readonly sigma: number;
}

/** The state of an offer at an instant, as far as its rates depend on it. */
export interface Moment {
  /** Hours since the start of the market. */
  readonly hours: number;
  /** Hour of day, UTC, fractional. */
  readonly hour_of_day: number;
  /** Share of the capacity in use, other customers included, 0..1. */
  readonly load: number;
  /** 0: promises hold. 1: the truth of the spec. */
  readonly deviation: number;
}

export const hourOfDay = (nowMs: number): number => (nowMs / MS_PER_HOUR) % 24;

/** 1 at the peak hour, -1 twelve hours away. */
const swing = (hour: number, peak: number): number => Math.cos(((hour - peak) * Math.PI) / 12);

/** Share of the capacity that other customers hold at `nowMs`. */
export function busyShare(listing: Listing, nowMs: number): number {
  const { mean, amplitude, peak_hour, noise } = listing.busy;
  const wobble = noise === 0 ? 0 : noise * (2 * cheapUniform(listing.salt, Math.floor(nowMs / MS_PER_HOUR)) - 1);
  return Math.min(0.95, Math.max(0, mean + amplitude * swing(hourOfDay(nowMs), peak_hour) + wobble));
}

/** The shocks that hold now: dice of the seed and the block, the same for every offer of the shock. */
export const shocksAt = (listing: Listing, hours: number): Burden =>
  listing.shocks.reduce<Burden>(
    (all, shock) =>
      cheapUniform(shock.salt, Math.floor(hours / shock.block_h)) < shock.probability ? combine(all, shock) : all,
    NO_BURDEN,
  );

const within = (hour: number, from: number, to: number): boolean =>
  from < to ? hour >= from && hour < to : hour >= from || hour < to;

/**
 * The rates in force. Probabilities and hazard go from the promise to the truth linearly in the deviation, medians
 * geometrically, spreads linearly; scenario events come on top, unscaled.
 */
export function ratesAt(listing: Listing, moment: Moment, given: Burden): Rates {
  const { truth } = listing;
  const { deviation, load, hour_of_day: hour } = moment;
  const weather = listing.weather(moment.hours);
  const burden = truth.hours
    .filter((window) => within(hour, window.from_hour, window.to_hour))
    .reduce<Burden>(combine, given);
  const start = Math.min(1, truth.start * burden.start_factor) * (1 - truth.start_load_penalty * load ** 2);
  const diurnal =
    truth.latency_diurnal === undefined
      ? 0
      : truth.latency_diurnal.amplitude * swing(hour, truth.latency_diurnal.peak_hour);
  const latencyLog = Math.log(truth.latency_ratio * burden.latency_factor) + truth.latency_load * load + diurnal;
  return {
    gone: Math.min(1, deviation * truth.gone),
    start: Math.max(0, 1 - deviation * (1 - start)) * weather.start,
    hazard_per_hour: deviation * truth.hazard_per_hour * burden.hazard_factor * weather.hazard,
    latency_ms: {
      median: listing.latency_ms * weather.latency * Math.exp(deviation * latencyLog),
      sigma: deviation * truth.latency_sigma,
    },
    usd_per_gpu_hour: {
      median: listing.usd_per_gpu_hour * weather.price * (truth.price_ratio * burden.price_factor) ** deviation,
      sigma: deviation * truth.price_sigma,
    },
    ready_ms: { median: truth.ready_ms, sigma: deviation * truth.ready_sigma },
  };
}
