/**
 * Fills the compile cache of the image: starts each function once, asks it whether it is ready, and lets it end, which is when Node
 * writes what it compiled. Run it as the user and with the Node that will start them: Node keeps a cache for each version, kind of
 * CPU and user. Google is a stand-in on this machine, whose stores are empty; there is an account at every provider, and no
 * provider. Exit code 1 when a function does not start.
 *   node warm.mjs
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { PROVIDER_NAMES } from '#shared/config.ts';

const here = import.meta.dirname;

/** An empty bucket that takes what is written, and no dataset. */
const google = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://google');
  const body = await text(request);
  const answer = (status: number, json: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
  };
  if (request.method === 'POST' && pathname.startsWith('/upload/')) {
    // Multipart: the resource, then the bytes. What was written is what was sent.
    const sent = JSON.parse(/\{.*\}/.exec(body)?.[0] ?? '{}') as object;
    answer(200, { ...sent, name: searchParams.get('name'), size: '0', generation: '1', metageneration: '1' });
  } else if (request.method === 'GET' && pathname.endsWith('/o')) {
    answer(200, { kind: 'storage#objects', items: [] });
  } else {
    answer(404, { error: { code: 404, message: 'none', errors: [{ message: 'none' }] } });
  }
});

/** So that every adapter is loaded. */
const accounts = (origin: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    PROVIDER_NAMES.flatMap((name) => [
      [`AURORA_PROVIDER_${name.toUpperCase()}_URL`, origin],
      [`AURORA_PROVIDER_${name.toUpperCase()}_KEY`, 'warming:warming'],
    ]),
  );

async function warm(name: string, endpoint: string): Promise<void> {
  const child = spawn(process.execPath, [join(here, 'start.mjs')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      NODE_ENV: 'production',
      FUNCTION_TARGET: name,
      PORT: '0',
      AURORA_PLATFORM: 'gcp',
      AURORA_PROJECT: 'warming',
      AURORA_BUCKET: 'warming',
      AURORA_DATASET: 'warming',
      AURORA_LOCATION: 'EU',
      AURORA_STORAGE_ENDPOINT: endpoint,
      AURORA_BIGQUERY_ENDPOINT: endpoint,
      AURORA_METADATA_ENDPOINT: endpoint,
      AURORA_PUBSUB_ENDPOINT: '127.0.0.1:1',
      AURORA_AUDIENCE: endpoint,
      AURORA_CALLERS: 'warming@example.com',
      AURORA_PROBE: JSON.stringify({ suites: [join(here, 'suites', 'production.yaml')] }),
      ...accounts(endpoint),
    },
  });
  const ended = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /"url":"([^"]+)".*"message":"serves"/.exec(line)?.[1];
    if (url === undefined) continue;
    await (await fetch(`${url}/ready`)).arrayBuffer();
    child.kill('SIGTERM');
  }
  const [code] = await ended;
  if (code !== 0) throw new Error(`${name} ended with ${code}`);
}

google.listen(0, '127.0.0.1');
await once(google, 'listening');
const endpoint = `http://127.0.0.1:${(google.address() as AddressInfo).port}`;
for (const name of readdirSync(join(here, 'functions')).sort()) await warm(name, endpoint);
google.closeAllConnections();
google.close();
// Node writes them for their owner alone; in the image they belong to another.
for (const entry of readdirSync(join(here, 'cache'), { recursive: true, withFileTypes: true }))
  if (entry.isFile()) chmodSync(join(entry.parentPath, entry.name), 0o444);
