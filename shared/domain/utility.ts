import { LATENCY_LIMIT_DEFAULT_MS, READY_LIMIT_DEFAULT_MS, referencePriceUsd } from '#shared/defaults.ts';
import type { Outcome } from './outcome.ts';
import type { Workload } from './request.ts';

/** The limits against which a run is measured. USD, milliseconds. */
export interface UtilityLimits {
  readonly budget_usd: number;
  readonly max_latency_ms: number;
  readonly ready_limit_ms: number;
}

export function utilityLimits(workload: Workload): UtilityLimits {
  return {
    budget_usd: workload.gpu_hours * (workload.max_price ?? referencePriceUsd(workload.gpu_type)),
    max_latency_ms: workload.max_latency_ms ?? LATENCY_LIMIT_DEFAULT_MS,
    ready_limit_ms: READY_LIMIT_DEFAULT_MS,
  };
}

/**
 * Budgets overrun a hundredfold are all the same disaster. Prices pass the hard filter, so no honest run comes near; without
 * it one request of 1e-9 GPU-hours, billed by the minute, would outweigh every other row of an evaluation.
 */
export const COST_SHARE_LIMIT = 100;

/** What happened, as far as utility sees it. `latency_ms`, `ready_ms` null: the run never became ready, or it was not measured. */
export interface RunResult {
  readonly completed: boolean;
  readonly became_ready: boolean;
  readonly cost_usd: number;
  readonly latency_ms: number | null;
  readonly ready_ms: number | null;
  /** Part of the work lost to an interruption, 0..1. */
  readonly lost_share: number;
}

/**
 * Utility of one finished decision (DESIGN of the project: docs/architecture.md#utility):
 * `completed - w_price*min(100, cost/budget) - w_latency*min(2, latency/max) - w_availability*min(1, ready/limit) - w_reputation*lost`.
 * A run that never became ready counts latency 2 and ready 1. An unmeasured latency of a run that was ready counts its limit.
 */
export function realisedUtility(workload: Workload, run: RunResult): number {
  const { weights } = workload;
  const limits = utilityLimits(workload);
  const latency = run.became_ready ? Math.min(2, (run.latency_ms ?? limits.max_latency_ms) / limits.max_latency_ms) : 2;
  const ready = run.became_ready ? Math.min(1, (run.ready_ms ?? limits.ready_limit_ms) / limits.ready_limit_ms) : 1;
  const costShare = run.cost_usd > 0 ? Math.min(COST_SHARE_LIMIT, run.cost_usd / limits.budget_usd) : 0;
  return (
    (run.completed ? 1 : 0) -
    weights.price * costShare -
    weights.latency * latency -
    weights.availability * ready -
    weights.reputation * run.lost_share
  );
}

/** Of an outcome, what its utility is made of. */
export type End = Pick<
  Outcome,
  'status' | 'final' | 'blame' | 'ready_ms' | 'latency_ms' | 'useful_gpu_hours' | 'cost_usd' | 'request'
>;

/** The facts of a final outcome that its utility needs; null = censored (the tenant's or our own fault says nothing about the offer). */
export function runResultOf(outcome: End): RunResult | null {
  if (!outcome.final || outcome.blame === 'tenant' || outcome.blame === 'ours' || outcome.status === 'cancelled')
    return null;
  const becameReady = outcome.status !== 'failed_to_start' && outcome.ready_ms !== null;
  const completed = outcome.status === 'completed';
  return {
    completed,
    became_ready: completed || becameReady,
    cost_usd: outcome.cost_usd ?? 0,
    latency_ms: outcome.latency_ms,
    ready_ms: outcome.ready_ms,
    lost_share:
      completed || !becameReady ? 0 : 1 - Math.min(1, (outcome.useful_gpu_hours ?? 0) / outcome.request.gpu_hours),
  };
}
