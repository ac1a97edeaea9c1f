import type { Workload } from '#shared/domain/request.ts';
import { utilityLimits } from '#shared/domain/utility.ts';
import type { Lognormal, Rates } from './rates.ts';

/** What a choice is truly worth. Means; `ready` and `completed` are probabilities of the whole attempt, "offer gone" included. */
export interface TrueExpectation {
  readonly ready: number;
  readonly completed: number;
  /** Given that it became ready. */
  readonly usd_per_gpu_hour: number;
  readonly latency_ms: number;
  readonly ready_ms: number;
  /** Of realisedUtility in shared/domain/utility.ts. An offer that is gone counts as a failed start. */
  readonly expected_utility: number;
}

/**
 * The expectation of a mixture of rates, in closed form. Exact but for the normal distribution function (error below
 * 2e-7), so within 1e-6; instants of the market are whole milliseconds, which moves nothing that can be seen here.
 */
export function expectationOf(
  workload: Workload,
  mixture: readonly { readonly share: number; readonly rates: Rates }[],
): TrueExpectation {
  let ready = 0;
  let completed = 0;
  let usd = 0;
  let latency = 0;
  let readyMs = 0;
  let utility = 0;
  for (const { share, rates } of mixture) {
    const part = expectationOfRates(workload, rates);
    ready += share * part.ready;
    completed += share * part.completed;
    usd += share * part.ready * part.usd_per_gpu_hour;
    latency += share * part.ready * part.latency_ms;
    readyMs += share * part.ready * part.ready_ms;
    utility += share * part.expected_utility;
  }
  const given = (sum: number): number => (ready === 0 ? 0 : sum / ready);
  return {
    ready,
    completed,
    usd_per_gpu_hour: given(usd),
    latency_ms: given(latency),
    ready_ms: given(readyMs),
    expected_utility: utility,
  };
}

function expectationOfRates(workload: Workload, rates: Rates): TrueExpectation {
  const { weights } = workload;
  const limits = utilityLimits(workload);
  const runHours = workload.gpu_hours / workload.gpu_count;
  const ready = (1 - rates.gone) * rates.start;
  const run = runOf(rates.hazard_per_hour, runHours);
  const usd = meanOf(rates.usd_per_gpu_hour);
  const utilityIfReady =
    run.completed -
    (weights.price * usd * run.billedHours * workload.gpu_count) / limits.budget_usd -
    (weights.latency * meanBelow(rates.latency_ms, 2 * limits.max_latency_ms)) / limits.max_latency_ms -
    (weights.availability * meanBelow(rates.ready_ms, limits.ready_limit_ms)) / limits.ready_limit_ms -
    weights.reputation * run.lostShare;
  const utilityIfNot = -2 * weights.latency - weights.availability;
  return {
    ready,
    completed: ready * run.completed,
    usd_per_gpu_hour: usd,
    latency_ms: meanOf(rates.latency_ms),
    ready_ms: meanOf(rates.ready_ms),
    expected_utility: ready * utilityIfReady + (1 - ready) * utilityIfNot,
  };
}

/** A run of `hours` under a constant hazard, checkpointed every hour: an interruption keeps whole checkpoints. */
function runOf(hazard: number, hours: number): { completed: number; billedHours: number; lostShare: number } {
  if (hazard === 0) return { completed: 1, billedHours: hours, lostShare: 0 };
  const survives = Math.exp(-hazard * hours);
  // E[floor(t); t < hours] = sum over checkpoints k of P(k <= t < hours).
  const checkpoints = Math.ceil(hours) - 1;
  // A geometric series, by expm1 so that a tiny hazard loses no digits.
  const series = (Math.exp(-hazard) * Math.expm1(-hazard * checkpoints)) / Math.expm1(-hazard);
  const kept = series - checkpoints * survives;
  return {
    completed: survives,
    billedHours: -Math.expm1(-hazard * hours) / hazard,
    lostShare: -Math.expm1(-hazard * hours) - kept / hours,
  };
}

const meanOf = ({ median, sigma }: Lognormal): number => median * Math.exp(sigma ** 2 / 2);

/** E[min(X, limit)] of a lognormal. */
function meanBelow({ median, sigma }: Lognormal, limit: number): number {
  if (sigma === 0) return Math.min(median, limit);
  const z = Math.log(limit / median) / sigma;
  return median * Math.exp(sigma ** 2 / 2) * normalCdf(z - sigma) + limit * normalCdf(-z);
}

/** Abramowitz and Stegun 7.1.26 on erfc, absolute error below 1.5e-7. */
function normalCdf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const tail =
    (t *
      (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
      Math.exp(-x * x)) /
    2;
  return z > 0 ? 1 - tail : tail;
}
