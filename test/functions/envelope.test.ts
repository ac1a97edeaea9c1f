import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RejectedError, TransientError } from '#shared/errors.ts';
import { parseEnvelope } from '#shared/runtime/envelope.ts';
import { testCases } from '#test/support/cases.ts';
import { eventDoor } from '#test/support/event-door.ts';
import { aRequest } from '#test/support/runtime.ts';
import { anEvent, aPush, bodyBytes, ENVELOPE_CASES } from './envelope-cases.ts';

const post = (body: unknown, headers: Record<string, string> = {}) =>
  aRequest({ method: 'POST', path: '/', headers, body: bodyBytes(body) });

for (const { name, headers, body, expected } of ENVELOPE_CASES) {
  test(`the event door, given ${name}`, async () => {
    const door = eventDoor();
    const answer = await door.app.handle(post(body, headers));
    expect(answer.status).toBe(204);
    if ('handled' in expected) {
      expect(door.quarantined).toEqual([]);
      expect(door.handled).toHaveLength(1);
      expect(door.handled[0]?.context).toMatchObject(expected.handled);
      expect(door.handled[0]?.event).toMatchObject({ eventId: anEvent.attributes['event_id'], payload: { seed: 7 } });
    } else {
      expect(door.handled).toEqual([]);
      expect(door.quarantined.map((rejected) => rejected.code)).toEqual([expected.rejected]);
    }
  });
}

test('an envelope keeps all that the bus said', () => {
  const body = { ...aPush, message: { ...aPush.message, orderingKey: 'vast' } };
  const parsed = parseEnvelope({}, bodyBytes(body));
  expect(parsed).toEqual({
    ok: true,
    envelope: {
      data: Buffer.from(anEvent.data),
      attributes: anEvent.attributes,
      messageId: 'm-1',
      publishTime: '2026-01-01T00:00:01.000Z',
      deliveryAttempt: 2,
      subscription: 'projects/p/subscriptions/train',
      orderingKey: 'vast',
    },
  });
});

test('quarantine keeps an unreadable envelope whole, and of a readable one the data and its ids', async () => {
  const door = eventDoor();
  await door.app.handle(post('not json'));
  await door.app.handle(post({ ...aPush, message: { ...aPush.message, data: 'AAEC' } }));
  expect(door.quarantined).toMatchObject([
    {
      raw_base64: Buffer.from('not json').toString('base64'),
      message_id: null,
      function_name: 'train',
      attributes: {},
    },
    {
      raw_base64: 'AAEC',
      message_id: 'm-1',
      subscription: 'projects/p/subscriptions/train',
      event_type: 'training-requested',
      rejected_at: '2026-06-01T00:00:00.000Z',
      attributes: anEvent.attributes,
    },
  ]);
});

test.each([
  ['a rejection', new RejectedError('version_unknown', 'no such version'), 204, 'version_unknown'],
  ['a transient failure', new TransientError('bus_unavailable', 'no bus'), 503, null],
  ['a bug', new TypeError('x is not a function'), 500, null],
] as const)('%s in the handler', async (_, error, status, quarantinedAs) => {
  const door = eventDoor({ handle: () => Promise.reject(error) });
  const answer = await door.app.handle(post(aPush));
  expect(answer.status).toBe(status);
  expect(door.quarantined.map((rejected) => rejected.code)).toEqual(quarantinedAs === null ? [] : [quarantinedAs]);
  if (status === 503) expect(answer.headers).toMatchObject({ 'retry-after': '1' });
  if (status === 500) {
    expect(JSON.stringify(answer)).not.toContain('x is not a function');
    expect(door.deps.lines).toContainEqual(
      expect.objectContaining({ level: 'error', fields: expect.objectContaining({ error }) }),
    );
  }
});

test('a rejected event comes again when its quarantine fails', async () => {
  for (const failure of [new RejectedError('event_too_large', 'too large'), new Error('disk')]) {
    const door = eventDoor({ quarantine: () => Promise.reject(failure) });
    expect((await door.app.handle(post('not json'))).status).toBe(503);
    expect(door.quarantined).toEqual([]);
  }
});

test('an event is logged with its ids and counted by type and result, an unknown type as unknown', async () => {
  const door = eventDoor();
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const attributes = { ...anEvent.attributes, traceparent };
  await door.app.handle(post({ ...aPush, message: { ...aPush.message, attributes } }));
  await door.app.handle(post({ ...aPush, message: { ...aPush.message, attributes: { event_type: 'x{y="z"}' } } }));
  expect(door.handled[0]?.context.traceparent).toBe(traceparent);
  expect(door.deps.lines[0]).toEqual({
    level: 'info',
    message: 'event handled',
    fields: {
      function: 'train',
      event_type: 'training-requested',
      event_id: anEvent.attributes['event_id'],
      message_id: 'm-1',
      subscription: 'projects/p/subscriptions/train',
      delivery_attempt: 2,
      traceparent,
    },
  });
  const metrics = await door.deps.metrics.exposition();
  expect(metrics).toContain('aurora_events_total{function="train",type="training-requested",result="handled"} 1');
  expect(metrics).toContain('aurora_events_total{function="train",type="unknown",result="rejected"} 1');
});

test('every path that is no other door takes the envelope', async () => {
  const door = eventDoor();
  expect((await door.app.handle({ ...post(aPush), path: '/pubsub/push' })).status).toBe(204);
  expect((await door.app.handle(aRequest({ path: '/' }))).status).toBe(405);
  expect((await door.app.handle(aRequest({ path: '/health' }))).status).toBe(200);
});

const handledOrQuarantined = async (body: unknown, headers: Record<string, string> = {}): Promise<void> => {
  const door = eventDoor();
  const answer = await door.app.handle(post(body, headers));
  expect(answer.status).toBe(204);
  expect(door.handled.length + door.quarantined.length).toBe(1);
};

test('random bytes are never handled and never lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 512 }), (bytes) => handledOrQuarantined(bytes)),
    { numRuns: testCases },
  );
});

test('random JSON is never lost, as a body and in every field of an envelope', async () => {
  const field = fc.constantFrom('data', 'attributes', 'messageId', 'publishTime', 'orderingKey');
  const envelope = fc
    .tuple(field, fc.jsonValue())
    .map(([key, value]) => ({ ...aPush, message: { ...aPush.message, [key]: value } }));
  const event = fc
    .json()
    .map((json) => ({ ...aPush, message: { ...aPush.message, data: Buffer.from(json).toString('base64') } }));
  const headers = fc.constantFrom<Record<string, string>>(
    {},
    { 'content-type': 'application/cloudevents+json' },
    { 'ce-id': 'x' },
  );
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.jsonValue(), envelope, event), headers, (body, given) =>
      handledOrQuarantined(JSON.stringify(body), given),
    ),
    { numRuns: testCases },
  );
});

test('a valid envelope cut or changed at any byte is handled as it was or put in quarantine', async () => {
  const valid = bodyBytes(aPush);
  const position = fc.nat(valid.length - 1);
  const mutant = fc.oneof(
    position.map((end) => valid.slice(0, end)),
    fc.tuple(position, fc.nat(255)).map(([at, byte]) => valid.with(at, byte)),
  );
  await fc.assert(
    fc.asyncProperty(mutant, async (bytes) => {
      const door = eventDoor();
      const answer = await door.app.handle(post(bytes));
      expect(answer.status).toBe(204);
      for (const { event } of door.handled) expect(event.definition.eventId(event.payload)).toBe(event.eventId);
      expect(door.handled.length + door.quarantined.length).toBe(1);
    }),
    { numRuns: testCases },
  );
});
