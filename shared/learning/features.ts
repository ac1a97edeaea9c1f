import { IMPUTED_AVAILABILITY_SHARE, MS_PER_HOUR, referencePriceUsd } from '#shared/defaults.ts';
import type { Features } from '#shared/domain/features.ts';
import { sha256Hex } from '#shared/domain/ids.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { utilityLimits } from '#shared/domain/utility.ts';
import { capacityOf, latencyOf, reputationOf } from '#shared/rules/imputed.ts';

/**
 * What is known of a request and an offer at the instant of the decision, as numbers and words. Raw: a model's own scaling
 * and vocabulary come later (encoding.ts). Any change of names, order or meaning is a new set: bump `REVISION`.
 */
const REVISION = 1;

const NUMERIC = [
  'log_price',
  'log_price_to_reference',
  'log_price_to_limit',
  'price_limit_missing',
  'log_latency',
  'log_latency_to_limit',
  'latency_limit_missing',
  'latency_missing',
  'latency_measured',
  'reputation',
  'reputation_missing',
  'capacity_share',
  'capacity_missing',
  'log_capacity_to_work',
  'log_gpu_hours',
  'log_run_hours',
  'log_gpu_count',
  'log_offer_gpu_count',
  'hour_sin',
  'hour_cos',
  'critical',
  'region_exact',
] as const;

const CATEGORICAL = [
  'provider',
  'gpu_type',
  'region',
  'workload_type',
  'provider_gpu_type',
  'provider_region',
  'provider_workload_type',
  'provider_gpu_type_region',
] as const;

export const FEATURE_SET: {
  readonly set: string;
  readonly hash: string;
  readonly numeric: readonly string[];
  readonly categorical: readonly string[];
} = {
  set: 'router-1',
  // 64 bits tell builds apart; the hash rides on every candidate of every decision row.
  hash: sha256Hex(JSON.stringify([REVISION, NUMERIC, CATEGORICAL])).slice(0, 16),
  numeric: NUMERIC,
  categorical: CATEGORICAL,
};

/** e^±20 spans every price, latency and size that means anything; beyond it, only that it is absurd matters. */
const LOG_LIMIT = 20;
/** Six decimals: below what float32 tells apart after scaling, and half the bytes of a decision row. */
const DECIMALS = 1e6;
/** Longest word kept: 64 candidates with the longest crosses still fit one event. */
const WORD_LIMIT = 48;

/** Every number of the answer is finite for any valid input. @param decidedAtMs world epoch milliseconds */
export const candidateFeatures = (workload: Workload, offer: Offer, decidedAtMs: number): Features =>
  featuresFor(workload, decidedAtMs)(offer);

/** The same for many offers of one request: what depends on the request alone is worked out once. */
export function featuresFor(workload: Workload, decidedAtMs: number): (offer: Offer) => Features {
  const logLatencyLimit = log(utilityLimits(workload).max_latency_ms);
  const logPriceLimit = workload.max_price === null ? null : log(workload.max_price);
  const logHours = log(workload.gpu_hours);
  const logCount = log(workload.gpu_count);
  const hourAngle = ((decidedAtMs / MS_PER_HOUR) % 24) * (Math.PI / 12);
  const hourSin = Math.sin(hourAngle);
  const hourCos = Math.cos(hourAngle);
  const workloadType = word(workload.workload_type);

  return (offer) => {
    const known = factsOf(offer);
    return {
      set: FEATURE_SET.set,
      hash: FEATURE_SET.hash,
      // In the order of NUMERIC. A list and not a record by name: that took half the time of a candidate's features.
      numeric: [
        rounded(known.logPrice),
        rounded(known.logPriceToReference),
        rounded(logPriceLimit === null ? 0 : known.logPrice - logPriceLimit),
        flag(logPriceLimit === null),
        rounded(known.logLatency),
        rounded(known.logLatency - logLatencyLimit),
        flag(workload.max_latency_ms === null),
        flag(offer.latency_ms === null),
        flag(offer.latency_source === 'measured'),
        rounded(reputationOf(offer) / 100),
        flag(offer.reputation === null),
        rounded(known.capacityShare),
        known.capacityMissing,
        rounded(Math.min(LOG_LIMIT, known.logCapacity - logHours)),
        rounded(logHours),
        rounded(logHours - logCount),
        rounded(logCount),
        rounded(known.logGpuCount),
        rounded(hourSin),
        rounded(hourCos),
        flag(workload.priority === 'critical'),
        flag(workload.region === offer.region),
      ],
      categorical: wordsOf(known, workloadType),
    };
  };
}

/** What depends on the offer alone. */
interface OfferFacts {
  readonly logPrice: number;
  readonly logPriceToReference: number;
  readonly logLatency: number;
  readonly capacityShare: number;
  readonly capacityMissing: number;
  readonly logCapacity: number;
  readonly logGpuCount: number;
  readonly provider: string;
  readonly gpuType: string;
  readonly region: string;
  /** By workload type: see wordsOf. */
  readonly words: Map<string, string[]>;
}

/** By offer: the offers of a snapshot never change, and are gone with it. Logarithms and words are most of the cost. */
const facts = new WeakMap<Offer, OfferFacts>();

function factsOf(offer: Offer): OfferFacts {
  const known = facts.get(offer);
  if (known !== undefined) return known;
  const { capacity_gpu_hours: remaining, capacity_total_gpu_hours: total } = offer;
  const missing = remaining === null || total === null;
  const logPrice = log(offer.usd_per_gpu_hour);
  const provider = word(offer.provider);
  const gpuType = word(offer.gpu_type);
  const region = word(offer.region);
  const made: OfferFacts = {
    logPrice,
    logPriceToReference: logPrice - log(referencePriceUsd(offer.gpu_type)),
    logLatency: log(latencyOf(offer)),
    capacityShare: missing ? IMPUTED_AVAILABILITY_SHARE : Math.min(1, remaining / total),
    capacityMissing: flag(missing),
    logCapacity: log(capacityOf(offer)),
    logGpuCount: log(offer.gpu_count),
    provider,
    gpuType,
    region,
    words: new Map(),
  };
  facts.set(offer, made);
  return made;
}

/** Workload types kept per offer; far past what any market has, so that free text cannot fill the memory. */
const WORDS_LIMIT = 64;

/** In the order of CATEGORICAL. Always the same list for an offer and a workload type: nobody may change it, a scorer knows it again. */
function wordsOf(known: OfferFacts, workloadType: string): string[] {
  const found = known.words.get(workloadType);
  if (found !== undefined) return found;
  const { provider, gpuType, region } = known;
  const made = [
    provider,
    gpuType,
    region,
    workloadType,
    `${provider}|${gpuType}`,
    `${provider}|${region}`,
    `${provider}|${workloadType}`,
    `${provider}|${gpuType}|${region}`,
  ];
  if (known.words.size >= WORDS_LIMIT) known.words.clear();
  known.words.set(workloadType, made);
  return made;
}

/** + 0: a negative zero would not survive JSON, and a decision row must give back what was scored. */
const rounded = (value: number): number => Math.round(value * DECIMALS) / DECIMALS + 0;

const flag = (condition: boolean): number => (condition ? 1 : 0);

/** log of a number >= 0, held within ±LOG_LIMIT; Infinity (capacity unknown) is the upper end. */
const log = (value: number): number => Math.max(-LOG_LIMIT, Math.min(LOG_LIMIT, Math.log(value)));

const word = (text: string): string => (text.length <= WORD_LIMIT ? text : text.slice(0, WORD_LIMIT).toWellFormed());
