import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { type BenchCase, figure } from '../bench-case.ts';
import { CANDIDATES, SCORE_REQUESTS } from '../fixtures/market.ts';
import { publishWorld } from '../fixtures/world.ts';
import { httpFigures } from '../http-figures.ts';
import { type LoadResult, load, warmUp } from '../load.ts';
import { alternate } from '../rounds.ts';
import { type ServerProcess, startServer } from '../server-process.ts';

const AIM_PER_SECOND = 20_000;
const CONNECTIONS = 50;
const PATH = '/agent/route';

export const scoreHttp: BenchCase = {
  name: 'score-http',
  title: '`score` over HTTP, 8 candidates, 50 connections',
  async run({ quick, directory, hostClock, world }) {
    await publishWorld(directory, await world(), hostClock);
    const [rounds, seconds, warm] = quick ? [1, 0.2, 20] : [5, 2, 20_000];
    const bodies = SCORE_REQUESTS.map((request) => JSON.stringify(request));
    const body = (index: number): string => bodies[index % bodies.length] ?? '';
    const servers: ServerProcess[] = [];
    const start = async (starting: Promise<ServerProcess>): Promise<ServerProcess> => {
      const server = await starting;
      servers.push(server);
      return server;
    };
    const score = (host: string) =>
      start(
        startServer('functions/serve.ts', {
          env: { FUNCTION_TARGET: 'score', PORT: '0', AURORA_DIR: directory, AURORA_HOST: host },
        }),
      );
    try {
      const lean = await score('lean');
      const framework = await score('functions-framework');
      const answer = await answerOf(lean, body(0));
      await writeFile(join(directory, 'answer'), answer);
      const bare = await start(
        startServer('test/bench/children/bare-server.mjs', { args: [join(directory, 'answer')] }),
      );
      const ask = (server: ServerProcess) => ({ server, path: PATH, body, expect: 200 });
      for (const server of servers) await warmUp({ ...ask(server), seconds: 8, requests: warm });
      const measure = (server: ServerProcess) => (): Promise<LoadResult> =>
        load({ ...ask(server), connections: CONNECTIONS, seconds });
      const results = await alternate(
        rounds,
        { lean: measure(lean), framework: measure(framework), bare: measure(bare) },
        { warmUp: !quick },
      );
      const checked = await byAutocannon(lean, bodies, seconds);
      const floor = { name: 'floor: bare node:http, same bytes', results: results.bare };
      return {
        figures: [
          ...httpFigures({ name: 'lean host', results: results.lean }, floor, {
            perSecond: AIM_PER_SECOND,
            tried: TRIED,
          }),
          ...httpFigures({ name: 'functions-framework', results: results.framework }, floor),
          figure({ name: 'lean host, seen by autocannon', unit: 'requests/s', better: 'higher', values: [checked] }),
        ],
        facts: [
          `the answer is ${answer.byteLength} bytes: ${CANDIDATES} recommendations with their predicted parts, 16 exclusions; a request is ${bodies[0]?.length} bytes`,
          "one server process, the callers in another that never sleeps (autocannon does, and every call that wakes it is on the server's bill); a model serves (stage online), its offers and itself polled every 2 s meanwhile",
        ],
      };
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  },
};

const TRIED =
  'Of a request node:http with the host costs some 20 µs of CPU. The rest, measured inside the server by a profile: parsing and checking 7, eligibility 4, scoring 15, JSON of the answer 16, writing it to the socket 16; between system calls each takes half as long again as in a loop of its own. Tried and kept: facts and words of an offer remembered over requests, a kernel of four rows at a time over float64, one product for the first layer and the wide part, relu without branches, ASCII answers sent as Latin-1, folded words remembered, no text of shortfalls where there are none. Tried and left: a larger or smaller young generation (nothing), figures rounded to six digits (1 µs of JSON), JSON by hand (4 µs, for a second definition of the answer)';

/** Also proves that the model serves. */
async function answerOf(server: ServerProcess, body: string): Promise<Uint8Array> {
  const response = await fetch(`${server.url}${PATH}`, { method: 'POST', body });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const answer = JSON.parse(new TextDecoder().decode(bytes)) as { mode?: string; recommendations?: unknown[] };
  if (answer.mode !== 'online' || answer.recommendations?.length !== CANDIDATES)
    throw new Error(`expected ${CANDIDATES} recommendations of a model, got ${new TextDecoder().decode(bytes)}`);
  return bytes;
}

/** The same by a tool that others know: our own client must not flatter. Slower, for the tool shares the machine. */
async function byAutocannon(server: ServerProcess, bodies: readonly string[], seconds: number): Promise<number> {
  const result = await autocannon({
    url: `${server.url}${PATH}`,
    connections: CONNECTIONS,
    duration: Math.max(1, seconds),
    requests: bodies.map((body) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body })),
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`autocannon: ${result.non2xx} others, ${result.errors} errors`);
  return result['2xx'] / result.duration;
}
