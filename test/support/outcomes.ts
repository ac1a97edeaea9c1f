import type { Outcome } from '#shared/domain/outcome.ts';
import { aWorkload } from './offers.ts';

/** A completed first attempt; a test names only what it is about. */
export const anOutcome = (changes: Partial<Outcome> = {}): Outcome => ({
  decision_id: 'd1',
  attempt: 0,
  sequence: 1,
  provider: 'vast',
  offer_id: 'vast:1',
  observed_at: '2026-01-01T04:00:00.000Z',
  status: 'completed',
  final: true,
  blame: null,
  ready_ms: 30_000,
  ready_within_ms: null,
  latency_ms: 120,
  exposure_hours: 4,
  useful_gpu_hours: 8,
  billed_gpu_hours: 8,
  cost_usd: 3.2,
  effective_usd_per_gpu_hour: 0.4,
  decided_at: '2026-01-01T00:00:00.000Z',
  tenant_id: 'default',
  request: aWorkload(),
  advertised_usd_per_gpu_hour: 0.4,
  advertised_latency_ms: 100,
  features: null,
  mode: 'rules',
  propensity: 0.9,
  ...changes,
});
