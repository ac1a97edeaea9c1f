import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BenchCase, figure } from '../bench-case.ts';
import { publishWorld } from '../fixtures/world.ts';
import { alternate } from '../rounds.ts';
import { startServer } from '../server-process.ts';
import { untilReady } from '../until-ready.ts';

const AIM_MS = 350;
/** What scoring must never load. */
const FORBIDDEN = /@tensorflow|@duckdb|@google-cloud|undici/;

export const coldStart: BenchCase = {
  name: 'cold-start',
  title: 'Cold start: process to first 200 on /ready',
  async run({ quick, directory, hostClock, world }) {
    await publishWorld(directory, await world(), hostClock);
    const rounds = quick ? 1 : 9;
    const cache = join(directory, 'compile-cache');
    const start =
      (target: string, env: Readonly<Record<string, string>> = {}) =>
      (): Promise<number> =>
        untilReady('functions/serve.ts', { FUNCTION_TARGET: target, PORT: '0', AURORA_DIR: directory, ...env });
    const cached = { NODE_COMPILE_CACHE: cache };
    const framework = { AURORA_HOST: 'functions-framework' };
    const times = await alternate(
      rounds,
      {
        bare: () => untilReady('test/bench/children/bare-server.mjs', {}),
        score: start('score'),
        scoreCached: start('score', cached),
        scoreFramework: start('score', { ...framework, ...cached }),
        ingest: start('ingest'),
        ingestCached: start('ingest', cached),
      },
      { warmUp: !quick },
    );
    const loaded = await modulesOf(directory);
    const line = (name: string, values: readonly number[], aim?: number) =>
      figure({
        name,
        unit: 'ms',
        better: 'lower',
        values,
        baseline: { name: 'floor: bare node and node:http', values: times.bare },
        ...(aim === undefined ? {} : { aim, tried: TRIED }),
      });
    return {
      figures: [
        line('score', times.score, AIM_MS),
        line('score, warm compile cache', times.scoreCached, AIM_MS),
        line('score on functions-framework, warm compile cache', times.scoreFramework),
        line('ingest', times.ingest, AIM_MS),
        line('ingest, warm compile cache', times.ingestCached, AIM_MS),
      ],
      facts: [
        `score loads ${loaded.total} modules and none of tfjs, DuckDB, undici or a Google client: ${loaded.byPackage.map(([name, count]) => `${name} ${count}`).join(', ')}`,
        "score is ready with a verified model and offers; TypeScript runs unbundled, its types stripped at load; the warm cache is Node's own (NODE_COMPILE_CACHE), which a container image can hold",
      ],
    };
  },
};

const TRIED =
  'Ports open on first use and each function is imported alone, so score loads no SDK. What is left is Node itself, stripping types file by file, and zod, pino and prom-client; a warm NODE_COMPILE_CACHE saves the stripping and compiling.';

async function modulesOf(directory: string): Promise<{ total: number; byPackage: [string, number][] }> {
  const file = join(directory, 'modules.json');
  const preload = fileURLToPath(new URL('../children/count-modules.ts', import.meta.url));
  const server = await startServer('functions/serve.ts', {
    env: { FUNCTION_TARGET: 'score', PORT: '0', AURORA_DIR: directory, BENCH_MODULES: file },
    nodeArgs: ['--import', preload],
  });
  await server.stop();
  const urls = JSON.parse(await readFile(file, 'utf8')) as string[];
  const forbidden = urls.find((url) => FORBIDDEN.test(url));
  if (forbidden !== undefined) throw new Error(`score loads ${forbidden}`);
  const counts = new Map<string, number>();
  for (const url of urls.filter((known) => known.startsWith('file:'))) {
    const name = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? 'own files';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const byPackage = [...counts].sort(([, a], [, b]) => b - a);
  return { total: byPackage.reduce((sum, [, count]) => sum + count, 0), byPackage };
}
