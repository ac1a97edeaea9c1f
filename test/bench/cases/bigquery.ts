import { writeFile } from 'node:fs/promises';
import { Agent, createServer, request } from 'node:http';
import { join } from 'node:path';
import { createBigqueryWarehouse } from '#shared/adapters/warehouse/bigquery/index.ts';
import { BIGQUERY_INSERT_ROWS } from '#shared/defaults.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import { DATASET, PROJECT } from '#test/support/bigquery/server.ts';
import { bodyOf, closeServer, listenOnLoopback } from '#test/support/loopback.ts';
import { type BenchCase, figure } from '../bench-case.ts';
import { appendAlone, type Batch, batchOf } from '../fixtures/batch.ts';
import { eventsOf } from '../fixtures/events.ts';
import { alternate } from '../rounds.ts';
import { startServer } from '../server-process.ts';

/** What an insert answers when every row is in. */
const ALL_IN = '{"kind":"bigquery#tableDataInsertAllResponse"}';

export const bigquery: BenchCase = {
  name: 'bigquery',
  title: 'BigQuery: the adapter’s append, into the fake and into nothing',
  async run({ quick, directory, hostClock, world }) {
    const [rounds, events] = quick ? [1, 240] : [5, 4_000];
    const eventAt = eventsOf(await world(), hostClock.now());
    let next = 0;
    const batch = (): Batch => {
      next += events;
      return batchOf(eventAt, next - events, events);
    };
    const answer = join(directory, 'all-in.json');
    await writeFile(answer, ALL_IN);
    const fake = await startServer('test/bench/children/bigquery-fake.ts');
    const bare = await startServer('test/bench/children/bare-server.mjs', { args: [answer] });
    const [intoFake, intoNothing] = [fake.url, bare.url].map((endpoint) => warehouseAt(endpoint, hostClock)) as [
      Warehouse,
      Warehouse,
    ];
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      const requests = await requestsOf(batch(), hostClock);
      const results = await alternate(rounds, {
        fake: () => appendAlone(intoFake, batch()),
        nothing: () => appendAlone(intoNothing, batch()),
        floor: () => postAll(agent, bare.url, requests, events),
      });
      const baseline = { name: 'floor: the same bytes by node:http, nothing parsed', values: results.floor };
      const line = (name: string, values: readonly number[]) =>
        figure({ name, unit: 'rows/s', better: 'higher', values, baseline });
      return {
        figures: [
          line('append into the fake, which runs DuckDB', results.fake),
          line('append into a server that takes everything and parses nothing', results.nothing),
        ],
        facts: [
          `${events} rows a round in ${requests.length} requests of at most ${BIGQUERY_INSERT_ROWS}, one after the other; half routing decisions with 8 candidates, half outcomes; ${Math.round(sizeOf(requests) / events)} bytes a row as it is sent`,
          'the second figure is the cost of the adapter and its client alone; BigQuery itself is somewhere else and is not measured here',
        ],
      };
    } finally {
      agent.destroy();
      await Promise.all([intoFake.close(), intoNothing.close(), fake.stop(), bare.stop()]);
    }
  },
};

const warehouseAt = (endpoint: string, hostClock: HostClock): Warehouse =>
  createBigqueryWarehouse({
    projectId: PROJECT,
    dataset: DATASET,
    location: 'EU',
    endpoint,
    hostClock,
    maxBytesBilled: 1e9,
  });

interface Sent {
  readonly path: string;
  readonly body: Buffer;
}

/** What the adapter sends for these rows. */
async function requestsOf(batch: Batch, hostClock: HostClock): Promise<readonly Sent[]> {
  const sent: Sent[] = [];
  const server = createServer((incoming, response) => {
    void bodyOf(incoming).then((body) => {
      sent.push({ path: incoming.url ?? '/', body });
      response.writeHead(200, { 'content-type': 'application/json' }).end(ALL_IN);
    });
  });
  const warehouse = warehouseAt(await listenOnLoopback(server), hostClock);
  try {
    await appendAlone(warehouse, batch);
    return sent;
  } finally {
    await warehouse.close();
    await closeServer(server);
  }
}

const sizeOf = (requests: readonly Sent[]): number => requests.reduce((sum, { body }) => sum + body.byteLength, 0);

/** Rows a second. */
async function postAll(agent: Agent, url: string, requests: readonly Sent[], rows: number): Promise<number> {
  const since = performance.now();
  for (const { path, body } of requests) await post(agent, `${url}${path}`, body);
  return (rows * 1_000) / (performance.now() - since);
}

const post = (agent: Agent, url: string, body: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.byteLength };
    request(url, { agent, method: 'POST', headers }, (response) => {
      response.resume().once('end', resolve);
    })
      .once('error', reject)
      .end(body);
  });
