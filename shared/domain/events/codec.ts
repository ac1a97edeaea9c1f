import type { z } from 'zod';
import { rfc3339 } from '../primitives.ts';
import { EVENTS, type EventType } from './catalogue.ts';
import type { EventDefinition } from './definition.ts';
import { tableSchema } from './schemas.ts';

/** A message as the bus takes it (structurally a BusMessage). */
export interface EncodedEvent {
  readonly data: Uint8Array;
  readonly attributes: Readonly<Record<string, string>>;
  readonly orderingKey?: string;
}

/** A parsed event with its identity. */
export interface DecodedEvent {
  readonly definition: EventDefinition;
  readonly eventId: string;
  readonly schemaVersion: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

export type DecodeResult =
  | { readonly ok: true; readonly event: DecodedEvent }
  | {
      readonly ok: false;
      readonly code: 'event_invalid' | 'event_type_unknown';
      readonly eventType: string | null;
      readonly reason: string;
    };

const encoder = new TextEncoder();

/** What may be at hand already: a traceparent, and the payload as JSON text, which is a third of the work. */
export interface EncodeOptions {
  readonly traceparent?: string;
  readonly text?: string;
}

/** Message of an event: JSON data; attributes event_id, event_type, schema_version, traceparent. */
export function encodeEvent<S extends z.ZodObject>(
  definition: EventDefinition<S>,
  payload: z.output<S>,
  { traceparent, text = JSON.stringify(payload) }: EncodeOptions = {},
): EncodedEvent {
  const attributes: Record<string, string> = {
    event_id: definition.eventId(payload),
    event_type: definition.type,
    schema_version: definition.schemaVersion,
  };
  if (traceparent !== undefined) attributes['traceparent'] = traceparent;
  const message = { data: encoder.encode(text), attributes };
  const orderingKey = definition.orderingKey?.(payload);
  return orderingKey === undefined ? message : { ...message, orderingKey };
}

/**
 * Reads an event back. Never throws. The event id is computed from the payload, not believed: an attribute that
 * contradicts it is an error, a missing one is not.
 */
export function decodeEvent(data: Uint8Array, attributes: Readonly<Record<string, string>>): DecodeResult {
  const eventType = attributes['event_type'] ?? null;
  const fail = (code: 'event_invalid' | 'event_type_unknown', reason: string): DecodeResult => ({
    ok: false,
    code,
    eventType,
    reason,
  });
  if (eventType === null) return fail('event_invalid', 'attribute event_type is missing');
  if (!Object.hasOwn(EVENTS, eventType))
    return fail('event_type_unknown', `event_type ${quote(eventType)} is not one of ${Object.keys(EVENTS).join(', ')}`);
  const definition = EVENTS[eventType as EventType] as unknown as EventDefinition;
  const version = attributes['schema_version'] ?? definition.schemaVersion;
  if (version.split('.')[0] !== definition.schemaVersion.split('.')[0]) {
    return fail(
      'event_type_unknown',
      `schema_version ${quote(version)} of ${eventType}; this build reads ${definition.schemaVersion}`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch (error) {
    return fail('event_invalid', `data is not JSON in UTF-8: ${(error as Error).message}`);
  }
  const parsed = definition.schema.safeParse(json);
  if (!parsed.success) return fail('event_invalid', describeIssues(parsed.error.issues));
  const id = definition.eventId(parsed.data);
  const claimed = attributes['event_id'];
  if (claimed !== undefined && claimed !== id)
    return fail('event_invalid', `attribute event_id ${quote(claimed)} is not the id of this payload, ${id}`);
  return { ok: true, event: { definition, eventId: id, schemaVersion: version, payload: parsed.data } };
}

/** The first three problems, each as path: message. */
export function describeIssues(issues: readonly z.core.$ZodIssue[]): string {
  const shown = issues.slice(0, 3).map((issue) => `${issue.path.map(String).join('.') || '(root)'}: ${issue.message}`);
  return issues.length > 3 ? `${shown.join('; ')}; and ${issues.length - 3} more` : shown.join('; ');
}

const quote = (text: string): string => JSON.stringify(text.slice(0, 64));

/** Half a character stands as an escape in JSON text; an escaped backslash before a "u" is not one. */
const ESCAPE = /\\(?:u(d[89a-f][0-9a-f]{2})|.)/g;

/** JSON that every engine reads: both refuse half a character, and one such cell would fail the append of its whole batch. */
function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  return text.includes('\\ud') ? text.replace(ESCAPE, (found, half) => (half === undefined ? found : '\ufffd')) : text;
}

/** The event as a row of its table (structurally a warehouse Row). Times and JSON as text. */
export function eventRow(event: DecodedEvent, ingestedAtMs: number): Record<string, string | number | boolean | null> {
  const { definition, payload } = event;
  const row: Record<string, string | number | boolean | null> = {
    event_id: event.eventId,
    event_date: String(payload[definition.timeField]).slice(0, 10),
    ingested_at: rfc3339(ingestedAtMs),
    schema_version: event.schemaVersion,
  };
  for (const column of tableSchema(definition.table).columns) {
    if (column.name in row) continue;
    const value = payload[column.name];
    row[column.name] =
      column.type === 'JSON'
        ? value === null || value === undefined
          ? null
          : jsonText(value)
        : ((value ?? null) as string | number | boolean | null);
  }
  return row;
}
