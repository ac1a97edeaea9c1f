import { trainingRequested } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { EVENT_SAMPLES } from '#test/support/events.ts';

/** What comes in at an event door, and what must become of it. `body`: a text, bytes, or a value that travels as JSON. */
export interface EnvelopeCase {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly expected:
    | {
        readonly handled: {
          readonly messageId: string;
          readonly deliveryAttempt: number | null;
          readonly subscription: string | null;
        };
      }
    /** Quarantined under this code, then acknowledged. */
    | { readonly rejected: string };
}

export const anEvent = encodeEvent(trainingRequested, {
  requested_at: '2026-01-01T00:00:00.000Z',
  requested_by: 'cron',
  force: false,
  seed: 7,
});
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const text = (value: string): string => base64(Buffer.from(value));

const SUBSCRIPTION = 'projects/p/subscriptions/train';
const JSON_TYPE = { 'content-type': 'application/json' };
const STRUCTURED = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
const message = {
  data: base64(anEvent.data),
  attributes: anEvent.attributes,
  messageId: 'm-1',
  publishTime: '2026-01-01T00:00:01.000Z',
};
/** The exact body of a Pub/Sub push. */
export const aPush = { message, subscription: SUBSCRIPTION, deliveryAttempt: 2 };
const binary = {
  ...JSON_TYPE,
  'ce-id': 'm-1',
  'ce-source': '//pubsub.googleapis.com/projects/p/topics/training-requested',
  'ce-specversion': '1.0',
  'ce-type': 'google.cloud.pubsub.topic.v1.messagePublished',
};
const cloudEvent = {
  specversion: '1.0',
  id: 'm-1',
  source: '//pubsub.googleapis.com/projects/p/topics/training-requested',
  type: 'google.cloud.pubsub.topic.v1.messagePublished',
};
const handled = { handled: { messageId: 'm-1', deliveryAttempt: 2, subscription: SUBSCRIPTION } };
const push = (changes: object): object => ({ ...aPush, message: { ...message, ...changes } });
const { data: _, ...withoutData } = message;

export const ENVELOPE_CASES: readonly EnvelopeCase[] = [
  { name: 'raw push', headers: JSON_TYPE, body: aPush, expected: handled },
  { name: 'raw push without a content type', headers: {}, body: aPush, expected: handled },
  {
    name: 'raw push in the snake case of the emulator, no attempt',
    headers: JSON_TYPE,
    body: {
      message: {
        data: message.data,
        attributes: message.attributes,
        message_id: 'm-1',
        publish_time: message.publishTime,
      },
      subscription: SUBSCRIPTION,
    },
    expected: { handled: { messageId: 'm-1', deliveryAttempt: null, subscription: SUBSCRIPTION } },
  },
  { name: 'raw push with an ordering key', headers: JSON_TYPE, body: push({ orderingKey: 'vast' }), expected: handled },
  { name: 'binary CloudEvent', headers: binary, body: aPush, expected: handled },
  {
    name: 'binary CloudEvent whose message has no id of its own',
    headers: binary,
    body: { ...aPush, message: { data: message.data, attributes: message.attributes } },
    expected: handled,
  },
  {
    name: 'structured CloudEvent with data',
    headers: STRUCTURED,
    body: { ...cloudEvent, data: aPush },
    expected: handled,
  },
  {
    name: 'structured CloudEvent with data_base64',
    headers: STRUCTURED,
    body: { ...cloudEvent, data_base64: text(JSON.stringify(aPush)) },
    expected: handled,
  },
  { name: 'no body', headers: JSON_TYPE, body: '', expected: { rejected: 'body_empty' } },
  { name: 'broken JSON', headers: JSON_TYPE, body: '{"message":', expected: { rejected: 'body_not_json' } },
  {
    name: 'no UTF-8',
    headers: JSON_TYPE,
    body: Uint8Array.of(0x22, 0xff, 0x22),
    expected: { rejected: 'body_not_json' },
  },
  {
    name: 'form data',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'a=1&b[c]=2',
    expected: { rejected: 'body_not_json' },
  },
  {
    name: 'a charset nobody has',
    headers: { 'content-type': 'application/json; charset=nope' },
    body: aPush,
    expected: handled,
  },
  {
    name: 'compressed, says the header',
    headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
    body: aPush,
    expected: handled,
  },
  { name: 'a list', headers: JSON_TYPE, body: [aPush], expected: { rejected: 'envelope_invalid' } },
  {
    name: 'JSON of someone else',
    headers: JSON_TYPE,
    body: { hello: 'world' },
    expected: { rejected: 'envelope_invalid' },
  },
  {
    name: 'attributes only',
    headers: JSON_TYPE,
    body: { ...aPush, message: withoutData },
    expected: { rejected: 'envelope_invalid' },
  },
  { name: 'empty data', headers: JSON_TYPE, body: push({ data: '' }), expected: { rejected: 'envelope_invalid' } },
  {
    name: 'data that is not a text',
    headers: JSON_TYPE,
    body: push({ data: 7 }),
    expected: { rejected: 'envelope_invalid' },
  },
  { name: 'bad base64', headers: JSON_TYPE, body: push({ data: 'ab!d' }), expected: { rejected: 'envelope_invalid' } },
  {
    name: 'base64 cut short',
    headers: JSON_TYPE,
    body: push({ data: message.data.slice(0, -1) }),
    expected: { rejected: 'envelope_invalid' },
  },
  {
    name: 'only padding',
    headers: JSON_TYPE,
    body: push({ data: '====' }),
    expected: { rejected: 'envelope_invalid' },
  },
  {
    name: 'an attribute that is a number',
    headers: JSON_TYPE,
    body: push({ attributes: { event_type: 7 } }),
    expected: { rejected: 'envelope_invalid' },
  },
  {
    name: 'attributes in a list',
    headers: JSON_TYPE,
    body: push({ attributes: ['a'] }),
    expected: { rejected: 'envelope_invalid' },
  },
  {
    name: 'no message id',
    headers: JSON_TYPE,
    body: push({ messageId: undefined }),
    expected: { rejected: 'envelope_invalid' },
  },
  {
    name: 'an attempt in words',
    headers: JSON_TYPE,
    body: { ...aPush, deliveryAttempt: 'two' },
    expected: { rejected: 'envelope_invalid' },
  },
  {
    name: 'a reserved key in the envelope',
    headers: JSON_TYPE,
    body: JSON.stringify(aPush).replace('"attributes":{', '"attributes":{"__proto__":"x",'),
    expected: { rejected: 'body_invalid' },
  },
  {
    name: 'a reserved key in the envelope, spelt with an escape',
    headers: JSON_TYPE,
    body: JSON.stringify(aPush).replace('"attributes":{', '"attributes":{"\\u005f_proto__":"x",'),
    expected: { rejected: 'body_invalid' },
  },
  {
    name: 'a reserved key in the event',
    headers: JSON_TYPE,
    body: push({ data: text('{"requested_at":"2026-01-01T00:00:00.000Z","constructor":{}}') }),
    expected: { rejected: 'event_invalid' },
  },
  {
    name: 'CloudEvent 0.3',
    headers: { ...binary, 'ce-specversion': '0.3' },
    body: aPush,
    expected: { rejected: 'envelope_invalid' },
  },
  {
    name: 'CloudEvent of another type',
    headers: { ...binary, 'ce-type': 'google.cloud.storage.object.v1.finalized' },
    body: aPush,
    expected: { rejected: 'envelope_invalid' },
  },
  {
    name: 'CloudEvent without an id',
    headers: { ...binary, 'ce-id': '' },
    body: aPush,
    expected: { rejected: 'envelope_invalid' },
  },
  {
    name: 'structured CloudEvent without data',
    headers: STRUCTURED,
    body: cloudEvent,
    expected: { rejected: 'envelope_invalid' },
  },
  {
    name: 'structured CloudEvent with bad data_base64',
    headers: STRUCTURED,
    body: { ...cloudEvent, data_base64: '!!!!' },
    expected: { rejected: 'envelope_invalid' },
  },
  {
    name: 'a batch of CloudEvents',
    headers: { 'content-type': 'application/cloudevents-batch+json' },
    body: [cloudEvent],
    expected: { rejected: 'envelope_invalid' },
  },
  {
    name: 'an event without a type',
    headers: JSON_TYPE,
    body: push({ attributes: {} }),
    expected: { rejected: 'event_invalid' },
  },
  {
    name: 'an event of no type of ours',
    headers: JSON_TYPE,
    body: push({ attributes: { event_type: 'toString' } }),
    expected: { rejected: 'event_type_unknown' },
  },
  {
    name: 'an event that this function does not take',
    headers: JSON_TYPE,
    body: push({
      attributes: { event_type: 'model-trained' },
      data: text(
        JSON.stringify({
          version: 'v1',
          trained_at: '2026-01-01T00:00:00.000Z',
          training_rows: 1,
          holdout_rows: 1,
          backend: 'cpu',
          watermark: '2026-01-01T00:00:00.000Z',
          data_sha256: 'x',
        }),
      ),
    }),
    expected: { rejected: 'event_type_unknown' },
  },
  {
    name: 'another major version',
    headers: JSON_TYPE,
    body: push({ attributes: { ...anEvent.attributes, schema_version: '2.0' } }),
    expected: { rejected: 'event_type_unknown' },
  },
  {
    name: 'an event that breaks its schema',
    headers: JSON_TYPE,
    body: push({ data: text('{"seed":-1}') }),
    expected: { rejected: 'event_invalid' },
  },
  {
    name: 'an event larger than publish allows',
    headers: JSON_TYPE,
    body: push({ data: base64(new Uint8Array(128 * 1024 + 3)) }),
    expected: { rejected: 'event_too_large' },
  },
  {
    name: 'a rejected event of another function, larger than that, at a door that takes none',
    headers: JSON_TYPE,
    body: push({
      data: base64(
        Buffer.from(JSON.stringify({ ...EVENT_SAMPLES['event-rejected'], raw_base64: text('x'.repeat(2e5)) })),
      ),
      attributes: { event_type: 'event-rejected' },
    }),
    expected: { rejected: 'event_type_unknown' },
  },
];

export function bodyBytes(body: unknown): Uint8Array<ArrayBuffer> {
  if (body instanceof Uint8Array) return new Uint8Array(body);
  return new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
}
