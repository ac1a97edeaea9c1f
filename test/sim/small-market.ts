import type { Workload } from '#shared/domain/request.ts';
import { canonicalWorkloadOf } from '#shared/domain/request.ts';
import { parseMarketSpec } from '#sim/market/load-spec.ts';
import type { MarketSpec } from '#sim/market/spec.ts';

/** An offer of the small market: one provider, one region, idle, honest unless told otherwise. */
export const smallOffer = (
  fields: Readonly<Record<string, unknown>> = {},
  truth: Readonly<Record<string, unknown>> = {},
) => ({
  provider: 'alpha',
  gpu_type: 'rtx4090',
  region: 'us-east',
  usd_per_gpu_hour: 0.4,
  latency_ms: 200,
  reputation: 80,
  capacity_gpu_hours: 100,
  truth: { start: 0.7, hazard_per_hour: 0.1, ready_ms: 60_000, ...truth },
  ...fields,
});

export const smallSpec = (
  offers: readonly Readonly<Record<string, unknown>>[] = [smallOffer()],
  more: Readonly<Record<string, unknown>> = {},
): MarketSpec =>
  parseMarketSpec(
    {
      name: 'small',
      description: 'For tests.',
      listings: { kind: 'explicit', offers },
      arrivals_per_hour: 10,
      workloads: { render: { gpu_types: { rtx4090: 1 }, gpu_hours: { median: 2, sigma: 0.5, min: 0.5, max: 8 } } },
      tenants: [
        {
          tenant_id: 'studio',
          share: 1,
          weights: { price: 0.35, latency: 0.3, reputation: 0.2, availability: 0.15 },
          mix: { render: 1 },
          regions: { 'us-east': 1 },
        },
      ],
      ...more,
    },
    'small',
  );

export const smallWorkload = (fields: Partial<Workload> = {}): Workload => ({
  ...canonicalWorkloadOf({ workload_type: 'render', gpu_type: 'rtx4090', region: 'us-east', gpu_hours: 4 }),
  ...fields,
});

export const order = (label: string, nowMs: number, offerId = 'alpha:rtx4090-us-east') => ({
  offerId,
  label,
  gpu_count: 1,
  gpu_hours: 4,
  workload_type: 'render',
  nowMs,
});

/** 2026-01-01T00:00:00Z, the start of a market that is told no other. */
export const START_MS = Date.UTC(2026, 0, 1);
export const HOUR_MS = 3_600_000;
