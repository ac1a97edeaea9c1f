/** Rows as ingest makes them: a payload through the event's own codec. */
import type { Decision } from '#shared/domain/decision.ts';
import { EVENTS, type EventType, type Payload } from '#shared/domain/events/catalogue.ts';
import { decodeEvent, encodeEvent, eventRow } from '#shared/domain/events/codec.ts';
import type { EventDefinition } from '#shared/domain/events/definition.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { DEFAULT_WEIGHTS, type Workload } from '#shared/domain/request.ts';
import type { Row } from '#shared/ports/warehouse.ts';

export const NOON = Date.parse('2026-03-01T12:00:00.000Z');

/** The row of a payload, arrived at `ingestedAtMs`. */
export function rowOf<T extends EventType>(type: T, payload: Payload<T>, ingestedAtMs = NOON): Row {
  const definition: EventDefinition = EVENTS[type];
  const message = encodeEvent(definition, payload);
  const decoded = decodeEvent(message.data, message.attributes);
  if (!decoded.ok) throw new Error(decoded.reason);
  return eventRow(decoded.event, ingestedAtMs);
}

const workload: Workload = {
  tenant_id: 'acme',
  workload_type: 'rendering',
  gpu_type: 'rtx4090',
  region: 'eu',
  gpu_hours: 4,
  gpu_count: 2,
  max_price: 0.5,
  max_latency_ms: null,
  min_reputation: null,
  weights: DEFAULT_WEIGHTS,
  priority: 'normal',
  image: null,
  port: null,
};

const features = { set: 'test', hash: 'abc', numeric: [0.5, -1], categorical: ['vast'] };

export const decisionPayload = (decisionId: string, given: Partial<Decision> = {}): Decision => ({
  decision_id: decisionId,
  request_id: `request-${decisionId}`,
  decided_at: '2026-03-01T11:00:00.000Z',
  tenant_id: 'acme',
  request: workload,
  offers_generation: '7',
  candidates: [],
  excluded: [],
  excluded_total: 0,
  recommended_offer_id: 'vast:1',
  final_provider: 'vast',
  final_offer_id: 'vast:1',
  mode: 'rules',
  arm: null,
  overridden_by: null,
  propensity: 0.95,
  salt_id: 'salt-1',
  policy: { kind: 'epsilon_softened', epsilon: 0.05 },
  model_version: null,
  statistics_generation: null,
  model_age_s: null,
  offers_age_s: 1.5,
  score_ms: null,
  decide_ms: 0.25,
  fallback_reason: 'scores_unavailable',
  ...given,
});

/** A run that completed: the final outcome of attempt 0. */
export const outcomePayload = (decisionId: string, given: Partial<Outcome> = {}): Outcome => ({
  decision_id: decisionId,
  attempt: 0,
  sequence: 1,
  provider: 'vast',
  offer_id: 'vast:1',
  observed_at: '2026-03-01T11:30:00.000Z',
  status: 'completed',
  final: true,
  blame: null,
  ready_ms: 40_000,
  ready_within_ms: null,
  latency_ms: 100,
  exposure_hours: 2,
  useful_gpu_hours: 4,
  billed_gpu_hours: 4,
  cost_usd: 1.6,
  effective_usd_per_gpu_hour: 0.4,
  decided_at: '2026-03-01T11:00:00.000Z',
  tenant_id: 'acme',
  request: workload,
  advertised_usd_per_gpu_hour: 0.38,
  advertised_latency_ms: 90,
  features,
  mode: 'rules',
  propensity: 0.95,
  ...given,
});

export const rejectedPayload = (
  raw: string,
  given: Partial<Payload<'event-rejected'>> = {},
): Payload<'event-rejected'> => ({
  rejected_at: '2026-03-01T11:00:00.000Z',
  function_name: 'ingest',
  subscription: 'ingest-decisions',
  message_id: 'm-1',
  event_type: 'routing-decision',
  code: 'event_invalid',
  reason: 'decision_id: expected string',
  raw_base64: Buffer.from(raw).toString('base64'),
  attributes: { event_type: 'routing-decision' },
  ...given,
});
