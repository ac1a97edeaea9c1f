import { MS_PER_DAY, referencePriceUsd } from '#shared/defaults.ts';
import type { Predicted } from '#shared/domain/decision.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { COST_SHARE_LIMIT, utilityLimits } from '#shared/domain/utility.ts';
import { latencyOf } from '#shared/rules/imputed.ts';
import type { TargetScale, TargetScales } from './heads.ts';

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
  const scaled = (head: number, { mean, std }: TargetScale): number => z(head) * std + mean;
  const ready = readyAt(z(0));
  return {
    ready,
    completed: ready * survivalAt(z(1), workload),
    usd_per_gpu_hour: priceAt(scaled(2, targets.price), offer),
    latency_ms: latencyAt(scaled(3, targets.latency), offer),
    ready_ms: readyMsAt(scaled(4, targets.ready)),
  };
}

// Each head's part alone, of its linear predictor in natural units (heads.ts).

/** P(becomes ready). */
export const readyAt = (z: number): number => 1 / (1 + Math.exp(-z));

/** P(completes, once it is ready). */
export const survivalAt = (z: number, { gpu_hours, gpu_count }: Workload): number =>
  Math.exp(-Math.exp(clamp(z, LOG_HAZARD_MIN, LOG_HAZARD_MAX)) * (gpu_hours / gpu_count));

export const priceAt = (z: number, offer: Pick<Offer, 'usd_per_gpu_hour'>): number =>
  finite(offer.usd_per_gpu_hour * Math.exp(clamp(z, -LOG_PRICE_RATIO_LIMIT, LOG_PRICE_RATIO_LIMIT)));

export const latencyAt = (z: number, offer: Pick<Offer, 'latency_ms'>): number =>
  finite(latencyOf(offer) * Math.exp(clamp(z, -LOG_LATENCY_RATIO_LIMIT, LOG_LATENCY_RATIO_LIMIT)));

export const readyMsAt = (z: number): number => Math.exp(clamp(z, LOG_READY_MIN, LOG_READY_MAX));

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
export const expectedUtility = (workload: Workload, predicted: Predicted): number => utilityFor(workload)(predicted);

/** The same for many candidates of one request: what depends on the request alone is worked out once. */
export function utilityFor(workload: Workload): (predicted: Predicted) => number {
  const { weights } = workload;
  const limits = utilityLimits(workload);
  const budgetPrice = workload.max_price ?? referencePriceUsd(workload.gpu_type);
  const whenNot = -weights.latency * 2 - weights.availability;
  return ({ ready, completed, usd_per_gpu_hour, latency_ms, ready_ms }) => {
    const survives = ready > 0 ? Math.min(1, completed / ready) : 0;
    const done = shareDone(survives);
    // cost/budget without the GPU-hours of both: their product would underflow for the tiniest jobs.
    const costShare = done * Math.min(COST_SHARE_LIMIT, usd_per_gpu_hour / budgetPrice);
    const latency = Math.min(2, latency_ms / limits.max_latency_ms);
    const wait = Math.min(1, ready_ms / limits.ready_limit_ms);
    const whenReady =
      survives -
      weights.price * costShare -
      weights.latency * latency -
      weights.availability * wait -
      weights.reputation * (1 - done);
    return ready * whenReady + (1 - ready) * whenNot;
  };
}

/** E[min(t, T)] / T of an exponential t with P(t > T) = survives. */
function shareDone(survives: number): number {
  const load = -Math.log(survives);
  // 1 - e^-L)/L is 0/0 at L = 0; there its series is exact to the last digit.
  return load < 1e-9 ? 1 - load / 2 : -Math.expm1(-load) / load;
}

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

const finite = (value: number): number => Math.min(value, Number.MAX_VALUE);
