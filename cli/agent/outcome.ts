/** What an outcome line teaches about the offer that was taken, and what its run was worth. */

import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { realisedUtility } from '#shared/domain/utility.ts';
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

/** What the run was worth to its tenant. What a line does not say is taken as promised; of a lost run nothing counts as kept. */
export function utilityOf(
  line: OutcomeLine,
  { workload, offer }: Taken,
  { started, interrupted }: RunResponses,
): number {
  const completed = started && !interrupted;
  const billed = line.billed_gpu_hours ?? (line.exposure_hours ?? 0) * workload.gpu_count;
  const useful = completed ? workload.gpu_hours : (line.useful_gpu_hours ?? 0);
  const paid = paidRate(line) ?? offer.usd_per_gpu_hour;
  return realisedUtility(workload, {
    completed,
    became_ready: started,
    cost_usd: started ? paid * (completed ? (line.billed_gpu_hours ?? workload.gpu_hours) : billed) : 0,
    latency_ms: line.latency_ms ?? null,
    ready_ms: line.ready_ms ?? null,
    lost_share: interrupted ? 1 - Math.min(1, useful / workload.gpu_hours) : 0,
  });
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
