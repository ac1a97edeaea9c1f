import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BenchCase, type Figure, figure } from '../bench-case.ts';
import { CANDIDATES } from '../fixtures/market.ts';
import { ROUTE_REQUESTS, startRoutes } from '../fixtures/routes.ts';
import { httpFigures } from '../http-figures.ts';
import { type LoadResult, load, warmUp } from '../load.ts';
import { alternate } from '../rounds.ts';
import { type ServerProcess, startServer } from '../server-process.ts';

const CONNECTIONS = 50;
const PATH = '/route';
/** What another project's rules-only router on Express does on this kind of machine: no record, no bus, no scores. */
const EXPRESS_PER_SECOND = 5_000;

export const routeAlone: BenchCase = {
  name: 'route-alone',
  title: '`route` in a process of its own, `score` in another, 50 connections',
  async run({ quick, directory, hostClock, world }) {
    const [rounds, seconds, alone, warm] = quick ? [1, 0.3, 20, 20] : [5, 3, 1_500, 6_000];
    const routes = await startRoutes({ directory, world: await world(), hostClock });
    const servers: ServerProcess[] = [routes.score, routes.asking, routes.byRules];
    try {
      const answer = await (await fetch(`${routes.asking.url}${PATH}`, { method: 'POST', body: body(0) })).text();
      await writeFile(join(directory, 'answer'), answer);
      const bare = await startServer('test/bench/children/bare-server.mjs', { args: [join(directory, 'answer')] });
      servers.push(bare);
      const ask = (server: ServerProcess) => ({ server, path: PATH, body, expect: 200 });
      for (const server of [routes.asking, routes.byRules, bare])
        await warmUp({ ...ask(server), seconds: 8, requests: warm });
      const crowd = (server: ServerProcess) => (): Promise<LoadResult> =>
        load({ ...ask(server), connections: CONNECTIONS, seconds });
      const one = (server: ServerProcess) => (): Promise<LoadResult> =>
        load({ ...ask(server), connections: 1, seconds: 10, requests: alone });
      const results = await alternate(
        rounds,
        {
          asking: crowd(routes.asking),
          byRules: crowd(routes.byRules),
          bare: crowd(bare),
          askingAlone: one(routes.asking),
          byRulesAlone: one(routes.byRules),
        },
        { warmUp: !quick },
      );
      const floor = { name: 'floor: bare node:http, same bytes', results: results.bare };
      return {
        figures: [
          ...httpFigures({ name: 'asks score', results: results.asking }, floor, {
            perSecond: EXPRESS_PER_SECOND,
            tried: TRIED,
          }),
          ...httpFigures({ name: 'score is down, the rules decide', results: results.byRules }, floor),
          asked('p50', results.askingAlone, results.byRulesAlone, ({ p50Ms }) => p50Ms),
          asked('p99', results.askingAlone, results.byRulesAlone, ({ p99Ms }) => p99Ms),
        ],
        facts: [
          `POST /route: score asked over HTTP for ${CANDIDATES} candidates, the intent durable (SQLite, WAL, FULL), decision and deployment events durable in the bus before the answer of ${answer.length} bytes; every id is new`,
          'deploy and everyone who hears the bus are not here: in the cloud they are elsewhere, and Pub/Sub delivers; score and route share the two cores with the callers, who never sleep',
        ],
      };
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  },
};

const body = (index: number): string => ROUTE_REQUESTS[index % ROUTE_REQUESTS.length] ?? '';

function asked(
  name: string,
  asking: readonly LoadResult[],
  byRules: readonly LoadResult[],
  of: (result: LoadResult) => number,
): Figure {
  return figure({
    name: `one caller, asks score, ${name}`,
    unit: 'ms',
    better: 'lower',
    values: asking.map(of),
    baseline: { name: 'the same by the rules', values: byRules.map(of) },
  });
}

const TRIED =
  'Express answers from memory; here each decision is on the disk twice before it is told (intent, events), with every candidate as it was valued. Tried and kept: rows with a rowid (an intent created and settled 240 -> 91 µs), disk syncs in threads of their own for state and bus, a decision written as text once for intent and event, values looked at for faults only as a whole, no text made to be measured';
