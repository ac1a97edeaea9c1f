/** What is told of a deployment, once it is known. Pure. */
import { attemptOf, type Ending, type OpenDeployment } from '#shared/domain/deployment.ts';
import type { Outcome } from '#shared/domain/outcome.ts';

/** Each field in its place: an end that was stored meanwhile gives the same bytes. */
export const finalOutcome = (record: OpenDeployment, ending: Ending): Outcome => ({
  ...attemptOf(record.request),
  sequence: 1,
  observed_at: ending.observed_at,
  status: ending.status,
  final: true,
  blame: ending.blame,
  ready_ms: ending.ready_ms,
  ready_within_ms: withinOf(record, ending.ready_ms),
  latency_ms: ending.latency_ms,
  exposure_hours: ending.exposure_hours,
  useful_gpu_hours: ending.useful_gpu_hours,
  billed_gpu_hours: ending.billed_gpu_hours,
  cost_usd: ending.cost_usd,
  effective_usd_per_gpu_hour: ending.effective_usd_per_gpu_hour,
});

/** Null: it never was ready, or its provider said when. */
const withinOf = ({ ready_within_ms: ms }: OpenDeployment, readyMs: number | null): number | null =>
  readyMs === null || ms === 0 ? null : ms;

/** What an interim outcome holds: what is known by then. */
export function readyOutcome(record: OpenDeployment, createdAt: string | null | undefined): Outcome {
  const readyAt = record.ready_at ?? record.claimed_at;
  const seenMs = Math.max(0, Date.parse(readyAt) - Date.parse(createdAt ?? record.claimed_at));
  const readyMs = record.ending === null ? seenMs : record.ending.ready_ms;
  return {
    ...attemptOf(record.request),
    sequence: 0,
    observed_at: readyAt,
    status: 'ready',
    final: false,
    blame: null,
    ready_ms: readyMs,
    ready_within_ms: withinOf(record, readyMs),
    latency_ms: record.ending === null ? (record.seen?.latency_ms ?? null) : record.ending.latency_ms,
    exposure_hours: null,
    useful_gpu_hours: null,
    billed_gpu_hours: null,
    cost_usd: null,
    effective_usd_per_gpu_hour: null,
  };
}
