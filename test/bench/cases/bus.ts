import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createEmbeddedBus } from '#shared/adapters/bus/embedded/index.ts';
import type { BusMessage, SubscriptionConfig } from '#shared/ports/bus.ts';
import { type BenchCase, figure } from '../bench-case.ts';
import { envelopeOf, eventsOf } from '../fixtures/events.ts';
import { load } from '../load.ts';
import { alternate } from '../rounds.ts';
import { type ServerProcess, startServer } from '../server-process.ts';

const PUBLISHERS = 50;
const TOPIC = 'bench';
const IN_FLIGHT = 256;

export const bus: BenchCase = {
  name: 'bus',
  title: 'The embedded bus: publish and push',
  async run({ quick, directory, hostClock, world }) {
    const [rounds, count] = quick ? [1, 100] : [4, 6_000];
    const eventAt = eventsOf(await world(), hostClock.now());
    const messages = Array.from({ length: count }, (_, i) => eventAt(2 * i + 1));
    const server = await startServer('test/bench/children/bare-server.mjs');
    let files = 0;
    const open = async () => {
      files += 1;
      const options = { file: join(directory, `bus-${files}.sqlite`), topics: [TOPIC], hostClock, random: () => 0.5 };
      return createEmbeddedBus({ ...options, subscriptions: [subscription(server)] });
    };
    try {
      const results = await alternate(rounds, {
        async bus() {
          const opened = await open();
          try {
            const publishes = await publishAll((message) => opened.publish(TOPIC, [message]), messages);
            const since = performance.now();
            await opened.start([subscription(server)]);
            while ((await opened.stats()).some(({ backlog }) => backlog > 0)) await pause();
            return { publishes, deliveries: (count * 1_000) / (performance.now() - since) };
          } finally {
            await opened.close();
          }
        },
        floor: async () => ({
          publishes: insertAlone(join(directory, `floor-${hostClock.now()}.sqlite`), messages),
          deliveries: (await load({ ...toServer(server, messages), requests: count })).perSecond,
        }),
      });
      const of = (name: keyof typeof results, part: 'publishes' | 'deliveries') =>
        results[name].map((result) => result[part]);
      const line = (name: string, part: 'publishes' | 'deliveries', floor: string) =>
        figure({
          name,
          unit: 'messages/s',
          better: 'higher',
          values: of('bus', part),
          baseline: { name: floor, values: of('floor', part) },
        });
      return {
        figures: [
          line(`${PUBLISHERS} publishers, durable`, 'publishes', 'floor: node:sqlite, one insert and sync a message'),
          line('pushes, each acknowledged', 'deliveries', `floor: the same posts by ${PUBLISHERS} callers`),
        ],
        facts: [
          `${count} messages of ${messages[0]?.data.byteLength} bytes (routing outcomes) a round, one subscription, ${IN_FLIGHT} in flight at most, a subscriber that answers 204 at once`,
          'above 1x because the bus puts the messages that wait together into one transaction; the floor is what a single publisher would get',
        ],
      };
    } finally {
      await server.stop();
    }
  },
};

/** Messages a second, each publisher waiting for its own before the next. */
async function publishAll(
  publish: (message: BusMessage) => Promise<unknown>,
  messages: readonly BusMessage[],
): Promise<number> {
  const since = performance.now();
  const queue = messages.values();
  const publisher = async (): Promise<void> => {
    for (const message of queue) await publish(message);
  };
  await Promise.all(Array.from({ length: PUBLISHERS }, publisher));
  return (messages.length * 1_000) / (performance.now() - since);
}

/** Messages a second. */
function insertAlone(file: string, messages: readonly BusMessage[]): number {
  const database = new DatabaseSync(file);
  try {
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE message (id INTEGER PRIMARY KEY, data BLOB)',
    );
    const insert = database.prepare('INSERT INTO message (data) VALUES (?)');
    const since = performance.now();
    for (const { data } of messages) insert.run(data);
    return (messages.length * 1_000) / (performance.now() - since);
  } finally {
    database.close();
  }
}

const subscription = ({ url }: ServerProcess): SubscriptionConfig => ({
  name: 'bench',
  topic: TOPIC,
  pushUrl: url,
  ackDeadlineMs: 10_000,
  minBackoffMs: 100,
  maxBackoffMs: 1_000,
  maxAttempts: 5,
  deadLetterTopic: null,
  ordered: false,
  maxInFlight: IN_FLIGHT,
});

function toServer(server: ServerProcess, messages: readonly Parameters<typeof envelopeOf>[0][]) {
  const bodies = messages.map(envelopeOf);
  const body = (index: number): string => bodies[index % bodies.length] ?? '';
  return { server, path: '/', connections: PUBLISHERS, seconds: 30, body, expect: 204 };
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));
