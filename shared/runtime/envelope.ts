/**
 * The envelope of a message, in the three forms in which Pub/Sub and Eventarc deliver it:
 *   raw push           {"message":{"data":b64,"attributes":{},"messageId":"","publishTime":"","orderingKey":""},"subscription":"","deliveryAttempt":n}
 *   binary CloudEvent  headers ce-id, ce-source, ce-specversion 1.0, ce-type; the body is the raw push body
 *   structured         content-type application/cloudevents+json; the same in `data`, or base64 in `data_base64`
 * Pure. A message without data is refused: answered 204 it would be a silent loss.
 */
import { type ErrorCode, RejectedError } from '#shared/errors.ts';
import { readJson } from './parse-json.ts';

export interface Envelope {
  readonly data: Uint8Array;
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageId: string;
  /** RFC 3339 as the bus gave it; null when it did not. */
  readonly publishTime: string | null;
  /** 1 on the first delivery; null when the bus does not count (no dead-letter policy). */
  readonly deliveryAttempt: number | null;
  readonly subscription: string | null;
  readonly orderingKey: string | null;
}

/** What could be read of a refused envelope, for its quarantine. */
export interface EnvelopeRefusal {
  readonly code: Extract<ErrorCode, 'body_empty' | 'body_not_json' | 'body_invalid' | 'envelope_invalid'>;
  readonly reason: string;
  readonly messageId: string | null;
  readonly subscription: string | null;
}

export type EnvelopeResult =
  | { readonly ok: true; readonly envelope: Envelope }
  | { readonly ok: false; readonly refusal: EnvelopeRefusal };

type Fields = Readonly<Record<string, unknown>>;
type Headers = Readonly<Record<string, string | undefined>>;

const PUBLISHED_TYPE = 'google.cloud.pubsub.topic.v1.messagePublished';
/** Pub/Sub's own limits are 100 attributes, 256 bytes of key, 1024 of value; nothing larger can come from it. */
const MAX_ATTRIBUTES = 100;
const MAX_TEXT = 1024;

/** Never throws. `headers` have lower-case names. */
export function parseEnvelope(headers: Headers, body: Uint8Array): EnvelopeResult {
  const seen: { messageId: string | null; subscription: string | null } = { messageId: null, subscription: null };
  try {
    return { ok: true, envelope: read(headers, body, seen) };
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    return { ok: false, refusal: { code: error.code as EnvelopeRefusal['code'], reason: error.message, ...seen } };
  }
}

function read(
  headers: Headers,
  body: Uint8Array,
  seen: { messageId: string | null; subscription: string | null },
): Envelope {
  const published = publishedData(headers, body);
  seen.subscription = text(published, 'subscription') || null;
  const message = fields(published['message'], 'message');
  seen.messageId = text(message, 'messageId') || text(message, 'message_id') || published.eventId || null;
  if (seen.messageId === null) throw invalid('message.messageId: expected a text, got nothing');
  const data = decodeBase64(message['data'], 'message.data');
  return {
    data,
    attributes: attributesOf(message['attributes']),
    messageId: seen.messageId,
    publishTime: text(message, 'publishTime') || text(message, 'publish_time') || null,
    deliveryAttempt: attemptOf(published['deliveryAttempt']),
    subscription: seen.subscription,
    orderingKey: text(message, 'orderingKey') || text(message, 'ordering_key') || null,
  };
}

/** The MessagePublishedData of any form, with the CloudEvent's id when there is one. */
function publishedData(headers: Headers, body: Uint8Array): Fields & { readonly eventId?: string } {
  const contentType = (headers['content-type'] ?? '').toLowerCase();
  const json = fields(readJson(body), '(root)');
  if (contentType.startsWith('application/cloudevents-batch')) throw invalid('batched CloudEvents are not accepted');
  if (contentType.startsWith('application/cloudevents')) {
    const eventId = cloudEventId(json['specversion'], json['type'], json['id']);
    const inner =
      json['data_base64'] === undefined ? json['data'] : readJson(decodeBase64(json['data_base64'], 'data_base64'));
    return { ...fields(inner, 'data'), eventId };
  }
  if (headers['ce-specversion'] !== undefined || headers['ce-type'] !== undefined || headers['ce-id'] !== undefined) {
    const eventId = cloudEventId(headers['ce-specversion'], headers['ce-type'], headers['ce-id']);
    return { ...json, eventId };
  }
  return json;
}

function cloudEventId(specversion: unknown, type: unknown, id: unknown): string {
  if (specversion !== '1.0') throw invalid(`CloudEvent specversion: expected "1.0", got ${quote(specversion)}`);
  if (type !== PUBLISHED_TYPE) throw invalid(`CloudEvent type: expected "${PUBLISHED_TYPE}", got ${quote(type)}`);
  if (typeof id !== 'string' || id === '' || id.length > MAX_TEXT)
    throw invalid(`CloudEvent id: expected a text of 1 to ${MAX_TEXT} characters, got ${quote(id)}`);
  return id;
}

function fields(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${where}: expected an object, got ${quote(value)}`);
  return value as Fields;
}

/** The text at a key, '' when absent. */
function text(from: Fields, key: string): string {
  const value = from[key];
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string' || value.length > MAX_TEXT)
    throw invalid(`${key}: expected a text of at most ${MAX_TEXT} characters, got ${quote(value)}`);
  return value;
}

/** Buffer skips what is not base64 without a word, so the decoded length has to be the one the text promises. */
function decodeBase64(value: unknown, where: string): Uint8Array {
  if (value === undefined || value === null || value === '')
    throw invalid(`${where}: expected base64 text, got nothing`);
  if (typeof value !== 'string') throw invalid(`${where}: expected base64 text, got ${quote(value)}`);
  const bytes = Buffer.from(value, 'base64');
  const padding = value.endsWith('==') ? 2 : value.endsWith('=') ? 1 : 0;
  if (bytes.length !== (value.length / 4) * 3 - padding)
    throw invalid(`${where}: expected padded base64, got ${value.length} characters that are not`);
  if (bytes.length === 0) throw invalid(`${where}: expected at least one byte`);
  return bytes;
}

function attributesOf(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {};
  const entries = Object.entries(fields(value, 'message.attributes'));
  if (entries.length > MAX_ATTRIBUTES)
    throw invalid(`message.attributes: expected at most ${MAX_ATTRIBUTES}, got ${entries.length}`);
  for (const [key, attribute] of entries) {
    if (typeof attribute !== 'string' || attribute.length > MAX_TEXT || key.length > MAX_TEXT)
      throw invalid(`message.attributes.${key.slice(0, 64)}: expected a short text, got ${quote(attribute)}`);
  }
  return value as Readonly<Record<string, string>>;
}

function attemptOf(value: unknown): number | null {
  if (value === undefined || value === null) return null;
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw invalid(`deliveryAttempt: expected a whole number, got ${quote(value)}`);
  return value as number;
}

const invalid = (reason: string): RejectedError => new RejectedError('envelope_invalid', reason);

function quote(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return JSON.stringify(value).slice(0, 64);
}
