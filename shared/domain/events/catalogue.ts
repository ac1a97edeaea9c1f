/** Every event that crosses the bus. One entry here gives it a topic, a schema, a table in both engines and an ingest door. */
import { z } from 'zod';
import { MAX_REJECTED_EVENT_BYTES } from '#shared/defaults.ts';
import { decision } from '../decision.ts';
import { eventId } from '../ids.ts';
import { offer } from '../offer.ts';
import { outcome } from '../outcome.ts';
import { count, name, nonNegative, timestamp } from '../primitives.ts';
import { alertTransition, checkResult, probeId } from '../probe.ts';
import { workload } from '../request.ts';
import { defineEvent } from './definition.ts';

export const routingDecision = defineEvent({
  type: 'routing-decision',
  topic: 'routing-decisions',
  table: 'routing_decisions',
  schemaVersion: '1.0',
  schema: decision,
  timeField: 'decided_at',
  eventId: (payload) => eventId('routing-decision', payload.decision_id),
});

export const routingOutcome = defineEvent({
  type: 'routing-outcome',
  topic: 'routing-outcomes',
  table: 'routing_outcomes',
  schemaVersion: '1.0',
  schema: outcome,
  timeField: 'observed_at',
  eventId: (payload) => eventId('routing-outcome', payload.decision_id, payload.attempt, payload.sequence),
});

/** An offer that a deployment may try, with what its outcome row must carry. */
export const deploymentOption = z.object({
  provider: name,
  offer_id: z.string(),
  advertised_usd_per_gpu_hour: nonNegative,
  advertised_latency_ms: nonNegative.nullable(),
  /** What its tenant may pay at most, whatever the price has become by then; absent: as the request says. */
  max_usd_per_gpu_hour: nonNegative.optional(),
  features: outcome.shape.features,
});
export type DeploymentOption = z.infer<typeof deploymentOption>;

export const deploymentRequest = z.object({
  decision_id: z.string().min(1),
  request_id: name,
  decided_at: timestamp,
  requested_at: timestamp,
  tenant_id: name,
  request: workload,
  mode: z.string(),
  /** Of the first attempt only. */
  propensity: z.number().min(0).max(1).nullable(),
  attempt: count,
  option: deploymentOption,
  /** In order of preference, at most what is worth trying. */
  fallbacks: z.array(deploymentOption).max(8),
});
export type DeploymentRequest = z.infer<typeof deploymentRequest>;

export const deploymentRequested = defineEvent({
  type: 'deployment-requested',
  topic: 'deployments-requested',
  table: 'deployments_requested',
  schemaVersion: '1.0',
  schema: deploymentRequest,
  timeField: 'requested_at',
  eventId: (payload) => eventId('deployment-requested', payload.decision_id, payload.attempt),
  orderingKey: (payload) => payload.option.provider,
});

export const providerOffer = defineEvent({
  type: 'provider-offer',
  topic: 'provider-offers',
  table: 'provider_offers',
  schemaVersion: '1.0',
  schema: offer,
  timeField: 'observed_at',
  eventId: (payload) => eventId('provider-offer', `${payload.offer_id}@${payload.observed_at}`),
});

export const trainingRequested = defineEvent({
  type: 'training-requested',
  topic: 'training-requested',
  table: 'training_requested',
  schemaVersion: '1.0',
  schema: z.object({
    requested_at: timestamp,
    /** Who asked: `cron` or a person through vm. */
    requested_by: name,
    /** Train although little is new since the last version. */
    force: z.boolean(),
    seed: count,
  }),
  timeField: 'requested_at',
  eventId: (payload) => eventId('training-requested', `${payload.requested_by}@${payload.requested_at}`),
});

export const modelTrained = defineEvent({
  type: 'model-trained',
  topic: 'model-trained',
  table: 'model_trained',
  schemaVersion: '1.0',
  schema: z.object({
    version: name,
    trained_at: timestamp,
    training_rows: count,
    holdout_rows: count,
    backend: name,
    watermark: timestamp,
    data_sha256: z.string(),
  }),
  timeField: 'trained_at',
  eventId: (payload) => eventId('model-trained', payload.version),
});

export const modelPromoted = defineEvent({
  type: 'model-promoted',
  topic: 'model-promoted',
  table: 'model_promoted',
  schemaVersion: '1.0',
  schema: z.object({
    alias: z.enum(['champion', 'apprentice']),
    sequence: count,
    version: name.nullable(),
    previous_version: name.nullable(),
    promoted_at: timestamp,
    verdict: z.enum(['promote', 'reject', 'not-enough-evidence']).nullable(),
    promoted_by: name,
    reason: z.string().min(1).max(1024),
    forced: z.boolean(),
  }),
  timeField: 'promoted_at',
  eventId: (payload) => eventId('model-promoted', payload.alias, 0, payload.sequence),
});

export const probeRequested = defineEvent({
  type: 'probe-requested',
  topic: 'probe-requested',
  table: 'probe_requested',
  schemaVersion: '1.0',
  schema: z.object({
    /** By its id: what is looked at is configured, never asked for. */
    suite: probeId,
    /** Of the host: it says which period of the suite this is. */
    requested_at: timestamp,
    /** Who asked: `cron` or a person. */
    requested_by: name,
  }),
  timeField: 'requested_at',
  eventId: (payload) => eventId('probe-requested', `${payload.suite}/${payload.requested_by}@${payload.requested_at}`),
});

export const probeResult = defineEvent({
  type: 'probe-result',
  topic: 'probe-results',
  table: 'probe_results',
  schemaVersion: '1.0',
  schema: checkResult,
  timeField: 'observed_at',
  eventId: (payload) => eventId('probe-result', `${payload.run_id}/${payload.check_id}`),
});

export const alertChanged = defineEvent({
  type: 'alert-changed',
  topic: 'alerts',
  table: 'alerts',
  schemaVersion: '1.0',
  schema: alertTransition,
  timeField: 'changed_at',
  eventId: (payload) => eventId('alert-changed', `${payload.dedupe_key}/${payload.state}`),
});

/** What could not be accepted, as it came. */
export const eventRejected = defineEvent({
  type: 'event-rejected',
  topic: 'rejected-events',
  table: 'rejected_events',
  schemaVersion: '1.0',
  maxBytes: MAX_REJECTED_EVENT_BYTES,
  schema: z.object({
    rejected_at: timestamp,
    /** The function whose door refused it, and the subscription it came by (null: none named). */
    function_name: name,
    subscription: z.string().nullable(),
    message_id: z.string().nullable(),
    event_type: z.string().nullable(),
    code: name,
    reason: z.string().max(4096),
    /** The bytes of the message's data (or of the whole body when no envelope could be read), base64. */
    raw_base64: z.string(),
    attributes: z.record(z.string(), z.string()),
  }),
  timeField: 'rejected_at',
  eventId: (payload) =>
    eventId('event-rejected', JSON.stringify([payload.function_name, payload.message_id, payload.raw_base64])),
});

export const EVENTS = {
  'routing-decision': routingDecision,
  'routing-outcome': routingOutcome,
  'deployment-requested': deploymentRequested,
  'provider-offer': providerOffer,
  'training-requested': trainingRequested,
  'model-trained': modelTrained,
  'model-promoted': modelPromoted,
  'probe-requested': probeRequested,
  'probe-result': probeResult,
  'alert-changed': alertChanged,
  'event-rejected': eventRejected,
} as const;

export type EventType = keyof typeof EVENTS;
export type Payload<T extends EventType> = z.output<(typeof EVENTS)[T]['schema']>;
