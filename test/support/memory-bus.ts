import { MAX_EVENT_BYTES } from '#shared/defaults.ts';
import type { EventType, Payload } from '#shared/domain/events/catalogue.ts';
import { decodeEvent } from '#shared/domain/events/codec.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { Bus, BusMessage } from '#shared/ports/bus.ts';
import { TOPIC_LIMITS, TOPICS } from '#shared/topology.ts';

export interface Published {
  readonly topic: string;
  readonly eventId: string;
  readonly message: BusMessage;
}

/** A bus that keeps what it was given. Refuses what a real one refuses, and what no reader could read. */
export interface MemoryBus extends Bus {
  readonly published: readonly Published[];
  /** Payloads of one type, in the order of publishing, repetitions included. */
  payloads<T extends EventType>(type: T): readonly Payload<T>[];
  /** Ids of one type, each once. */
  distinct(type: EventType): readonly string[];
  /** The next `n` publishes (to `topic`, or to any) fail before anything is durable. */
  failNext(n: number, topic?: string): void;
}

export function memoryBus(): MemoryBus {
  const published: (Published & { readonly type: string; readonly payload: unknown })[] = [];
  let failures = 0;
  let failingTopic: string | undefined;
  return {
    published,
    payloads: <T extends EventType>(type: T) =>
      published.flatMap((one) => (one.type === type ? [one.payload as Payload<T>] : [])),
    distinct: (type) => [...new Set(published.filter((one) => one.type === type).map(({ eventId }) => eventId))],
    failNext(n, topic) {
      failures = n;
      failingTopic = topic;
    },
    async publish(topic, messages) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!TOPICS.includes(topic)) throw new RejectedError('topic_unknown', topic);
      if (failures > 0 && (failingTopic ?? topic) === topic) {
        failures -= 1;
        throw new TransientError('bus_unavailable', 'the bus is away');
      }
      const read = messages.map((message) => {
        if (message.data.length > (TOPIC_LIMITS[topic] ?? MAX_EVENT_BYTES))
          throw new RejectedError('event_too_large', `${message.data.length} bytes`);
        const decoded = decodeEvent(message.data, message.attributes);
        if (!decoded.ok) throw new Error(`published what nobody can read: ${decoded.reason}`);
        const { definition, eventId, payload } = decoded.event;
        if (definition.topic !== topic) throw new Error(`${definition.type} does not belong on ${topic}`);
        return { topic, message, eventId, type: definition.type, payload };
      });
      published.push(...read);
      return read.map((_, i) => `m${published.length - read.length + i + 1}`);
    },
    close: async () => undefined,
  };
}
