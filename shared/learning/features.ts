import { IMPUTED_AVAILABILITY_SHARE, referencePriceUsd } from '#shared/defaults.ts';
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
const HOUR_MS = 3_600_000;

/** @param decidedAtMs world epoch milliseconds. Every number of the answer is finite for any valid input. */
export function candidateFeatures(workload: Workload, offer: Offer, decidedAtMs: number): Features {
  const limits = utilityLimits(workload);
  const logPrice = log(offer.usd_per_gpu_hour);
  const logLatency = log(latencyOf(offer));
  const logHours = log(workload.gpu_hours);
  const logCount = log(workload.gpu_count);
  const hourAngle = ((decidedAtMs / HOUR_MS) % 24) * (Math.PI / 12);
  const { capacity_gpu_hours: remaining, capacity_total_gpu_hours: total } = offer;
  const provider = word(offer.provider);
  const gpuType = word(offer.gpu_type);
  const region = word(offer.region);
  const workloadType = word(workload.workload_type);
  const numeric: Record<(typeof NUMERIC)[number], number> = {
    log_price: logPrice,
    log_price_to_reference: logPrice - log(referencePriceUsd(offer.gpu_type)),
    log_price_to_limit: workload.max_price === null ? 0 : logPrice - log(workload.max_price),
    price_limit_missing: flag(workload.max_price === null),
    log_latency: logLatency,
    log_latency_to_limit: logLatency - log(limits.max_latency_ms),
    latency_limit_missing: flag(workload.max_latency_ms === null),
    latency_missing: flag(offer.latency_ms === null),
    latency_measured: flag(offer.latency_source === 'measured'),
    reputation: reputationOf(offer) / 100,
    reputation_missing: flag(offer.reputation === null),
    capacity_share: remaining === null || total === null ? IMPUTED_AVAILABILITY_SHARE : Math.min(1, remaining / total),
    capacity_missing: flag(remaining === null || total === null),
    log_capacity_to_work: Math.min(LOG_LIMIT, log(capacityOf(offer)) - logHours),
    log_gpu_hours: logHours,
    log_run_hours: logHours - logCount,
    log_gpu_count: logCount,
    log_offer_gpu_count: log(offer.gpu_count),
    hour_sin: Math.sin(hourAngle),
    hour_cos: Math.cos(hourAngle),
    critical: flag(workload.priority === 'critical'),
    region_exact: flag(workload.region === offer.region),
  };
  return {
    set: FEATURE_SET.set,
    hash: FEATURE_SET.hash,
    // + 0: a negative zero would not survive JSON, and a decision row must give back what was scored.
    numeric: NUMERIC.map((name) => Math.round(numeric[name] * DECIMALS) / DECIMALS + 0),
    categorical: [
      provider,
      gpuType,
      region,
      workloadType,
      `${provider}|${gpuType}`,
      `${provider}|${region}`,
      `${provider}|${workloadType}`,
      `${provider}|${gpuType}|${region}`,
    ],
  };
}

const flag = (condition: boolean): number => (condition ? 1 : 0);

/** log of a number >= 0, held within ±LOG_LIMIT; Infinity (capacity unknown) is the upper end. */
const log = (value: number): number => Math.max(-LOG_LIMIT, Math.min(LOG_LIMIT, Math.log(value)));

const word = (text: string): string => (text.length <= WORD_LIMIT ? text : text.slice(0, WORD_LIMIT).toWellFormed());
