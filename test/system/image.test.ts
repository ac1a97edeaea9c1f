/**
 * The image as Docker would make it, without Docker: the Dockerfile is followed step by step in folders (test/support/dockerfile.ts),
 * and each function is started from what comes out, as Cloud Run would.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { DEPLOYED } from '#cli/dev/bundle.ts';
import { ask } from '#cli/dev/deploy/ask.ts';
import { PROBES } from '#cli/dev/deploy/services.ts';
import type { Sbom } from '#cli/dev/image/sbom.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { PROVIDER_NAMES } from '#shared/config.ts';
import { trainInWorker } from '#shared/learning/train/in-worker.ts';
import { ACCOUNT } from '#test/support/account.ts';
import { startChild } from '#test/support/child.ts';
import { type Cloud, startCloud } from '#test/support/cloud.ts';
import { runsDear } from '#test/support/dear.ts';
import { type Followed, followDockerfile, makeReadOnly, type Owner } from '#test/support/dockerfile.ts';
import { TOY_CONFIG, TOY_SET, TOY_TIMES, toyExamples } from '#test/support/learning.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Somebody else, where this process may become that and they may run its Node. */
function somebodyElse(): Owner | null {
  const owner = { uid: 65_534, gid: 65_534 };
  return process.getuid?.() === 0 && spawnSync(process.execPath, ['--version'], owner).status === 0 ? owner : null;
}

let directory: string;
let image: Followed;
let node: Owner | null;
let makeWritable: () => Promise<void>;
let cloud: Cloud;
beforeAll(async () => {
  // A TMPDIR may be for its owner alone.
  directory = await mkdtemp(join(process.getuid?.() === 0 ? '/tmp' : tmpdir(), 'aurora-image-'));
  await chmod(directory, 0o755);
  node = somebodyElse();
  cloud = await startCloud();
  image = await followDockerfile({ root: ROOT, directory, node });
  makeWritable = await makeReadOnly(image.workdir);
}, 180_000);
afterAll(async () => {
  await cloud.close();
  await makeWritable();
  await rm(directory, { recursive: true });
});

/** As terraform/aurora/topology.tf has it. */
const HOLD_KEYS = ['collect', 'deploy', 'route', 'watch'];

function start(name: string, environment: Readonly<Record<string, string>> = {}) {
  const [program, script = ''] = image.entrypoint;
  expect(program).toBe('node');
  const started = startChild(
    join(image.workdir, script),
    [],
    {
      ...image.env,
      K_SERVICE: `aurora-${name}`,
      PORT: '0',
      FUNCTION_TARGET: name,
      ...cloud.environment,
      ...(HOLD_KEYS.includes(name) ? ACCOUNT : {}),
      ...(name === 'probe' ? { AURORA_PROBE: JSON.stringify({ suites: ['suites/production.yaml'] }) } : {}),
      ...environment,
    },
    { cwd: image.workdir, ...node },
  );
  onTestFinished(() => void started.child.kill('SIGKILL'));
  return started;
}

const { version: zodVersion } = JSON.parse(readFileSync(join(ROOT, 'node_modules/zod/package.json'), 'utf8')) as {
  version: string;
};

const serves = /"url":"([^"]+)".*"message":"serves"/;

async function urlOf({ line }: ReturnType<typeof start>): Promise<string> {
  const [, url = ''] = await line(serves);
  return url;
}

describe.skipIf(!runsDear)('the image', () => {
  test.each(DEPLOYED)('serves %s, which answers as a release expects, and drains', async (name) => {
    const started = start(name);
    const ended = once(started.child, 'close');
    const url = await urlOf(started);
    // Requests of Cloud Run come from outside of the container; that address of the loopback interface is not 127.0.0.1.
    expect(url).toMatch(/^http:\/\/0\.0\.0\.0:\d+$/);
    const outside = process.platform === 'linux' ? url.replace('0.0.0.0', '127.0.0.2') : url;
    await ask({
      ...{ name, url: outside, serviceUrl: outside, token: null, probe: PROBES[name] },
      ...{ tries: 1, pauseMs: 0, sleep: () => Promise.resolve() },
    });
    started.child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(started.lines().join('\n')).not.toContain('compile cache');
    expect(started.problems()).toBe('');
  });

  /** Files of a function that serves. */
  async function loadedBy(name: string, environment: Readonly<Record<string, string>> = {}): Promise<string[]> {
    const started = start(name, { NODE_DEBUG_NATIVE: 'COMPILE_CACHE', ...environment });
    const ended = once(started.child, 'close');
    await urlOf(started);
    started.child.kill('SIGTERM');
    await ended;
    const said = started.problems() + started.lines().join('\n');
    expect(said.match(/was rejected|was not initialized, initializing/g)).toBeNull();
    const accepted = [...said.matchAll(/V8 code cache for ESM (file:\S+) was accepted/g)].map(([, url = '']) => url);
    expect(accepted.length).toBeGreaterThan(10);
    return accepted.map((url) => fileURLToPath(url));
  }

  test('finds every module compiled, and score loads no client library', async () => {
    for (const file of await loadedBy('score'))
      expect(await readFile(file, 'utf8'), file).not.toMatch(/@google-cloud\/|@tensorflow\/|\bundici:/);
  });

  // A part has the name of the folder that is asked for.
  test.each<[string, readonly string[]]>([
    ['score', []],
    ['route', []],
    ['watch', ['vast']],
  ])('has %s load, of the adapters, %j', async (name, adapters) => {
    const parts = (await loadedBy(name, ACCOUNT)).map((file) => basename(file).replace(/-\w+\.mjs$/, ''));
    expect(parts.filter((part) => PROVIDER_NAMES.some((provider) => provider === part))).toEqual(adapters);
  });

  test('says so when what was compiled is not for it', async () => {
    const caches = join(image.workdir, 'cache');
    const [only = ''] = await readdir(caches);
    // By Node's version, the kind of CPU, and the user.
    expect(only).toMatch(/^v24\./);
    expect(await readdir(join(caches, only))).not.toEqual([]);
    const other = somebodyElse() === null ? null : { uid: 65_533, gid: 65_533 };
    if (other === null) return;
    const [kept, notices] = [node, [] as string[]];
    node = other;
    try {
      const started = start('score');
      await urlOf(started);
      notices.push(...started.lines().filter((line) => line.includes('compile cache')));
    } finally {
      node = kept;
    }
    expect(notices.map((line) => JSON.parse(line) as unknown)).toEqual([
      { severity: 'NOTICE', message: expect.stringContaining('this start is slower') },
    ]);
  });

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['without its bucket', { AURORA_BUCKET: '' }, 'AURORA_BUCKET'],
    ['on the embedded platform', { AURORA_PLATFORM: 'embedded' }, 'this bundle holds the cloud alone'],
    [
      'as a function that it has not',
      { FUNCTION_TARGET: 'dashboard' },
      `"dashboard": expected one of ${[...DEPLOYED].sort().join(', ')}`,
    ],
    ['as no function', { FUNCTION_TARGET: '' }, '"": expected one of'],
  ])('%s ends at once, and says what is wrong', async (_, environment, words) => {
    const { child, problems } = start('score', environment);
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(JSON.parse(problems())).toMatchObject({
      error: { code: 'config_invalid', message: expect.stringContaining(words) },
    });
  });

  test('runs as a user to whom nothing in it belongs', () => {
    expect(image.user).toBe('node');
  });

  test('trains: the worker of train finds what stays outside of its bundle', async () => {
    const request = {
      examples: toyExamples({ rows: 400, seed: 11 }),
      config: TOY_CONFIG,
      featureSet: TOY_SET,
      ...TOY_TIMES,
    };
    const workerUrl = pathToFileURL(join(image.workdir, 'functions/train/train-worker.mjs'));
    const { manifest } = await trainInWorker(request, { clock: hostClock, workerUrl });
    expect(manifest.training.backend).toBe('wasm');
  });

  test('says whose code it holds, in the bundles and beside them', async () => {
    const { components } = JSON.parse(await readFile(join(image.workdir, 'sbom.cdx.json'), 'utf8')) as Sbom;
    const names = components.map(({ name }) => name);
    for (const name of ['zod', '@google-cloud/pubsub', 'express', '@tensorflow/tfjs-core'])
      expect(names).toContain(name);
    expect(names.filter((name) => /duckdb|vitest|esbuild|^@types/.test(name))).toEqual([]);
    expect(components.find(({ name }) => name === 'zod')).toEqual({
      type: 'library',
      name: 'zod',
      version: zodVersion,
      purl: `pkg:npm/zod@${zodVersion}`,
      licenses: [{ expression: 'MIT' }],
    });
  });

  test('holds nothing of the embedded platform, or of what only tools read', async () => {
    const files = await readdir(image.workdir, { recursive: true });
    expect(files.filter((file) => /@duckdb|\.map$|\.d\.ts$/.test(file))).toEqual([]);
    for (const file of files)
      if (file.startsWith('functions/') && file.endsWith('.mjs'))
        expect(await readFile(join(image.workdir, file), 'utf8'), file).not.toContain('@duckdb/');
    expect(new Set(files.map((file) => file.split('/')[0]))).toEqual(
      new Set([
        'LICENSE',
        'cache',
        'functions',
        'node_modules',
        'package.json',
        'sbom.cdx.json',
        'start.mjs',
        'suites',
        'warm.mjs',
      ]),
    );
    expect((await readdir(join(image.workdir, 'functions'))).map((name) => basename(name)).sort()).toEqual(
      [...DEPLOYED].sort(),
    );
  });
});
