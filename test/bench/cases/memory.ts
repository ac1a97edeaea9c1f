import { setTimeout } from 'node:timers/promises';
import { trainingRequested } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { type BenchCase, type BenchContext, type Figure, figure } from '../bench-case.ts';
import { envelopeOf, eventsOf } from '../fixtures/events.ts';
import { SCORE_REQUESTS } from '../fixtures/market.ts';
import { publishedVersions, publishWorld } from '../fixtures/world.ts';
import { load } from '../load.ts';
import { type ServerProcess, startServer } from '../server-process.ts';

const MIB = 2 ** 20;
const TRAFFIC_PER_SECOND = 20;
/** Old enough that every outcome counts: training waits until nothing of an instant can still come. */
const THREE_DAYS_MS = 3 * 86_400_000;

export const memory: BenchCase = {
  name: 'memory',
  title: 'Resident memory',
  async run(context) {
    const { quick, directory, hostClock, world } = context;
    const [requests, events, seconds] = quick ? [50, 200, 2] : [20_000, 6_000, 60];
    await publishWorld(directory, await world(), hostClock);
    const bare = await resident('test/bench/children/bare-server.mjs', {}, async () => undefined);
    const of = (target: string, work: (server: ServerProcess) => Promise<unknown>) =>
      resident('functions/serve.ts', { FUNCTION_TARGET: target, PORT: '0', AURORA_DIR: directory }, work);
    const bodies = SCORE_REQUESTS.map((request) => JSON.stringify(request));
    const score = await of('score', (server) =>
      load({
        server,
        path: '/agent/route',
        connections: 50,
        seconds: 20,
        requests,
        body: (i) => bodies[i % bodies.length] ?? '',
        expect: 200,
      }),
    );
    const eventAt = eventsOf(await world(), hostClock.now() - THREE_DAYS_MS);
    const ingest = await of('ingest', (server) =>
      load({
        server,
        path: '/',
        connections: 50,
        seconds: 60,
        requests: events,
        body: (i) => envelopeOf(eventAt(i), i),
        expect: 204,
      }),
    );
    const request = encodeEvent(trainingRequested, {
      requested_at: rfc3339(hostClock.now()),
      requested_by: 'bench',
      force: true,
      seed: 1,
    });
    const train = await of('train', (server) =>
      load({
        server,
        path: '/',
        connections: 1,
        seconds: 1,
        requests: 1,
        body: () => envelopeOf(request, 0),
        expect: 204,
      }),
    );
    if ((await publishedVersions(directory)).length !== 2) throw new Error('expected that train published a version');
    const stack = await wholeStack(context, seconds);
    const floor = (part: keyof Resident) => ({ name: 'floor: bare node and node:http', values: [bare[part]] });
    const lines = (name: string, measured: Resident): Figure[] => [
      figure({ name: `${name}, now`, unit: 'MiB', better: 'lower', values: [measured.now], baseline: floor('now') }),
      figure({ name: `${name}, most`, unit: 'MiB', better: 'lower', values: [measured.most], baseline: floor('most') }),
    ];
    return {
      figures: [
        ...lines(`score after ${requests.toLocaleString('en-US')} requests`, score),
        ...lines(`ingest after ${events.toLocaleString('en-US')} events`, ingest),
        ...lines('train after one training', train),
        ...lines(`the whole stack after ${seconds} s of traffic`, stack),
      ],
      facts: [
        'VmRSS and VmHWM of the process, worker threads included; one run each',
        `train had ${events / 2} outcomes to learn from; the whole stack is vm up at its defaults: every function, the market, ${TRAFFIC_PER_SECOND} requests a second, world time 600 times as fast, trainings included`,
      ],
    };
  },
};

interface Resident {
  readonly now: number;
  readonly most: number;
}

async function resident(
  script: string,
  env: Readonly<Record<string, string>>,
  work: (server: ServerProcess) => Promise<unknown>,
): Promise<Resident> {
  const server = await startServer(script, { env });
  try {
    await work(server);
    return residentOf(server);
  } finally {
    await server.stop();
  }
}

function residentOf(server: ServerProcess): Resident {
  const measured = server.memory();
  return { now: (measured?.resident ?? Number.NaN) / MIB, most: (measured?.peak ?? Number.NaN) / MIB };
}

async function wholeStack({ directory }: BenchContext, seconds: number): Promise<Resident> {
  const server = await startServer('cli/vm.mjs', {
    args: ['up', '--json', '--dir', `${directory}/stack`, '--port', '0', '--traffic', `${TRAFFIC_PER_SECOND}/s`],
    urlField: 'front_door',
  });
  try {
    await setTimeout(seconds * 1_000);
    return residentOf(server);
  } finally {
    await server.stop();
  }
}
