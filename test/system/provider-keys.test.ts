/** Functions that hold keys, each alone in its process, at providers that refuse them in words that repeat the key. */
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { PROVIDER_NAMES, parseConfig } from '#shared/config.ts';
import { deploymentKey } from '#shared/domain/deployment.ts';
import { deploymentRequested } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { createPlatform } from '#shared/platform-choice.ts';
import { compiledBefore, startChild } from '#test/support/child.ts';
import { EVENT_SAMPLES } from '#test/support/events.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';
import { memoryLog } from '#test/support/runtime.ts';

const SERVE = join(import.meta.dirname, '..', '..', 'functions', 'serve.ts');

/** Two in one, as one of the marketplaces has them; each half is a secret. */
const HALVES = PROVIDER_NAMES.map((name) => [`${name}-public-0123456789`, `${name}-secret-0123456789`] as const);
const SECRETS = HALVES.flat();

/** Headers with a key in them, as they came over the wire. */
let sent: string[];
let origin: string;
beforeEach(async () => {
  sent = [];
  const echo = createServer((request, response) => {
    const words = Object.values(request.headers).filter((value) => SECRETS.some((secret) => value?.includes(secret)));
    sent.push(...words.flat().map(String));
    response.writeHead(401, { 'content-type': 'application/json', 'x-echo': words.flat().map(String) });
    response.end(JSON.stringify({ success: false, error: 'auth_error', msg: `${words}`, message: `${words}` }));
  });
  origin = await listenOnLoopback(echo);
  onTestFinished(() => closeServer(echo));
});

const REQUEST = { ...EVENT_SAMPLES['deployment-requested'], requested_at: rfc3339(hostClock.now()), fallbacks: [] };
const ID = 'd'.repeat(32);

/** What a tenant may have the log of. */
async function deployedBefore(directory: string): Promise<void> {
  const config = parseConfig({ AURORA_DIR: directory });
  const platform = await createPlatform({ config, hostClock, log: memoryLog(), random: Math.random });
  await (await platform.state()).create(deploymentKey(ID), {
    state: 'live',
    attempt: 0,
    request: REQUEST,
    instance_id: '1',
    claimed_at: REQUEST.requested_at,
    ready_published: false,
  });
  await platform.close();
}

function pushed(): unknown {
  const { data, attributes } = encodeEvent(deploymentRequested, REQUEST);
  return { message: { data: Buffer.from(data).toString('base64'), attributes, messageId: '1' } };
}

test.each<[name: string, path: string, body: unknown]>([
  ['collect', '/run', {}],
  ['watch', '/run', {}],
  ['deploy', '/', pushed()],
  ['route', `/deployments/${ID}/logs`, null],
])('%s tells no key: in no answer, line, metric or file', async (name, path, body) => {
  const directory = await mkdtemp(join(tmpdir(), 'aurora-keys-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await deployedBefore(directory);
  const accounts = PROVIDER_NAMES.flatMap((provider, i) => [
    [`AURORA_PROVIDER_${provider.toUpperCase()}_URL`, origin],
    [`AURORA_PROVIDER_${provider.toUpperCase()}_KEY`, HALVES[i]?.join(':')],
  ]);
  const { child, line, lines, problems } = startChild(SERVE, [], {
    ...compiledBefore(),
    ...{ FUNCTION_TARGET: name, PORT: '0', AURORA_DIR: directory, AURORA_LOG_LEVEL: 'debug' },
    ...Object.fromEntries(accounts),
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [, url = ''] = await line(/"url":"([^"]+)".*"message":"serves"/);
  const asked = body === null ? {} : { method: 'POST', body: JSON.stringify(body) };
  const answers = [await (await fetch(`${url}${path}`, asked)).text()];
  for (const page of ['/health', '/ready', '/metrics']) answers.push(await (await fetch(`${url}${page}`)).text());
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([0, null]);
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  const written = await Promise.all(
    files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), 'latin1')),
  );
  const said = [...answers, ...lines(), problems(), ...written].join('\n');
  expect(SECRETS.filter((secret) => said.includes(secret))).toEqual([]);
  // It had been sent, and came back in so many words.
  expect(sent.join('\n')).toContain('vast-secret-0123456789');
  expect(said.includes('[key]')).toBe(true);
});
