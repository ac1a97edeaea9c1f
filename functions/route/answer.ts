import { z } from 'zod';
import { IMPUTED_LATENCY_MS } from '#shared/defaults.ts';
import { exclusion, mode } from '#shared/domain/decision.ts';
import type { AuroraError } from '#shared/errors.ts';
import type { Routed } from './decide.ts';

/** What `POST /route` answers: a superset of the existing router's surface (provider … reason), so that callers need not change. */
export const routeAnswer = z.object({
  provider: z.string().nullable(),
  price_usd_per_hour: z.number().nullable(),
  estimated_latency_ms: z.number().nullable(),
  deployment_id: z.string().nullable(),
  status: z.enum(['provisioning', 'no_capacity']),
  reason: z.string().nullable(),
  request_id: z.string(),
  decision_id: z.string(),
  offer_id: z.string().nullable(),
  mode,
  model_version: z.string().nullable(),
  expected_utility: z.number().nullable(),
  propensity: z.number().nullable(),
  fallback_reason: z.string().nullable(),
  excluded: z.array(exclusion),
});
export type RouteAnswer = z.infer<typeof routeAnswer>;

export function answerOf({ decision }: Routed): RouteAnswer {
  const final = decision.candidates.find((candidate) => candidate.offer_id === decision.final_offer_id) ?? null;
  return {
    provider: decision.final_provider,
    price_usd_per_hour: final === null ? null : final.usd_per_gpu_hour * decision.request.gpu_count,
    estimated_latency_ms:
      final === null ? null : (final.predicted?.latency_ms ?? final.latency_ms ?? IMPUTED_LATENCY_MS),
    deployment_id: final === null ? null : decision.decision_id,
    status: final === null ? 'no_capacity' : 'provisioning',
    reason: final === null ? whyNothing(decision.excluded, decision.excluded_total) : null,
    request_id: decision.request_id,
    decision_id: decision.decision_id,
    offer_id: decision.final_offer_id,
    mode: decision.mode,
    model_version: decision.model_version,
    expected_utility: final?.expected_utility ?? null,
    propensity: decision.propensity,
    fallback_reason: decision.fallback_reason,
    // The nearest misses help the caller only when nothing fits.
    excluded: final === null ? decision.excluded : [],
  };
}

/** Beside `error` in a failed answer: the fields by which the existing router's callers see that nothing was deployed, and why. */
export const failedRoute = ({ message }: AuroraError): { readonly status: 'failed'; readonly reason: string } => ({
  status: 'failed',
  reason: message,
});

function whyNothing(excluded: readonly { readonly reason: string; readonly needed: string }[], total: number): string {
  if (total === 0) return 'no provider offers anything now';
  const nearest = excluded[0];
  return `none of ${total} offers is eligible${nearest === undefined ? '' : `; nearest: ${nearest.reason} (${nearest.needed})`}`;
}
