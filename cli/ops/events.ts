import { z } from 'zod';
import { EVENTS, type EventType } from '#shared/domain/events/catalogue.ts';
import { decodeEvent, encodeEvent } from '#shared/domain/events/codec.ts';
import type { EventDefinition } from '#shared/domain/events/definition.ts';
import { RejectedError } from '#shared/errors.ts';
import type { BusMessage } from '#shared/ports/bus.ts';
import { decisionsBetween, outcomesBetween } from '#shared/queries/known-events.ts';
import { operation } from './operation.ts';

const eventType = z.enum(Object.keys(EVENTS) as [EventType, ...EventType[]]);

/** Publishes events on their topics; resolves when all are durable in the bus. */
export const publishEvents = operation({
  name: 'events.publish',
  params: z.strictObject({
    events: z.array(z.strictObject({ type: eventType, payload: z.record(z.string(), z.unknown()) })).max(500),
  }),
  run: async ({ platform }, { events }): Promise<{ published: number }> => {
    const bus = await platform.bus();
    const byTopic = Map.groupBy(events, ({ type }) => EVENTS[type].topic);
    for (const [topic, group] of byTopic) await bus.publish(topic, group.map(messageOf));
    return { published: events.length };
  },
});

function messageOf({ type, payload }: { type: EventType; payload: Record<string, unknown> }): BusMessage {
  const definition = EVENTS[type] as unknown as EventDefinition;
  const parsed = definition.schema.safeParse(payload);
  if (!parsed.success)
    throw new RejectedError(
      'event_invalid',
      `${type}: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`,
    );
  const message = encodeEvent(definition, parsed.data);
  const readable = decodeEvent(message.data, message.attributes);
  if (!readable.ok) throw new RejectedError('event_invalid', `${type}: ${readable.reason}`);
  return message;
}

const instant = z.iso.datetime();

/** Ids of the decisions and outcomes on record in a stretch of world time. */
export const knownEvents = operation({
  name: 'events.known',
  params: z.strictObject({ from: instant, to: instant }),
  run: async ({ platform }, range): Promise<{ ids: string[] }> => {
    const warehouse = await platform.warehouse();
    const [decisions, outcomes] = [
      await warehouse.query(decisionsBetween, range),
      await warehouse.query(outcomesBetween, range),
    ];
    return { ids: [...decisions, ...outcomes].map((row) => row.event_id) };
  },
});
