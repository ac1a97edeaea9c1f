/** `vm smoke` in this process, against a simulated cluster and against servers of this file. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { runReport } from '#shared/probes/run.ts';
import type { FaultClass, FaultName } from '#sim/cluster/faults/catalogue.ts';
import { type RunningCluster, startCluster } from '#sim/cluster/index.ts';
import { clusterSuite } from '#test/support/cluster-suite.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';
import { run, runJson, temporary } from './run.ts';

let health: 'ok' | 'ill' = 'ok';
const server = createServer((request, response) => {
  response.statusCode = request.url === '/health' && health === 'ill' ? 500 : 200;
  response.end('{"function":"mine"}');
});
let origin: string;
beforeAll(async () => {
  origin = await listenOnLoopback(server);
});
afterAll(() => closeServer(server));
afterEach(() => vi.unstubAllEnvs());

const QUICK = { period_s: 60, deadline_s: 20, confirm: { times: 0, pause_ms: 0 } };

/** A suite of one server, as a file. */
async function small(more: Record<string, unknown> = {}): Promise<string> {
  const path = join(await temporary(), 'suite.yaml');
  const check = (id: string, at: string) => ({ id, kind: 'http', target: 'mine', category: id, path: at });
  const suite = {
    suite: 'mine',
    ...QUICK,
    targets: { mine: { url: origin }, cluster: { kubernetes: { namespace: 'vaultmesh' } } },
    checks: [check('health', '/health'), { ...check('page', '/'), needs: ['health'] }, check('door', '/door')],
    ...more,
  };
  await writeFile(path, JSON.stringify(suite));
  return path;
}
const nobody = async (): Promise<string> => {
  vi.stubEnv('KUBECONFIG', join(await temporary(), 'none'));
  return small({ checks: [{ id: 'nodes', kind: 'nodes', target: 'cluster', category: 'cluster' }] });
};

describe('vm smoke', () => {
  test('says what passed, by category, and exits 0', async () => {
    const { code, out, err } = await run('smoke', '--suite', await small());
    expect(out).toMatch(
      /^health \(1 of 1\)\n {2}✓ health .* ms\n\npage \(1 of 1\)\n.*\n\ndoor .*\n.*\n\nPASSED: 3 passed \(suite mine, 0\.\d s\)\n$/,
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test('tells the same as JSON and as JUnit', async () => {
    health = 'ill';
    try {
      const file = join(await temporary(), 'smoke.xml');
      const { code, value } = await runJson('smoke', '--suite', await small(), '--junit', file);
      expect(code).toBe(2);
      const { verdict, results } = runReport.parse(value);
      expect(verdict).toBe('failed');
      expect(results.map(({ check_id, status }) => `${check_id} ${status}`)).toEqual([
        'health fail',
        'page skipped',
        'door pass',
      ]);
      expect(await readFile(file, 'utf8')).toMatch(
        /tests="3" failures="1" errors="0" skipped="1"[\s\S]*<testcase name="health" classname="mine.health"[\s\S]*<failure message="status: 500/,
      );
    } finally {
      health = 'ok';
    }
  });

  test('cannot write JUnit where there is no folder, and says all the same what it saw', async () => {
    const answer = await run('smoke', '--suite', await small(), '--junit', '/nowhere/at/all.xml');
    expect(answer).toMatchObject({
      code: 64,
      out: expect.stringContaining('PASSED: 3 passed'),
      err: expect.stringContaining('"/nowhere/at/all.xml" cannot be written'),
    });
  });

  test('says beforehand that it may take long', async () => {
    const { err } = await run('smoke', '--suite', await small({ deadline_s: 1_200 }));
    expect(err).toBe('Suite mine may take up to 20 minutes; it says what it saw at its end.\n');
  });

  const ids = ({ results }: { results: readonly { check_id: string }[] }) => results.map(({ check_id }) => check_id);
  test.each<[readonly string[], readonly string[]]>([
    [
      ['--only', 'page'],
      ['health', 'page'],
    ],
    [['--only', 'door'], ['door']],
    [
      ['--skip', 'door'],
      ['health', 'page'],
    ],
    [['--skip', 'health'], ['door']],
  ])('%j looks at %j', async (words, expected) => {
    const { value } = await runJson<{ results: { check_id: string }[] }>('smoke', '--suite', await small(), ...words);
    expect(ids(value)).toEqual(expected);
  });

  test.each<[readonly string[], string]>([
    [['--only', 'heath'], '--only: suite mine has no check "heath"; it has health, page, door'],
    [['--only', ','], '--only takes the ids of checks, parted by commas'],
    [['--skip', 'heath'], '--skip: suite mine has no category "heath"; it has health, page, door'],
    [['--skip', 'health,door'], 'what is to be left out is all that suite mine has: health, page, door'],
    [['--set', 'domain'], '--set takes name=value, got "domain"'],
    [['--set', 'domian=x'], '--set domian: FILE leaves open nothing'],
  ])('%j is wrong usage', async (words, message) => {
    const file = await small();
    const { code, err } = await run('smoke', '--suite', file, ...words);
    expect({ code, err }).toEqual({ code: 64, err: expect.stringContaining(`vm: ${message.replace('FILE', file)}\n`) });
  });

  test.each(['--skip=ingress', '--without-cluster', '--cluster=x', '--namespace=x', '--set=a=b'])(
    '%s is not for the suite of the stack',
    async (word) => {
      const { code, err } = await run('smoke', word);
      expect({ code, err }).toEqual({ code: 64, err: expect.stringContaining('is for suites of a cluster') });
    },
  );

  test('its help tells each option, and the exit codes', async () => {
    const { code, out } = await run('smoke', '--help');
    expect(code).toBe(0);
    for (const said of ['--suite NAME|FILE', '--without-cluster', '--cluster NAME', 'Exit codes: 0 all passed'])
      expect(out).toContain(said);
  });

  test.each<[string, string, RegExp]>([
    ['a suite that is wrong', '{ "suite": "mine" }', /^vm: .*suite\.yaml: period_s: .*\n {4}suite_invalid: Correct/],
    ['no YAML', '{', /^vm: .*suite\.yaml: expected YAML: .*\n {4}suite_invalid: /],
  ])('could not run: %s', async (_, text, message) => {
    const path = await small();
    await writeFile(path, text);
    const { code, err } = await run('smoke', '--suite', path);
    expect({ code, err }).toEqual({ code: 3, err: expect.stringMatching(message) });
  });

  test('could not run: a suite that is not there', async () => {
    const { code, err } = await run('smoke', '--suite', 'prodction');
    expect({ code, err }).toEqual({
      code: 3,
      err: expect.stringContaining(
        'suite "prodction": expected one of production, staging, scaling, loop, local, or a file: ENOENT',
      ),
    });
  });
});

test('vm smoke --watch looks again each period of the suite, until it is stopped; what it saw last is its exit code', async () => {
  const path = await small({
    period_s: 1,
    checks: [{ id: 'health', kind: 'http', target: 'mine', category: 'a', path: '/health' }],
  });
  let looks = 0;
  const stopAtSecond = ({ url }: IncomingMessage): void => {
    if (url !== '/health') return;
    looks += 1;
    if (looks < 2) return;
    health = 'ill';
    process.emit('SIGINT');
  };
  server.prependListener('request', stopAtSecond);
  try {
    const sinceMs = performance.now();
    const { code, out } = await run('smoke', '--suite', path, '--watch');
    expect(out.match(/^[A-Z]+: \d+ passed/gm)).toEqual(['PASSED: 1 passed', 'FAILED: 0 passed']);
    expect(code).toBe(2);
    expect(performance.now() - sinceMs).toBeGreaterThan(950);
  } finally {
    health = 'ok';
    server.off('request', stopAtSecond);
  }
});

test('vm smoke of the stack could not run where there is none', async () => {
  const { code, err } = await run('smoke', '--dir', join(await temporary(), 'none'));
  expect({ code, err }).toEqual({ code: 3, err: expect.stringContaining('no_state') });
});

describe('without a kubeconfig', () => {
  test('nothing is known, and it is said what to do', async () => {
    const { code, out, err } = await run('smoke', '--suite', await nobody());
    expect(code).toBe(3);
    expect(out).toContain('COULD NOT RUN: 0 passed, 1 could not be looked at');
    expect(err).toMatch(/there is no kubeconfig \(looked for .*none\); get one \(gcloud container clusters/);
    expect(err).toContain('Nothing could be looked at from here');
  });

  test('no cluster can be named', async () => {
    const { code, err } = await run('smoke', '--suite', await nobody(), '--cluster', 'vaultmesh-cluster');
    expect({ code, err }).toEqual({ code: 3, err: expect.stringContaining('that could tell of vaultmesh-cluster') });
  });

  test('one that is given must be there', async () => {
    const { code, err } = await run('smoke', '--suite', await nobody(), '--kubeconfig', '/nowhere/config');
    expect({ code, err }).toEqual({ code: 3, err: expect.stringContaining('kubeconfig /nowhere/config: ENOENT') });
  });

  test('what does not look at the cluster is looked at', async () => {
    const path = await nobody();
    await writeFile(
      path,
      (await readFile(path, 'utf8')).replace(
        '"checks":[',
        '"checks":[{"id":"door","kind":"http","target":"mine","category":"services"},{"id":"behind","kind":"http","target":"mine","category":"services","needs":["nodes"]},',
      ),
    );
    const answer = await runJson('smoke', '--suite', path, '--without-cluster');
    expect(answer).toMatchObject({ code: 0, value: { results: [{ check_id: 'door' }] } });
    expect(await runJson('smoke', '--suite', path)).toMatchObject({ code: 1, value: { verdict: 'degraded' } });
  });
});

/** What each class of faults comes to: of each the first that is critical, and where none is, a warning. */
const COMES_TO: Readonly<Record<FaultClass, readonly [FaultName, code: number, ...ids: string[]]>> = {
  'psi-field': ['psi_import_failed', 2, 'psi-field-state'],
  scheduler: ['scheduler_degraded', 2, 'scheduler-anchors', 'scheduler-name'],
  router: ['router_down', 2, 'router-name', 'api-name'],
  analytics: ['analytics_slow', 1, 'analytics-page'],
  ingress: ['ingress_wrong_backend', 2, 'ingress-address', 'router-name'],
  certificate: ['certificate_provisioning', 2, 'certificate'],
  tls: ['tls_expired', 2, 'ingress-tls'],
  pods: ['pod_crash_loop', 2, 'router-pods', 'router-rollout'],
  nodes: ['node_not_ready', 2, 'nodes'],
  rollout: ['rollout_stuck', 2, 'router-rollout'],
  keda: ['scaled_object_paused', 2, 'psi-field-scaler'],
  metrics: ['metrics_missing_series', 2, 'scheduler-metrics'],
  api: ['api_unauthorized', 1, 'cluster'],
  observability: ['loki_down', 1, 'loki-ready'],
  harmless: ['completed_job_pod', 0],
};

describe('a simulated cluster', () => {
  let sim: RunningCluster;
  let words: readonly string[];
  let folder: string;
  beforeAll(async () => {
    // A slow page takes twice as long: more than its limit of two seconds.
    sim = await startCluster({ hostClock, seed: 7, speed: 600, slowMs: 1_100 });
    folder = await mkdtemp(join(tmpdir(), 'aurora-smoke-'));
    const [suite, kubeconfig] = [join(folder, 'suite.json'), join(folder, 'kubeconfig')];
    await writeFile(suite, clusterSuite(sim));
    await writeFile(kubeconfig, sim.kubeconfig);
    words = ['smoke', '--suite', suite, '--kubeconfig', kubeconfig];
  });
  afterAll(async () => {
    await sim.close();
    await rm(folder, { recursive: true });
  });

  afterEach(() => sim.faults.set([]));

  test('that is well', async () => {
    expect(await run(...words)).toMatchObject({ code: 0, err: '' });
  });

  test.each(Object.entries(COMES_TO))('with a fault of class %s', async (_, [fault, code, ...bad]) => {
    sim.faults.set([fault]);
    const { code: got, value } = await runJson(...words);
    const { results } = runReport.parse(value);
    const ids = results.filter(({ status }) => status === 'fail' || status === 'error').map(({ check_id }) => check_id);
    expect({ fault, got, ids: ids.sort() }).toEqual({ fault, got: code, ids: bad.sort() });
  });

  test.each([
    ['production', ['--skip', 'ingress'], ['cluster', 'scaling']],
    ['staging', [], ['cluster', 'scaling']],
  ])('is looked at by the suite %s, with %j', async (suite, more, categories) => {
    const { code, value } = await runJson('smoke', '--suite', suite, ...words.slice(3), ...more);
    const { results } = runReport.parse(value);
    expect(results.filter(({ status }) => status !== 'pass')).toEqual([]);
    expect([...new Set(results.map(({ category }) => category))].sort()).toEqual(categories);
    expect(code).toBe(0);
  });

  test('is named by its context, or as Google calls it', async () => {
    const { clusters, users, contexts } = JSON.parse(sim.kubeconfig);
    const of = (name: string) => ({ ...contexts[0], name });
    const path = join(folder, 'several');
    const write = (...names: string[]) =>
      writeFile(path, JSON.stringify({ clusters, users, contexts: names.map(of), 'current-context': 'none' }));
    const look = (cluster: string) =>
      run(...words.slice(0, 3), '--kubeconfig', path, '--cluster', cluster, '--only=cluster');
    await write('gke_p_us-central1_aurora', 'gke_q_us-central1_aurora', 'gke_p_us-central1_aurora-two', 'mine');
    expect(await look('mine')).toMatchObject({ code: 0 });
    expect(await look('aurora-two')).toMatchObject({ code: 0 });
    expect(await look('gke_q_us-central1_aurora')).toMatchObject({ code: 0 });
    expect(await look('aurora')).toMatchObject({
      code: 3,
      err: expect.stringContaining(
        'a cluster "aurora" is in several contexts, so name one of them: gke_p_us-central1_aurora, gke_q_us-central1_aurora',
      ),
    });
    expect(await look('two')).toMatchObject({
      code: 3,
      err: expect.stringContaining(
        'there is no context for a cluster "two"; known: gke_p_us-central1_aurora, gke_q_us-central1_aurora, gke_p_us-central1_aurora-two, mine',
      ),
    });
  });
});
