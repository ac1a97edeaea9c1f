import type { Candidate, Decision } from '#shared/domain/decision.ts';
import type { EventType, Payload } from '#shared/domain/events/catalogue.ts';
import { anOffer, aWorkload } from './offers.ts';
import { anOutcome } from './outcomes.ts';

export const aCandidate = (changes: Partial<Candidate> = {}): Candidate => ({
  provider: 'vast',
  offer_id: 'vast:1',
  usd_per_gpu_hour: 0.4,
  latency_ms: null,
  rule_score: 1.1,
  probability: 1,
  expected_utility: 0.4,
  utility_variance: null,
  lead_variance: null,
  predicted: { ready: 1, completed: 0.9, usd_per_gpu_hour: 0.4, latency_ms: 100, ready_ms: 30_000 },
  features: { set: 'router-1', hash: 'h', numeric: [1.5], categorical: ['vast'] },
  dropped: false,
  ...changes,
});

export const aDecision = (changes: Partial<Decision> = {}): Decision => ({
  decision_id: 'd1',
  request_id: 'r1',
  decided_at: '2026-01-01T00:00:00.000Z',
  tenant_id: 'default',
  request: aWorkload(),
  offers_generation: '7',
  candidates: [aCandidate()],
  excluded: [{ provider: 'akash', offer_id: 'akash:1', reason: 'price', needed: 'max_price >= 1.87' }],
  excluded_total: 1,
  recommended_offer_id: 'vast:1',
  final_provider: 'vast',
  final_offer_id: 'vast:1',
  mode: 'rules',
  arm: null,
  overridden_by: null,
  propensity: 1,
  salt_id: 's1',
  policy: { kind: 'epsilon_softened', epsilon: 0.05 },
  model_version: null,
  statistics_generation: null,
  model_age_s: null,
  offers_age_s: 2,
  score_ms: 0.4,
  decide_ms: 0.1,
  fallback_reason: null,
  ...changes,
});

const option = {
  provider: 'vast',
  offer_id: 'vast:1',
  advertised_usd_per_gpu_hour: 0.4,
  advertised_latency_ms: null,
  features: null,
};

/** One valid payload of every event. */
export const EVENT_SAMPLES: { readonly [T in EventType]: Payload<T> } = {
  'routing-decision': aDecision(),
  'routing-outcome': anOutcome(),
  'deployment-requested': {
    decision_id: 'd1',
    request_id: 'r1',
    decided_at: '2026-01-01T00:00:00.000Z',
    requested_at: '2026-01-01T00:00:01.000Z',
    tenant_id: 'default',
    request: aWorkload(),
    mode: 'rules',
    propensity: null,
    attempt: 0,
    option,
    fallbacks: [option],
  },
  'provider-offer': anOffer({ latency_ms: null, capacity_gpu_hours: null }),
  'training-requested': { requested_at: '2026-01-01T00:00:00.000Z', requested_by: 'cron', force: false, seed: 1 },
  'model-trained': {
    version: 'v1',
    trained_at: '2026-01-01T00:00:00.000Z',
    training_rows: 80,
    holdout_rows: 20,
    backend: 'wasm',
    watermark: '2026-01-01T00:00:00.000Z',
    data_sha256: 'abc',
  },
  'model-promoted': {
    alias: 'champion',
    sequence: 1,
    version: null,
    previous_version: 'v1',
    promoted_at: '2026-01-01T00:00:00.000Z',
    verdict: null,
    promoted_by: 'ann',
    reason: 'worse',
    forced: true,
  },
  'event-rejected': {
    rejected_at: '2026-01-01T00:00:00.000Z',
    function_name: 'ingest',
    subscription: null,
    message_id: 'm1',
    event_type: null,
    code: 'event_invalid',
    reason: 'attribute event_type is missing',
    raw_base64: 'e30=',
    attributes: { a: 'b' },
  },
};
