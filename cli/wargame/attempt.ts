/** One decision of the war game, and what a policy is told of its run: the facts that a router sees, never the truth. */
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { realisedUtility } from '#shared/domain/utility.ts';
import { latencyOf } from '#shared/rules/imputed.ts';
import type { BookedStatus } from '#sim/market/instance.ts';

export interface Attempt {
  /** The same for every policy: request and dice hang on it. */
  readonly key: string;
  readonly workload: Workload;
  readonly offer: Offer;
  readonly decidedMs: number;
}

/** What is known at `atMs`. Logs of ratios to what was advertised; null: not known, or not yet. */
export interface Lesson extends Attempt {
  readonly atMs: number;
  readonly started: boolean;
  readonly interrupted: boolean;
  readonly exposureHours: number | null;
  readonly logPriceRatio: number | null;
  readonly logLatencyRatio: number | null;
  readonly logReadyMs: number | null;
  /** How the run ended; null: it has not, or there never was one. */
  readonly end: BookedStatus | null;
}

/** A start has failed, or the offer was gone. */
export const failedStart = (attempt: Attempt, atMs: number): Lesson => ({
  ...attempt,
  atMs,
  started: false,
  interrupted: false,
  exposureHours: null,
  logPriceRatio: null,
  logLatencyRatio: null,
  logReadyMs: null,
  end: null,
});

/** The run has become ready; how long it lasts and what it costs is still open. */
export const becameReady = (attempt: Attempt, status: BookedStatus, atMs: number): Lesson => ({
  ...failedStart(attempt, atMs),
  started: true,
  logLatencyRatio: logRatio(status.latency_ms, latencyOf(attempt.offer)),
  logReadyMs: logRatio(readyMsOf(status), 1),
});

/** The run has ended, one way or the other. */
export function ended(attempt: Attempt, status: BookedStatus, atMs: number): Lesson {
  if (status.ready_at === null) return { ...failedStart(attempt, atMs), end: status };
  const rate = status.billed_gpu_hours > 0 ? status.cost_usd / status.billed_gpu_hours : null;
  return {
    ...becameReady(attempt, status, atMs),
    interrupted: status.state !== 'completed',
    exposureHours: status.exposure_hours,
    logPriceRatio: logRatio(rate, attempt.offer.usd_per_gpu_hour),
    end: status,
  };
}

/** What the run was worth to its tenant. @param lesson of its end */
export function utilityOf({ workload, end }: Lesson): number {
  const becameReady = end !== null && end.ready_at !== null;
  const completed = end?.state === 'completed';
  return realisedUtility(workload, {
    completed,
    became_ready: becameReady,
    cost_usd: end?.cost_usd ?? 0,
    latency_ms: end?.latency_ms ?? null,
    ready_ms: becameReady ? readyMsOf(end) : null,
    lost_share: completed || !becameReady ? 0 : 1 - Math.min(1, end.useful_gpu_hours / workload.gpu_hours),
  });
}

/** The tenant's own fault says nothing about the offer. */
export const isCensored = (status: BookedStatus): boolean => status.blame === 'tenant';

export const runHoursOf = ({ gpu_hours, gpu_count }: Workload): number => gpu_hours / gpu_count;

/** At least a millisecond: a logarithm is taken of it. */
const readyMsOf = ({ ready_at, created_at }: BookedStatus): number | null =>
  ready_at === null ? null : Math.max(1, Date.parse(ready_at) - Date.parse(created_at));

const logRatio = (value: number | null, base: number): number | null =>
  value === null || value <= 0 ? null : Math.log(value / base);
