import { setTimeout as sleep } from 'node:timers/promises';
import { createPubsubBus } from '#shared/adapters/bus/pubsub.ts';
import { createBigqueryWarehouse } from '#shared/adapters/warehouse/bigquery/index.ts';
import { routingDecision, routingOutcome } from '#shared/domain/events/catalogue.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { DATASET, PROJECT } from '#test/support/bigquery/server.ts';
import { cloudEnvironment } from '#test/support/cloud.ts';
import { findEmulator } from '#test/support/pubsub/emulator.ts';
import { emulatorClient } from '#test/support/pubsub/infrastructure.ts';
import { type BenchCase, figure } from '../bench-case.ts';
import { appendAlone, type Batch, batchOf } from '../fixtures/batch.ts';
import { eventsOf } from '../fixtures/events.ts';
import { load } from '../load.ts';
import { alternate } from '../rounds.ts';
import { type ServerProcess, startServer } from '../server-process.ts';

const TOPICS = [routingDecision.topic, routingOutcome.topic];
/** Pushes of one subscription that the emulator has in flight at most (version 0.8.20, measured). */
const EMULATOR_IN_FLIGHT = 2;
const LIKE_THE_EMULATOR = EMULATOR_IN_FLIGHT * TOPICS.length;
const MANY = 50;
const LOOK_EVERY_MS = 25;

export const ingestCloud: BenchCase = {
  name: 'ingest-cloud',
  title: '`ingest` in the cloud: pushes into BigQuery’s fake',
  async run({ quick, hostClock, world }) {
    const [rounds, events] = quick ? [1, 240] : [3, 1_000];
    const eventAt = eventsOf(await world(), hostClock.now());
    let next = 0;
    // Each round has events of its own: a second push of one would be a duplicate.
    const batch = (): Batch => {
      next += events;
      return batchOf(eventAt, next - events, events);
    };
    const found = await findEmulator();
    const emulator = 'missing' in found ? null : await found.start();
    const fake = await startServer('test/bench/children/bigquery-fake.ts');
    const environment = cloudEnvironment({
      storage: fake.url,
      bigquery: fake.url,
      pubsub: emulator?.endpoint ?? '127.0.0.1:1',
    });
    const server = await startServer('functions/serve.ts', {
      env: { ...environment, FUNCTION_TARGET: 'ingest', PORT: '0' },
    });
    const warehouse = createBigqueryWarehouse({
      projectId: PROJECT,
      dataset: DATASET,
      location: 'EU',
      endpoint: fake.url,
      hostClock,
      maxBytesBilled: 1e9,
    });
    const pubsub = emulator === null ? null : await openPubsub(emulator.endpoint, server, hostClock);
    const envelopes = (connections: number) => async (): Promise<number> => {
      const { bodies } = batch();
      const body = (index: number): string => bodies[index] ?? '';
      return (await load({ server, path: '/', connections, seconds: 120, requests: events, body, expect: 204 }))
        .perSecond;
    };
    try {
      const results = await alternate(rounds, {
        emulator: async () => (pubsub === null ? Number.NaN : await pubsub.push(batch())),
        few: envelopes(LIKE_THE_EMULATOR),
        many: envelopes(MANY),
        floor: () => appendAlone(warehouse, batch()),
      });
      const few = `our own envelope by HTTP, ${LIKE_THE_EMULATOR} connections`;
      const floor = { name: 'floor: appends alone, same rows', values: results.floor };
      const line = (name: string, values: readonly number[], baseline: typeof floor) =>
        figure({ name, unit: 'events/s', better: 'higher', values, baseline });
      const limits =
        'missing' in found
          ? `the emulator’s push is left out: ${found.missing}`
          : `the emulator has ${EMULATOR_IN_FLIGHT} pushes of a subscription in flight at most, and there are ${TOPICS.length} subscriptions: it says nothing of Pub/Sub itself, which opens up to thousands`;
      return {
        figures: [
          ...(pubsub === null
            ? []
            : [line('through the Pub/Sub emulator’s push', results.emulator, { name: few, values: results.few })]),
          line(few, results.few, floor),
          line(`our own envelope by HTTP, ${MANY} connections`, results.many, floor),
        ],
        facts: [
          limits,
          `${events} events a round, each new, half decisions with 8 candidates, half outcomes, published before the clock starts; a push is answered when its row is in the fake, which runs DuckDB in a process of its own`,
        ],
      };
    } finally {
      await pubsub?.close();
      await warehouse.close();
      await server.stop();
      await fake.stop();
      await emulator?.stop();
    }
  },
};

/** Topics whose messages wait until they are to be pushed. */
async function openPubsub(endpoint: string, server: ServerProcess, hostClock: HostClock) {
  const projectId = `aurora-bench-${process.pid}`;
  const admin = emulatorClient(endpoint, projectId);
  const bus = createPubsubBus({ projectId, endpoint, hostClock, topics: TOPICS });
  for (const topic of TOPICS) {
    await admin.createTopic(topic);
    await admin.topic(topic).createSubscription(topic, { ackDeadlineSeconds: 60 });
  }
  const pushTo = (pushEndpoint: string): Promise<unknown> =>
    Promise.all(TOPICS.map((topic) => admin.subscription(topic).modifyPushConfig({ pushEndpoint })));
  return {
    /** Events a second, from the first push to the last acknowledgement. */
    async push({ messages, events }: Batch): Promise<number> {
      for (const [topic, list] of messages) await bus.publish(topic, list);
      const goal = (await handled(server)) + events.length;
      const since = performance.now();
      await pushTo(server.url);
      while ((await handled(server)) < goal) await sleep(LOOK_EVERY_MS);
      const tookMs = performance.now() - since;
      await pushTo('');
      return (events.length * 1_000) / tookMs;
    },
    async close(): Promise<void> {
      await bus.close();
      await admin.close();
    },
  };
}

/** Events that are durable and acknowledged so far. */
async function handled({ url }: ServerProcess): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return [...text.matchAll(/^aurora_events_total\{[^}]*result="handled"[^}]*\} (\d+)/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
}
