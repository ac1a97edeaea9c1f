/** What an outcome line teaches about the offer that was taken. */

import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { isCensored, type RunResponses, responsesOf } from '#shared/learning/fast/lesson.ts';
import { latencyOf } from '#shared/rules/imputed.ts';
import type { OutcomeLine } from './protocol.ts';

export interface Taken {
  readonly workload: Workload;
  readonly offer: Offer;
  /** Epoch milliseconds at which the run became ready, as far as lines have said; else null. */
  readonly readyAtMs: number | null;
}

/** The tenant's fault, our own, and a cancelled run say nothing about the offer. */
export const teaches = (line: OutcomeLine): boolean => !isCensored(line);

export const factsOf = (line: OutcomeLine, { workload, offer, readyAtMs }: Taken, atMs: number): RunResponses =>
  responsesOf({
    ...line,
    paid_usd_per_gpu_hour: paidRate(line),
    advertised_usd_per_gpu_hour: offer.usd_per_gpu_hour,
    advertised_latency_ms: latencyOf(offer),
    run_hours: workload.gpu_hours / workload.gpu_count,
    ready_at_ms: readyAtMs,
    at_ms: atMs,
  });

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
