import { EVENTS, type Payload } from '#shared/domain/events/catalogue.ts';
import type { DecodedEvent } from '#shared/domain/events/codec.ts';
import { type EventContext, eventFunction } from '#shared/runtime/event-function.ts';
import { fakeClock } from './clock.ts';
import { testDeps } from './runtime.ts';

export interface EventDoorOptions {
  readonly name?: string;
  readonly handle?: (event: DecodedEvent, context: EventContext) => Promise<void>;
  readonly quarantine?: (rejected: Payload<'event-rejected'>) => Promise<void>;
}

/** An event function that takes training requests and keeps what it saw. */
export function eventDoor(options: EventDoorOptions = {}) {
  const deps = testDeps();
  const handled: { event: DecodedEvent; context: EventContext }[] = [];
  const quarantined: Payload<'event-rejected'>[] = [];
  const app = eventFunction({
    name: options.name ?? 'train',
    deps,
    worldClock: fakeClock(Date.UTC(2026, 5, 1)),
    accepts: ['training-requested'],
    async handle(event, context) {
      await options.handle?.(event, context);
      handled.push({ event, context });
    },
    async quarantine(rejected) {
      await options.quarantine?.(rejected);
      // Whatever is refused, its quarantine must itself be an event that every reader takes.
      quarantined.push(EVENTS['event-rejected'].schema.parse(rejected));
    },
  });
  return { app, deps, handled, quarantined };
}
