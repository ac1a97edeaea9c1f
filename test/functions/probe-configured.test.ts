/** What AURORA_PROBE comes to: suites that are filled in, and the suite of the loop against services that ask who calls, as Cloud Run does. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { configuredProbes } from '#functions/probe/configured.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { parseConfig } from '#shared/config.ts';
import { createPlatform } from '#shared/platform-choice.ts';
import { CHECK_KINDS } from '#shared/probes/checks/index.ts';
import { runSuite } from '#shared/probes/run.ts';
import { parseSuite } from '#shared/probes/suite.ts';
import type { LoopReader } from '#shared/probes/tools.ts';
import { type Cloud, startCloud } from '#test/support/cloud.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';
import { getOf, loopThat, realTools, toolsOf, within } from '#test/support/probe-tools.ts';
import { memoryLog } from '#test/support/runtime.ts';

const SUITES = join(import.meta.dirname, '../../shared/probes/suites');
const FUNCTIONS = ['collect', 'deploy', 'ingest', 'learn', 'promote', 'route', 'score', 'train', 'watch'];

describe('AURORA_PROBE', () => {
  let cloud: Cloud;
  let folder: string;
  beforeAll(async () => {
    cloud = await startCloud();
    folder = await mkdtemp(join(tmpdir(), 'aurora-suites-'));
  });
  afterAll(async () => {
    await cloud.close();
    await rm(folder, { recursive: true });
  });

  async function composed(probe: object, more: Readonly<Record<string, string>> = {}) {
    const config = parseConfig({ ...cloud.environment, ...more, AURORA_PROBE: JSON.stringify(probe) });
    const platform = await createPlatform({ config, hostClock, log: memoryLog(), random: Math.random });
    onTestFinished(() => platform.close());
    const probes = await configuredProbes(platform);
    onTestFinished(async () => probes.close?.());
    return probes;
  }
  const suite = async (id: string, more: object = {}): Promise<string> => {
    const path = join(folder, `${id}.yaml`);
    const check = { id: 'offers', kind: 'offers_age', target: 'loop', category: 'x' };
    const said = {
      suite: id,
      period_s: 60,
      deadline_s: 20,
      targets: { loop: { loop: true } },
      checks: [check],
      ...more,
    };
    await writeFile(path, JSON.stringify(said));
    return path;
  };
  const urls = Object.fromEntries(FUNCTIONS.map((name) => [name, `https://aurora-${name}-1.europe-west1.run.app`]));

  test('names several suites, each of its own period, all filled in with the same', async () => {
    const { suites } = await composed({
      suites: [join(SUITES, 'production.yaml'), join(SUITES, 'loop.yaml'), await suite('hourly', { period_s: 3_600 })],
      variables: urls,
      cluster: { endpoint: 'gke-1.gke.goog' },
    });
    expect(suites.map(({ id, periodMs }) => [id, periodMs])).toEqual([
      ['production', 300_000],
      ['loop', 300_000],
      ['hourly', 3_600_000],
    ]);
  });

  test('looks as the account of the function: ID tokens, and how many dead letters there are', async () => {
    const asked: string[] = [];
    const google = createServer(({ url = '', headers }, response) => {
      const { pathname, searchParams } = new URL(url, 'http://x');
      asked.push(`${pathname.split('/').at(-1)} ${searchParams.get('audience') ?? headers.authorization ?? ''}`.trim());
      const claims = Buffer.from(JSON.stringify({ exp: hostClock.now() / 1_000 + 3_600 })).toString('base64url');
      if (pathname.endsWith('/identity')) response.end(`e30.${claims}.sig`);
      else if (pathname.endsWith('/token'))
        response.end(JSON.stringify({ access_token: 'a-token', expires_in: 3_600 }));
      else response.writeHead(403).end();
    });
    onTestFinished(() => closeServer(google));
    const at = await listenOnLoopback(google);
    const more = {
      AURORA_METADATA_ENDPOINT: at,
      AURORA_MONITORING_ENDPOINT: at,
      AURORA_AUDIENCE: 'https://aurora-probe.example',
      AURORA_CALLERS: 'clock@p.example',
    };
    const probes = await composed({ suites: [await suite('mine')] }, more);
    const { http, loop } = probes.tools();
    expect(await http(getOf('https://127.0.0.1:1/', { idToken: true }), within(5_000))).toMatchObject({
      reason: 'refused',
    });
    await expect(loop?.deadLetters(within(5_000))).rejects.toMatchObject({
      message: expect.stringContaining('HTTP 403; it takes the permission monitoring.timeSeries.list'),
    });
    expect(asked).toEqual(['identity https://127.0.0.1:1', 'token', 'timeSeries Bearer a-token']);
  });

  test('a suite twice', async () => {
    const files = [await suite('same'), await suite('same')];
    await expect(composed({ suites: files })).rejects.toMatchObject({
      code: 'config_invalid',
      message: 'AURORA_PROBE: suites: expected each once, got two of the id same',
    });
  });

  test('a variable that no suite asks for', async () => {
    const file = await suite('mine', { targets: { loop: { loop: true }, r: { url: `\${route}` } } });
    const variables = { route: 'https://r.example', rute: 'https://r.example' };
    await expect(composed({ suites: [file], variables })).rejects.toMatchObject({
      code: 'config_invalid',
      message: 'AURORA_PROBE: variables.rute: none of the suites asks for it',
    });
  });

  test('a variable that one asks for and nobody gives', async () => {
    const { watch: _, ...rest } = urls;
    await expect(composed({ suites: [join(SUITES, 'loop.yaml')], variables: rest })).rejects.toMatchObject({
      code: 'suite_invalid',
      message: expect.stringMatching(
        /loop\.yaml: targets\.watch: \$\{watch\} is not known here; known: namespace, collect, /,
      ),
    });
  });

  test('a token that would be sent for all to read, or to this machine', async () => {
    for (const route of ['http://route.example', 'http://127.0.0.1:8080'])
      await expect(
        composed({ suites: [join(SUITES, 'loop.yaml')], variables: { ...urls, route } }),
      ).rejects.toMatchObject({
        code: 'suite_invalid',
        message: expect.stringContaining('targets.route: expected a URL of https for id_token'),
      });
  });

  test('a file that is not there', async () => {
    await expect(composed({ suites: ['/none.yaml'] })).rejects.toMatchObject({
      code: 'file_unreadable',
      message: 'AURORA_PROBE: suite /none.yaml: ENOENT',
    });
  });
});

const SCORES = {
  model: { version: 'v7', stage: 'online', age_s: 3_600 },
  mode: 'online',
  fault: null,
  data_age_s: 30,
  recommendations: [{ provider: 'akash' }],
};
const tokenFor = (audience: string): string => `e30.${Buffer.from(audience).toString('base64url')}.sig`;

/** A service behind Cloud Run: whoever shows no token that is made out for it gets no further. */
interface Service {
  readonly url: string;
  readonly refused: () => number;
}
interface Manners {
  readonly ready?: boolean;
  readonly scores?: object;
  readonly function?: string;
}

async function serve(
  name: string,
  { ready = true, scores = SCORES, function: calls = name }: Manners,
): Promise<Service> {
  let [url, refused] = ['', 0];
  const server = createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${tokenFor(url)}`) {
      refused += 1;
      response.writeHead(403, { 'content-type': 'text/html' }).end('<html>Your client does not have permission</html>');
      return;
    }
    const answers: Readonly<Record<string, readonly [status: number, body: string]>> = {
      'GET /health': [200, JSON.stringify({ status: 'ok', function: calls })],
      'GET /ready': [ready ? 200 : 503, JSON.stringify({ ready, waiting_for: [] })],
      'GET /metrics': [200, 'aurora_active_deployments 3\naurora_provider_health{provider="vast"} 1\n'],
      'POST /agent/route': [200, JSON.stringify(scores)],
    };
    const [status, body] = answers[`${request.method} ${request.url}`] ?? [404, '{}'];
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  onTestFinished(() => closeServer(server));
  url = await listenOnLoopback(server);
  return { url, refused: () => refused };
}

interface Scene {
  readonly manners?: Readonly<Record<string, Manners>>;
  readonly loop?: Partial<LoopReader>;
  readonly identity?: ((audience: string) => Promise<string>) | null;
}

/** A run of the suite of the loop as it is, on this machine, looked at once. */
async function run({ manners = {}, loop = {}, identity = async (audience) => tokenFor(audience) }: Scene = {}) {
  const services = new Map<string, Service>();
  for (const name of FUNCTIONS) services.set(name, await serve(name, manners[name] ?? {}));
  const variables = Object.fromEntries([...services].map(([name, { url }]) => [name, url]));
  const text = (await readFile(join(SUITES, 'loop.yaml'), 'utf8')).replaceAll(/times: \d/g, 'times: 0');
  const suite = parseSuite(text, 'loop.yaml', { kinds: CHECK_KINDS, variables, loopback: true });
  const tools = toolsOf(hostClock, {
    ...realTools({}, [], hostClock, undefined, identity),
    stopwatchMs: () => performance.now(),
    loop: loopThat({
      publishCanary: async () => undefined,
      hasCanary: async () => true,
      deadLetters: async () => ({ count: 0, lookedAt: 'a bus', ageMs: 60_000, fullest: null }),
      championAgeMs: async () => null,
      offersAgeMs: async () => 30_000,
      ...loop,
    }),
  });
  const { signal } = new AbortController();
  const report = await runSuite({ suite, tools, runId: 'r', signal, only: null });
  const refused = [...services.values()].reduce((sum, service) => sum + service.refused(), 0);
  const not = report.results.filter(({ status }) => status !== 'pass');
  return { report, refused, bad: Object.fromEntries(not.map(({ check_id, status }) => [check_id, status])) };
}

describe('the suite of the loop', () => {
  test('passes where all is well, and is refused by nobody', async () => {
    const { report, refused, bad } = await run();
    expect(bad).toEqual({});
    expect({ verdict: report.verdict, refused }).toEqual({ verdict: 'passed', refused: 0 });
    const looked = new Set(report.results.map(({ kind }) => kind));
    for (const kind of [
      'http',
      'metrics',
      'canary_decision',
      'canary_score',
      'dead_letters',
      'champion_age',
      'offers_age',
    ])
      expect(looked).toContain(kind);
    // Health and readiness of each that it may ask.
    for (const name of FUNCTIONS)
      expect(report.results.map(({ check_id }) => check_id)).toEqual(
        expect.arrayContaining([`${name}-health`, `${name}-ready`]),
      );
  });

  test('without an identity says of no service that it is down', async () => {
    const { report, refused, bad } = await run({ identity: null });
    expect(refused).toBe(0);
    for (const name of FUNCTIONS) expect(bad[`${name}-health`]).toBe('error');
    expect(Object.values(bad)).not.toContain('fail');
    expect(report.verdict).toBe('degraded');
  });

  test('with a token for another is refused', async () => {
    const { bad } = await run({ identity: async () => tokenFor('https://elsewhere.example') });
    for (const name of FUNCTIONS) expect(bad[`${name}-health`]).toBe('fail');
  });

  test.each<[string, Scene, Readonly<Record<string, string>>]>([
    [
      'another service answers',
      { manners: { watch: { function: 'collect' } } },
      { 'watch-health': 'fail', 'watch-ready': 'skipped' },
    ],
    ['score has no offers yet', { manners: { score: { ready: false } } }, { 'score-ready': 'fail', scores: 'skipped' }],
    [
      'the model is an old one',
      { manners: { score: { scores: { ...SCORES, model: { ...SCORES.model, age_s: 9e5 } } } } },
      { scores: 'fail' },
    ],
    ['no model is served', { manners: { score: { scores: { ...SCORES, model: null } } } }, { scores: 'fail' }],
    [
      'dead letters wait',
      { loop: { deadLetters: async () => ({ count: 1, lookedAt: 'x', ageMs: 0, fullest: 'x' }) } },
      { 'dead-letters': 'fail' },
    ],
    ['the champion is an old one', { loop: { championAgeMs: async () => 7e8 } }, { 'champion-age': 'fail' }],
    ['offers are old', { loop: { offersAgeMs: async () => 9.1e5 } }, { 'offers-age': 'fail' }],
  ])('%s', async (_, scene, expected) => {
    expect((await run(scene)).bad).toEqual(expected);
  });
});
