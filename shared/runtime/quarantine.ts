import { eventRejected, type Payload } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import type { Bus } from '#shared/ports/bus.ts';

/**
 * Quarantine by way of the bus, for functions without the warehouse: ingest puts on record what is published here. The topic
 * takes whatever an event door takes, so that nothing is too large to be kept.
 */
export const quarantineOver =
  (bus: Bus) =>
  async (rejected: Payload<'event-rejected'>): Promise<void> => {
    await bus.publish(eventRejected.topic, [encodeEvent(eventRejected, rejected)]);
  };
