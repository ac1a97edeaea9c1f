import { join } from 'node:path';
import { createDuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import { type BenchCase, type Figure, figure } from '../bench-case.ts';
import { APPEND_ROWS, appendAlone, type Batch, batchOf } from '../fixtures/batch.ts';
import { eventsOf } from '../fixtures/events.ts';
import { type LoadResult, load } from '../load.ts';
import { alternate } from '../rounds.ts';
import { startServer } from '../server-process.ts';

const CONNECTIONS = [50, 200] as const;

export const ingest: BenchCase = {
  name: 'ingest',
  title: '`ingest`: pushes over HTTP into DuckDB',
  async run({ quick, directory, hostClock, world }) {
    const [rounds, events] = quick ? [1, 240] : [3, 4_000];
    const eventAt = eventsOf(await world(), hostClock.now());
    let next = 0;
    // Each round has events of its own: a second push of one would be a duplicate.
    const batch = (): Batch => {
      next += events;
      return batchOf(eventAt, next - events, events);
    };
    const server = await startServer('functions/serve.ts', {
      env: { FUNCTION_TARGET: 'ingest', PORT: '0', AURORA_DIR: directory },
    });
    const floor = await createDuckdbWarehouse({ file: join(directory, 'floor.duckdb') });
    const push = (connections: number) => (): Promise<LoadResult> => {
      const { bodies } = batch();
      const body = (index: number): string => bodies[index] ?? '';
      return load({ server, path: '/', connections, seconds: 60, requests: events, body, expect: 204 });
    };
    try {
      const results = await alternate(rounds, {
        few: push(CONNECTIONS[0]),
        many: push(CONNECTIONS[1]),
        floor: async () => ({ perSecond: await appendAlone(floor, batch()) }),
      });
      const against = {
        name: 'floor: appends alone, same rows',
        values: results.floor.map(({ perSecond }) => perSecond),
      };
      const figures = (
        [
          ['few', CONNECTIONS[0]],
          ['many', CONNECTIONS[1]],
        ] as const
      ).flatMap(([name, connections]): Figure[] => {
        const of = (part: 'perSecond' | 'p50Ms' | 'p99Ms') =>
          (results[name] as LoadResult[]).map((result) => result[part]);
        return [
          figure({
            name: `${connections} connections`,
            unit: 'events/s',
            better: 'higher',
            values: of('perSecond'),
            baseline: against,
          }),
          figure({
            name: `${connections} connections, accepted to durable, p50`,
            unit: 'ms',
            better: 'lower',
            values: of('p50Ms'),
          }),
          figure({
            name: `${connections} connections, accepted to durable, p99`,
            unit: 'ms',
            better: 'lower',
            values: of('p99Ms'),
          }),
        ];
      });
      return {
        figures,
        facts: [
          `half routing-decision events with 8 candidates, half routing-outcome events; the data of an event is ${Math.round(batch().bytes / events)} bytes on average; ${events} events a round, each new`,
          `a push is answered when its row is durable; the floor writes the same rows in this process, ${APPEND_ROWS} to a transaction, one writer`,
        ],
      };
    } finally {
      await floor.close();
      await server.stop();
    }
  },
};
