import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Column } from '#shared/domain/columns.ts';
import { EVENTS, type EventType, providerOffer, routingOutcome } from '#shared/domain/events/catalogue.ts';
import {
  type DecodedEvent,
  decodeEvent,
  type EncodedEvent,
  encodeEvent,
  eventRow,
} from '#shared/domain/events/codec.ts';
import type { EventDefinition } from '#shared/domain/events/definition.ts';
import { TABLES, tableSchema } from '#shared/domain/events/schemas.ts';
import { testCases } from '#test/support/cases.ts';
import { aDecision, EVENT_SAMPLES } from '#test/support/events.ts';
import { offerArbitrary, workloadArbitrary } from '#test/support/offers.ts';
import { anOutcome } from '#test/support/outcomes.ts';
import { anyText } from '#test/support/text.ts';

const numRuns = testCases;
const TYPES = Object.keys(EVENTS) as EventType[];
const INGESTED_AT = Date.UTC(2026, 0, 2);

const definitionOf = (type: EventType): EventDefinition => EVENTS[type] as unknown as EventDefinition;
const encoded = (type: EventType): EncodedEvent => encodeEvent(definitionOf(type), EVENT_SAMPLES[type]);
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

function decoded(message: EncodedEvent): DecodedEvent {
  const result = decodeEvent(message.data, message.attributes);
  if (!result.ok) throw new Error(result.reason);
  return result.event;
}

describe('the catalogue', () => {
  it('gives every event its own topic and table, under its own type', () => {
    for (const key of ['topic', 'table', 'type'] as const)
      expect(new Set(TYPES.map((type) => EVENTS[type][key])).size).toBe(TYPES.length);
    for (const type of TYPES) expect(EVENTS[type].type).toBe(type);
    expect(TABLES.map((table) => table.name)).toEqual(TYPES.map((type) => EVENTS[type].table));
  });
});

describe('an event', () => {
  it.each(TYPES)('%s comes back as it was encoded', (type) => {
    const message = encoded(type);
    const event = decoded(message);
    expect(event.payload).toEqual(EVENT_SAMPLES[type]);
    expect(event.definition.type).toBe(type);
    expect(message.attributes).toEqual({ event_id: event.eventId, event_type: type, schema_version: '1.0' });
    // Again: the same message, so that a retry dedupes.
    expect(encodeEvent(definitionOf(type), event.payload)).toEqual(message);
  });

  it('carries its trace and its ordering key', () => {
    const sample = EVENT_SAMPLES['deployment-requested'];
    const message = encodeEvent(EVENTS['deployment-requested'], sample, { traceparent: '00-aa-bb-01' });
    expect(message.attributes['traceparent']).toBe('00-aa-bb-01');
    expect(message.orderingKey).toBe('vast');
    expect(encoded('routing-decision')).not.toHaveProperty('orderingKey');
  });

  it('of any offer or outcome comes back as it was encoded', () => {
    fc.assert(
      fc.property(offerArbitrary, workloadArbitrary, (offer, request) => {
        expect(decoded(encodeEvent(providerOffer, offer)).payload).toEqual(offer);
        const outcome = anOutcome({ request, provider: offer.provider, cost_usd: offer.usd_per_gpu_hour });
        expect(decoded(encodeEvent(routingOutcome, outcome)).payload).toEqual(outcome);
      }),
      { numRuns },
    );
  });

  it('of a newer minor version is read without what is new; fields with a default may be absent', () => {
    const { latency_source: _, ...older } = EVENT_SAMPLES['provider-offer'];
    const attributes = { event_type: 'provider-offer', schema_version: '1.7' };
    const result = decodeEvent(bytes({ ...older, colour: 'red' }), attributes);
    expect(result).toMatchObject({
      ok: true,
      event: { schemaVersion: '1.7', payload: EVENT_SAMPLES['provider-offer'] },
    });
    expect(result.ok && result.event.payload).not.toHaveProperty('colour');
  });

  it.each<[string, Uint8Array, Record<string, string>, string, RegExp]>([
    ['no type', bytes({}), {}, 'event_invalid', /^attribute event_type is missing$/],
    [
      'an unknown type',
      bytes({}),
      { event_type: 'gossip' },
      'event_type_unknown',
      /^event_type "gossip" is not one of/,
    ],
    ['a type of the prototype', bytes({}), { event_type: 'constructor' }, 'event_type_unknown', /"constructor"/],
    [
      'another major version',
      bytes({}),
      { event_type: 'routing-outcome', schema_version: '2.0' },
      'event_type_unknown',
      /schema_version "2.0"/,
    ],
    ['no data', new Uint8Array(), { event_type: 'routing-outcome' }, 'event_invalid', /not JSON in UTF-8/],
    ['no UTF-8', Uint8Array.of(0xff, 0xfe), { event_type: 'routing-outcome' }, 'event_invalid', /not JSON in UTF-8/],
    ['no object', bytes([1]), { event_type: 'routing-outcome' }, 'event_invalid', /\(root\)/],
    [
      'many wrong fields',
      bytes({}),
      { event_type: 'routing-outcome' },
      'event_invalid',
      /^decision_id: .*; and \d+ more$/,
    ],
    [
      'an id that is not its own',
      encoded('routing-outcome').data,
      { event_type: 'routing-outcome', event_id: 'x' },
      'event_invalid',
      /^attribute event_id "x" is not the id of this payload/,
    ],
  ])('with %s is refused with its reason', (_, data, attributes, code, reason) => {
    expect(decodeEvent(data, attributes)).toEqual({
      ok: false,
      code,
      eventType: attributes['event_type'] ?? null,
      reason: expect.stringMatching(reason),
    });
  });

  it('is read or refused, never thrown out: any bytes, any attributes', () => {
    const attributes = fc.dictionary(
      fc.constantFrom('event_type', 'schema_version', 'event_id', 'x'),
      fc.oneof(fc.string(), fc.constantFrom(...TYPES, '1.0')),
    );
    const data = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => new TextEncoder().encode(text)),
    );
    fc.assert(
      fc.property(data, attributes, (given, named) => {
        expect(typeof decodeEvent(given, named).ok).toBe('boolean');
      }),
      { numRuns },
    );
  });

  it('with any one field replaced by any JSON is refused, or still makes a row of its table', () => {
    const mutation = fc.constantFrom(...TYPES).chain((type) =>
      fc.record({
        type: fc.constant(type),
        field: fc.constantFrom(...Object.keys(EVENT_SAMPLES[type])),
        value: fc.oneof(
          fc.jsonValue(),
          anyText(),
          fc.constantFrom('\ud800', '__proto__', '9999-12-31T23:59:59-12:00', 1e308, -0, -1, 0.5),
        ),
      }),
    );
    fc.assert(
      fc.property(mutation, ({ type, field, value }) => {
        const result = decodeEvent(bytes({ ...EVENT_SAMPLES[type], [field]: value }), { event_type: type });
        if (result.ok) expectRowFits(result.event);
        else expect(result.reason.length).toBeLessThan(2000);
      }),
      { numRuns: numRuns * 5 },
    );
  });
});

describe('the row of an event', () => {
  it.each(TYPES)('%s has a cell of its type for every column', (type) => {
    expectRowFits(decoded(encoded(type)));
  });

  it('holds identity, partition and time of ingestion', () => {
    expect(eventRow(decoded(encoded('routing-outcome')), INGESTED_AT)).toMatchObject({
      event_date: '2026-01-01',
      ingested_at: '2026-01-02T00:00:00.000Z',
      schema_version: '1.0',
      provider: 'vast',
      final: true,
      cost_usd: 3.2,
      features: null,
    });
  });

  it('holds JSON that any engine reads, half a character replaced', () => {
    // DuckDB and BigQuery refuse "\ud800" in JSON; one such row would fail the whole append, again at every delivery.
    const offer_id = 'a\ud800b \\ud800 😀';
    const decision = aDecision({ candidates: aDecision().candidates.map((candidate) => ({ ...candidate, offer_id })) });
    const row = eventRow(decoded(encodeEvent(EVENTS['routing-decision'], decision)), INGESTED_AT);
    const candidates = JSON.parse(String(row['candidates'])) as { offer_id: string }[];
    expect(candidates[0]?.offer_id).toBe('a\ufffdb \\ud800 😀');
    expect(String(row['candidates'])).not.toMatch(/(?<!\\)\\ud8/);
  });
});

function expectRowFits(event: DecodedEvent): void {
  const row = eventRow(event, INGESTED_AT);
  const { columns } = tableSchema(event.definition.table);
  expect(Object.keys(row).sort()).toEqual(columns.map((column) => column.name).sort());
  for (const column of columns) {
    const cell = row[column.name] ?? null;
    expect([column.name, cell, cell === null ? column.nullable : fits(column, cell)]).toEqual([
      column.name,
      cell,
      true,
    ]);
  }
}

function fits({ type }: Column, cell: string | number | boolean): boolean {
  switch (type) {
    case 'STRING':
    case 'BYTES':
      return typeof cell === 'string';
    case 'INT64':
      return Number.isSafeInteger(cell);
    case 'FLOAT64':
      return Number.isFinite(cell);
    case 'BOOL':
      return typeof cell === 'boolean';
    case 'TIMESTAMP':
      return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(cell));
    case 'DATE':
      return /^\d{4}-\d\d-\d\d$/.test(String(cell));
    case 'JSON':
      return typeof cell === 'string' && JSON.stringify(JSON.parse(cell)).length > 0;
  }
  return type satisfies never;
}
