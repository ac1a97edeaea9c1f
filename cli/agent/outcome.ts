/** What an outcome line teaches about the offer that was taken. */

import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import type { FinalSeen } from '#shared/learning/fast/fast-learner.ts';
import { latencyOf } from '#shared/rules/imputed.ts';
import type { OutcomeLine } from './protocol.ts';

type Facts = Pick<
  FinalSeen,
  'started' | 'interrupted' | 'exposureHours' | 'logPriceRatio' | 'logLatencyRatio' | 'logReadyMs'
>;

export interface Taken {
  readonly workload: Workload;
  readonly offer: Offer;
  /** Epoch milliseconds at which the run became ready, as far as lines have said; else null. */
  readonly readyAtMs: number | null;
}

const HOUR_MS = 3_600_000;

/** The tenant's fault, our own, and a cancelled run say nothing about the offer. */
export const teaches = (line: OutcomeLine): boolean =>
  line.status !== 'cancelled' && line.blame !== 'tenant' && line.blame !== 'ours';

export function factsOf(line: OutcomeLine, { workload, offer, readyAtMs }: Taken, atMs: number): Facts {
  const completed = line.status === 'completed';
  const runs = line.status === 'preempted' || (line.exposure_hours ?? 0) > 0 || (line.billed_gpu_hours ?? 0) > 0;
  const started =
    completed ||
    line.status === 'ready' ||
    (line.status !== 'failed_to_start' && (readyAtMs !== null || line.ready_ms != null || runs));
  const runHours = workload.gpu_hours / workload.gpu_count;
  const watched = readyAtMs === null ? null : (atMs - readyAtMs) / HOUR_MS;
  return {
    started,
    interrupted: started && !completed,
    exposureHours: started ? (line.exposure_hours ?? (completed ? runHours : watched)) : null,
    logPriceRatio: started ? logRatio(paidRate(line), offer.usd_per_gpu_hour) : null,
    logLatencyRatio: started ? logRatio(line.latency_ms ?? null, latencyOf(offer)) : null,
    logReadyMs: started && line.ready_ms != null ? Math.log(Math.max(1, line.ready_ms)) : null,
  };
}

/**
 * USD per GPU-hour that was charged. The effective rate of a lost run divides by its useful hours, which says how early it
 * broke and not what it cost.
 */
function paidRate(line: OutcomeLine): number | null {
  const { effective_usd_per_gpu_hour: effective, useful_gpu_hours: useful, billed_gpu_hours: billed } = line;
  if (effective == null) return null;
  if (line.status === 'completed') return effective;
  return useful == null || billed == null || billed === 0 ? null : (effective * useful) / billed;
}

const logRatio = (value: number | null, base: number): number | null =>
  value === null || value <= 0 || base <= 0 ? null : Math.log(value / base);
