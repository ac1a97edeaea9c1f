import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import { trafficStream } from '#sim/traffic.ts';
import type { BenchCase } from '../bench-case.ts';
import { httpFigures } from '../http-figures.ts';
import { type LoadResult, load } from '../load.ts';
import { alternate } from '../rounds.ts';
import { type ServerProcess, startServer } from '../server-process.ts';

const CONNECTIONS = 50;
/** A round: fewer than may wait for deploy, which catches up while the floor is measured. */
const REQUESTS = 500;
/** So small that the simulated market does not sell out: at 600 times the pace of the world such a run ends in 60 ms. */
const GPU_HOURS = 0.01;

export const route: BenchCase = {
  name: 'route',
  title: '`route` in the whole stack, 50 connections',
  async run({ quick, directory, hostClock }) {
    const [rounds, seconds] = quick ? [1, 0.3] : [4, 3];
    const stack = await startServer('cli/vm.mjs', {
      args: ['up', '--json', '--dir', join(directory, 'stack'), '--port', '0', '--traffic', '0'],
      urlField: 'front_door',
    });
    const servers: ServerProcess[] = [stack];
    const tenants = trafficStream({ spec: loadMarketSpec('default'), seed: hostClock.now() });
    // Every request has an id of its own: a repeated one would be answered from its intent.
    let asked = 0;
    const body = (): string => {
      asked += 1;
      const { body: request } = tenants(asked);
      return JSON.stringify({ ...request, gpu_hours: GPU_HOURS });
    };
    try {
      const answer = await (await fetch(`${stack.url}/route`, { method: 'POST', body: body() })).text();
      await writeFile(join(directory, 'answer'), answer);
      const bare = await startServer('test/bench/children/bare-server.mjs', { args: [join(directory, 'answer')] });
      servers.push(bare);
      const measure = (server: ServerProcess, requests?: number) => (): Promise<LoadResult> =>
        load({
          server,
          path: '/route',
          connections: CONNECTIONS,
          seconds,
          body,
          expect: 200,
          ...(requests === undefined ? {} : { requests }),
        });
      const results = await alternate(
        rounds,
        { route: measure(stack, REQUESTS), bare: measure(bare) },
        { warmUp: !quick },
      );
      return {
        figures: httpFigures(
          { name: 'front door to decision', results: results.route },
          { name: 'floor: bare node:http, same bytes', results: results.bare },
        ),
        facts: [
          `POST /route on vm up --traffic 0: score asked over HTTP, intent durable, decision and deployment events published before the answer of ${answer.length} bytes; the requests are those of the simulated tenants (4 to 30 candidates, mostly 5 or 6), every id is new`,
          'one process: score, deploy, watch, ingest, collect, the bus and the simulated market work through every decision meanwhile, and their CPU counts here',
        ],
      };
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  },
};
