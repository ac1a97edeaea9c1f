import type { z } from 'zod';
import type { TableName } from '../tables.ts';

/** One kind of event: its topic, its schema, its table. */
export interface EventDefinition<S extends z.ZodObject = z.ZodObject> {
  /** Attribute event_type, singular. */
  readonly type: string;
  readonly topic: string;
  readonly table: TableName;
  /** major.minor: another major is refused, unknown keys of a newer minor are dropped. */
  readonly schemaVersion: string;
  readonly schema: S;
  /** Field that holds the instant of the event: partition key and the time shown. */
  readonly timeField: string;
  /** Deterministic id of this event. */
  readonly eventId: (payload: z.output<S>) => string;
  /** Largest data of one event; default MAX_EVENT_BYTES. */
  readonly maxBytes?: number;
  /** Messages of one key keep their order; undefined = no order needed. */
  readonly orderingKey?: (payload: z.output<S>) => string;
}

export const defineEvent = <S extends z.ZodObject>(definition: EventDefinition<S>): EventDefinition<S> => definition;
