/** Each function as it is deployed: its bundle, in a process of its own, in an environment like Cloud Run's. */
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bundle, bundle, DEPLOYED } from '#cli/dev/bundle.ts';
import { type BigqueryFake, startBigqueryFake } from '#test/support/bigquery/server.ts';
import { startChild } from '#test/support/child.ts';
import { cloudEnvironment } from '#test/support/cloud-environment.ts';
import { type GcsFake, startGcsFake } from '#test/support/gcs/server.ts';

/** Below node_modules, so that what stays out of the bundles is found as in the image. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));

let directory: string;
let storage: GcsFake;
let bigquery: BigqueryFake;
const bundles = new Map<string, Bundle>();
beforeAll(async () => {
  await mkdir(CACHE, { recursive: true });
  directory = await mkdtemp(join(CACHE, 'aurora-bundles-'));
  [storage, bigquery] = await Promise.all([startGcsFake(), startBigqueryFake()]);
  for (const name of DEPLOYED) bundles.set(name, await bundle(name, directory));
});
afterAll(async () => {
  await Promise.all([storage.close(), bigquery.close()]);
  await rm(directory, { recursive: true });
});

const start = (name: string, environment: Readonly<Record<string, string>> = {}) =>
  startChild(join(directory, name, 'index.mjs'), [], {
    PATH: process.env['PATH'] ?? '',
    NODE_ENV: 'production',
    K_SERVICE: `aurora-${name}`,
    PORT: '0',
    FUNCTION_TARGET: name,
    ...cloudEnvironment({ storage: storage.endpoint, bigquery: bigquery.endpoint, pubsub: '127.0.0.1:1' }),
    ...environment,
  });

const serves = /"url":"([^"]+)".*"message":"serves"/;

describe('a bundle', () => {
  test.each(DEPLOYED)('of %s serves, says whether it is ready, and drains', async (name) => {
    const { child, line } = start(name);
    const ended = once(child, 'close');
    const [, url] = await line(serves);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    const ready = await fetch(`${url}/ready`);
    expect(await ready.json()).toMatchObject({ ready: ready.status === 200 });
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  test('of a function holds nothing of the embedded platform', async () => {
    for (const { directory: at } of bundles.values())
      for (const file of await readdir(at, { recursive: true }))
        if (file.endsWith('.mjs')) expect(await readFile(join(at, file), 'utf8'), file).not.toContain('@duckdb/');
  });

  test('of score parses no client library before it is asked to write, which is never', () => {
    const inputs = bundles.get('score')?.entryInputs ?? [];
    expect(inputs.length).toBeGreaterThan(50);
    expect(inputs.filter((file) => file.includes('@google-cloud') || file.includes('@tensorflow'))).toEqual([]);
  });

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['without its bucket', { AURORA_BUCKET: '' }, 'AURORA_BUCKET'],
    ['on the embedded platform', { AURORA_PLATFORM: 'embedded' }, 'this bundle holds the cloud alone'],
    ['as another function', { FUNCTION_TARGET: 'watch' }, 'expected one of score'],
  ])('%s ends at once, and says what is wrong', async (_, environment, words) => {
    const { child, problems } = start('score', environment);
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(JSON.parse(problems())).toMatchObject({
      error: { code: 'config_invalid', message: expect.stringContaining(words) },
    });
  });
});
