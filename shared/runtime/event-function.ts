/**
 * A function that is pushed events. What a delivery answers, decided here once:
 *   204  handled, or rejected and safe in quarantine: the bus forgets it
 *   403  a page in a browser: no bus, so nothing of it is kept
 *   503  TransientError, overload, deadline, drain, or a quarantine that failed: the bus sends it again
 *   500  a bug: logged with its stack, the bus sends it again and in the end dead-letters it
 */
import { MAX_ENVELOPE_BYTES, MAX_EVENT_BYTES } from '#shared/defaults.ts';
import { EVENTS, type EventType, type Payload } from '#shared/domain/events/catalogue.ts';
import { type DecodedEvent, decodeEvent } from '#shared/domain/events/codec.ts';
import type { EventDefinition } from '#shared/domain/events/definition.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { type AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import { parseTraceparent } from '#shared/telemetry/trace.ts';
import { codedError } from './answers.ts';
import { type AppSpec, buildApp } from './app.ts';
import type { HttpRequest } from './bound-request.ts';
import { type Envelope, parseEnvelope } from './envelope.ts';
import { createEventMetrics } from './event-metrics.ts';
import { refuseForeignPage } from './foreign-page.ts';
import { readJson } from './parse-json.ts';
import type { FunctionApp, FunctionResponse } from './types.ts';

export interface EventContext {
  readonly messageId: string;
  readonly subscription: string | null;
  readonly deliveryAttempt: number | null;
  /** Of the publisher, from the message's attributes. */
  readonly traceparent: string | null;
  /** Host epoch milliseconds by which the answer must be out. */
  readonly deadline: number;
  readonly signal: AbortSignal;
}

export interface EventSpec extends Omit<AppSpec, 'routes'> {
  /** Name of the event door in the metrics. The envelope is taken at every path that is not another route. Default '/'. */
  readonly path?: string;
  readonly accepts: readonly EventType[];
  readonly handle: (event: DecodedEvent, context: EventContext) => Promise<void>;
  /** Keeps what was rejected, as it came, before it is acknowledged. When it throws, the bus sends the message again. */
  readonly quarantine: (rejected: Payload<'event-rejected'>) => Promise<void>;
  readonly worldClock: WorldClock;
  /** HTTP doors beside the event door. */
  readonly routes?: AppSpec['routes'];
}

const ACKNOWLEDGED: FunctionResponse = { status: 204 };
/** Of the reason in quarantine; the schema allows 4096. */
const MAX_REASON = 4096;

export function eventFunction(spec: EventSpec): FunctionApp {
  const { name, deps, accepts, worldClock } = spec;
  const log = deps.log.child({ function: name });
  const metrics = createEventMetrics(deps.metrics, name);
  const accepted: ReadonlySet<string> = new Set(accepts);

  async function deliver(request: HttpRequest): Promise<FunctionResponse> {
    refuseForeignPage(request.headers);
    const parsed = parseEnvelope(request.headers, request.body);
    if (!parsed.ok) {
      const { code, reason, messageId, subscription } = parsed.refusal;
      const error = new RejectedError(code, reason);
      return reject({ error, messageId, subscription, eventType: null, raw: request.body, attributes: {} });
    }
    const { envelope } = parsed;
    const eventType = envelope.attributes['event_type'] ?? null;
    const ids = {
      event_type: eventType,
      event_id: envelope.attributes['event_id'] ?? null,
      message_id: envelope.messageId,
      subscription: envelope.subscription,
      delivery_attempt: envelope.deliveryAttempt,
    };
    try {
      const event = decode(envelope, accepted);
      const traceparent = traceparentOf(envelope, request);
      await spec.handle(event, {
        messageId: envelope.messageId,
        subscription: envelope.subscription,
        deliveryAttempt: envelope.deliveryAttempt,
        traceparent,
        deadline: request.deadline,
        signal: request.signal,
      });
      metrics.count(eventType, 'handled');
      log.info({ ...ids, event_id: event.eventId, traceparent }, 'event handled');
      return ACKNOWLEDGED;
    } catch (thrown) {
      const error = codedError(thrown);
      if (!error.retryable) {
        const { messageId, subscription, data: raw, attributes } = envelope;
        return reject({ error, messageId, subscription, eventType, raw, attributes });
      }
      metrics.count(eventType, error.code === 'internal' ? 'failed' : 'retried');
      log.warn({ ...ids, code: error.code, reason: error.message }, 'event not handled, it will come again');
      throw thrown;
    }
  }

  async function reject(rejected: Rejected): Promise<FunctionResponse> {
    const { error, messageId, subscription, eventType } = rejected;
    const fields = {
      event_type: eventType,
      message_id: messageId,
      subscription,
      code: error.code,
      reason: error.message,
    };
    try {
      await spec.quarantine(quarantineOf(name, worldClock.now(), rejected));
    } catch (cause) {
      metrics.count(eventType, 'retried');
      log.error({ ...fields, error: cause }, 'event rejected, but its quarantine failed; it will come again');
      throw new TransientError('bus_unavailable', 'the rejected event could not be put in quarantine', { cause });
    }
    metrics.count(eventType, 'rejected');
    log.warn(fields, 'event rejected and put in quarantine');
    return ACKNOWLEDGED;
  }

  return buildApp({
    ...spec,
    bodyLimitBytes: spec.bodyLimitBytes ?? MAX_ENVELOPE_BYTES,
    routes: [...(spec.routes ?? []), { method: 'POST', path: '*', label: spec.path ?? '/', handle: deliver }],
  });
}

interface Rejected {
  readonly error: AuroraError;
  readonly messageId: string | null;
  readonly subscription: string | null;
  readonly eventType: string | null;
  readonly raw: Uint8Array;
  readonly attributes: Readonly<Record<string, string>>;
}

function quarantineOf(functionName: string, nowMs: number, rejected: Rejected): Payload<'event-rejected'> {
  return {
    rejected_at: rfc3339(nowMs),
    function_name: functionName,
    subscription: rejected.subscription,
    message_id: rejected.messageId,
    event_type: rejected.eventType,
    code: rejected.error.code,
    reason: rejected.error.message.slice(0, MAX_REASON),
    raw_base64: Buffer.from(rejected.raw).toString('base64'),
    attributes: { ...rejected.attributes },
  };
}

/** @throws RejectedError event_too_large, event_invalid, event_type_unknown */
function decode(envelope: Envelope, accepted: ReadonlySet<string>): DecodedEvent {
  const limitBytes = limitOf(envelope.attributes['event_type']);
  if (envelope.data.length > limitBytes)
    throw new RejectedError(
      'event_too_large',
      `message.data: expected at most ${limitBytes} bytes, got ${envelope.data.length}`,
    );
  refuseReserved(envelope.data);
  const decoded = decodeEvent(envelope.data, envelope.attributes);
  if (!decoded.ok) throw new RejectedError(decoded.code, decoded.reason);
  const { type } = decoded.event.definition;
  if (!accepted.has(type))
    throw new RejectedError('event_type_unknown', `expected one of ${[...accepted].join(', ')}, got ${type}`);
  return decoded.event;
}

/** What publishing allows; nothing larger can come from our own. */
function limitOf(eventType: string | undefined): number {
  const known = eventType !== undefined && Object.hasOwn(EVENTS, eventType);
  const definition: EventDefinition | undefined = known ? EVENTS[eventType as EventType] : undefined;
  return definition?.maxBytes ?? MAX_EVENT_BYTES;
}

const MAY_HOLD_RESERVED_KEY = ['__proto__', 'constructor', 'prototype', '\\u'] as const;

/** Reads the data a second time only when a reserved key may be in it. */
function refuseReserved(data: Uint8Array): void {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (!MAY_HOLD_RESERVED_KEY.some((word) => bytes.includes(word))) return;
  try {
    readJson(data);
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    throw new RejectedError('event_invalid', error.message);
  }
}

function traceparentOf(envelope: Envelope, request: HttpRequest): string | null {
  const published = envelope.attributes['traceparent'];
  return parseTraceparent(published) === null ? request.traceparent : (published ?? null);
}
