import { MS_PER_DAY, referencePriceUsd } from '#shared/defaults.ts';
import type { Predicted } from '#shared/domain/decision.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { COST_SHARE_LIMIT, utilityLimits } from '#shared/domain/utility.ts';
import { latencyOf } from '#shared/rules/imputed.ts';
import type { TargetScales } from './heads.ts';

/** Interruptions per hour from one in 10^7 hours to one in half a minute. */
const LOG_HAZARD_MIN = Math.log(1e-7);
const LOG_HAZARD_MAX = Math.log(120);
/** A provider that charges more than ten times its price, or answers a hundred times slower, is no worse for being worse still. */
const LOG_PRICE_RATIO_LIMIT = Math.log(10);
const LOG_LATENCY_RATIO_LIMIT = Math.log(100);
/** Ready between a tenth of a second and a day. */
const LOG_READY_MIN = Math.log(100);
const LOG_READY_MAX = Math.log(MS_PER_DAY);

/**
 * The raw outputs of the heads (order of heads.ts) as parts of the utility. Advertised figures that are missing are imputed.
 * completed = ready * exp(-hazard * run hours): the hazard is constant over the run.
 * @param raw heads of several candidates; this one's start at `offset`.
 */
export function partsFromRaw(
  raw: ArrayLike<number>,
  offset: number,
  targets: TargetScales,
  workload: Workload,
  offer: Pick<Offer, 'usd_per_gpu_hour' | 'latency_ms'>,
): Predicted {
  const z = (head: number): number => raw[offset + head] as number;
  const ready = 1 / (1 + Math.exp(-z(0)));
  const hazardPerHour = Math.exp(clamp(z(1), LOG_HAZARD_MIN, LOG_HAZARD_MAX));
  const runHours = workload.gpu_hours / workload.gpu_count;
  const priceRatio = Math.exp(unscaled(z(2), targets.price, -LOG_PRICE_RATIO_LIMIT, LOG_PRICE_RATIO_LIMIT));
  const latencyRatio = Math.exp(unscaled(z(3), targets.latency, -LOG_LATENCY_RATIO_LIMIT, LOG_LATENCY_RATIO_LIMIT));
  return {
    ready,
    completed: ready * Math.exp(-hazardPerHour * runHours),
    usd_per_gpu_hour: finite(offer.usd_per_gpu_hour * priceRatio),
    latency_ms: finite(latencyOf(offer) * latencyRatio),
    ready_ms: Math.exp(unscaled(z(4), targets.ready, LOG_READY_MIN, LOG_READY_MAX)),
  };
}

/** What the provider promises, taken at its word: ready at once, never interrupted. */
export const advertisedParts = (offer: Offer): Predicted => ({
  ready: 1,
  completed: 1,
  usd_per_gpu_hour: offer.usd_per_gpu_hour,
  latency_ms: latencyOf(offer),
  ready_ms: 0,
});

/**
 * Expectation of `realisedUtility` (shared/domain/utility.ts) under the predicted parts. The hazard is read back from
 * completed/ready; with L = hazard * run hours, the part of the run done before an interruption or the end is on average
 * (1 - e^-L)/L, and cost and lost share follow from it. Latency, price and ready time enter by their point predictions.
 * A run that never becomes ready costs nothing, counts latency 2 and ready 1, loses no work.
 */
export function expectedUtility(workload: Workload, predicted: Predicted): number {
  const { weights } = workload;
  const limits = utilityLimits(workload);
  const { ready } = predicted;
  const survives = ready > 0 ? Math.min(1, predicted.completed / ready) : 0;
  const done = shareDone(survives);
  // cost/budget without the GPU-hours of both: their product would underflow for the tiniest jobs.
  const budgetPrice = workload.max_price ?? referencePriceUsd(workload.gpu_type);
  const costShare = done * Math.min(COST_SHARE_LIMIT, predicted.usd_per_gpu_hour / budgetPrice);
  const latency = Math.min(2, predicted.latency_ms / limits.max_latency_ms);
  const wait = Math.min(1, predicted.ready_ms / limits.ready_limit_ms);
  const whenReady =
    survives -
    weights.price * costShare -
    weights.latency * latency -
    weights.availability * wait -
    weights.reputation * (1 - done);
  const whenNot = -weights.latency * 2 - weights.availability;
  return ready * whenReady + (1 - ready) * whenNot;
}

/** E[min(t, T)] / T of an exponential t with P(t > T) = survives. */
function shareDone(survives: number): number {
  const load = -Math.log(survives);
  // 1 - e^-L)/L is 0/0 at L = 0; there its series is exact to the last digit.
  return load < 1e-9 ? 1 - load / 2 : -Math.expm1(-load) / load;
}

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

const unscaled = (z: number, scale: { mean: number; std: number }, low: number, high: number): number =>
  clamp(z * scale.std + scale.mean, low, high);

const finite = (value: number): number => Math.min(value, Number.MAX_VALUE);
