/** SMOKE_TEST_PRODUCTION.sh as CI runs it: in a process of its own, without a terminal, against a simulated cluster. */
import { spawn, spawnSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { runReport } from '#shared/probes/run.ts';
import { type RunningCluster, startCluster } from '#sim/cluster/index.ts';
import { compiledBefore } from '#test/support/child.ts';
import { clusterSuite } from '#test/support/cluster-suite.ts';
import { runsDear } from '#test/support/dear.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SCRIPT = join(ROOT, 'SMOKE_TEST_PRODUCTION.sh');

let sim: RunningCluster;
let folder: string;
let suite: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aurora-script-'));
  sim = await startCluster({ hostClock, seed: 7, speed: 600 });
  suite = join(folder, 'suite.json');
  await writeFile(suite, clusterSuite(sim));
  await writeFile(join(folder, 'kubeconfig'), sim.kubeconfig);
});
afterAll(async () => {
  await sim.close();
  await rm(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** @param before what starts it, where it is not to start by itself */
async function script(
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
  before: readonly string[] = [],
): Promise<Ended> {
  const [command = SCRIPT, ...rest] = [...before, SCRIPT, ...words];
  const child = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Elsewhere than in the project, as a scheduler of CI may be.
    cwd: folder,
    env: {
      PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
      HOME: folder,
      KUBECONFIG: join(folder, 'kubeconfig'),
      ...compiledBefore(),
      ...env,
    },
  });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, ...said };
}

/** What starts Node, which takes a second of a processor: what `vm smoke` says for it is held in test/cli/smoke.test.ts, in one process. */
const dear = test.skipIf(!runsDear);

const hasShellcheck = spawnSync('shellcheck', ['--version']).status === 0;
const clean = 'shellcheck has nothing against it';
test.skipIf(!hasShellcheck)(hasShellcheck ? clean : `${clean}: not shown, for there is no shellcheck here`, () => {
  const { status, stdout } = spawnSync('shellcheck', [SCRIPT], { encoding: 'utf8' });
  expect(stdout).toBe('');
  expect(status).toBe(0);
});

test('calls neither kubectl nor curl', async () => {
  const text = await readFile(SCRIPT, 'utf8');
  const code = text.replace(/cat <<'TEXT'[\s\S]*?\nTEXT\n/, '').replaceAll(/^\s*#.*$/gm, '');
  expect(code).not.toMatch(/kubectl|curl/);
});

describe('of the cluster', () => {
  test('that is well: a report by category with counts, and 0', async () => {
    const words = [
      '--cluster',
      'vaultmesh-cluster',
      '--namespace=other',
      `--suite=${suite}`,
      '--set',
      'namespace=vaultmesh',
    ];
    const { code, out, err } = await script([...words, '--junit', 'smoke.xml']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const category of ['cluster', 'scaling', 'ingress', 'services', 'metrics', 'observability'])
      expect(out).toMatch(new RegExp(`^${category} \\((\\d+) of \\1\\)$`, 'm'));
    expect(out).toMatch(/\nPASSED: \d+ passed \(suite cluster, \d+\.\d s\)\n$/);
    // No colours: nobody looks at a terminal.
    expect(out).not.toContain('\u001b');
    expect(await readFile(join(folder, 'smoke.xml'), 'utf8')).toContain('failures="0" errors="0"');
  });

  dear('with something that only warns: 1; with something critical: 2', async () => {
    try {
      sim.faults.set(['loki_down']);
      const warned = await script(['--suite', suite, '--json']);
      expect(warned.code).toBe(1);
      expect(runReport.parse(JSON.parse(warned.out)).verdict).toBe('degraded');
      sim.faults.set(['pod_crash_loop']);
      const { code, out } = await script(['--suite', suite]);
      expect(code).toBe(2);
      expect(out).toMatch(/✗ router-pods[^✗]*CrashLoopBackOff[^✗]*->/);
      expect(out).toMatch(/\nFAILED: \d+ passed, 2 failed/);
    } finally {
      sim.faults.set([]);
    }
  });

  dear('without its public names, and without a login', async () => {
    const { code, out } = await script(['--suite', suite, '--skip-ingress', '--skip-auth', '--json'], {
      KUBECONFIG: join(folder, 'none'),
    });
    const categories = new Set(runReport.parse(JSON.parse(out)).results.map(({ category }) => category));
    expect({ code, categories: [...categories].sort() }).toEqual({
      code: 0,
      categories: ['metrics', 'observability', 'services'],
    });
  });
});

describe('could not run', () => {
  const UNABLE = 'SMOKE_TEST_PRODUCTION.sh could not run: ';
  test('without a kubeconfig, which it says where it looked for', async () => {
    const { code, out, err } = await script([], { KUBECONFIG: '/nowhere/a:/nowhere/b' });
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toContain(`${UNABLE}there is no kubeconfig: looked for /nowhere/a /nowhere/b\n    Get one (gcloud`);
    expect(await script(['--kubeconfig', '/nowhere/c'])).toMatchObject({
      code: 3,
      err: expect.stringContaining('looked for /nowhere/c\n'),
    });
  });

  dear('with a cluster that the kubeconfig does not know', async () => {
    const { code, err } = await script(['--suite', suite, '--cluster', 'other']);
    expect(code).toBe(3);
    expect(err).toContain('there is no context for a cluster "other"; known: vaultmesh-cluster');
  });

  const noWayOut = ['unshare', '--user', '--map-root-user', '--net'];
  const [unshare = '', ...rest] = noWayOut;
  const hasUnshare = spawnSync(unshare, [...rest, 'true']).status === 0;
  const unknown = 'without a network nothing is known of production';
  test.skipIf(!hasUnshare || !runsDear)(
    hasUnshare ? unknown : `${unknown}: not shown, for nobody here may have a network of his own`,
    async () => {
      const { code, out, err } = await script(['--skip-auth', '--suite', await withoutNetwork()], {}, noWayOut);
      expect(code).toBe(3);
      expect(out).toMatch(/\nCOULD NOT RUN: 0 passed, 3 could not be looked at/);
      expect(out).toContain('see to that; of the name nothing is known.');
      expect(out).toContain('No way leads from the machine that probes');
      expect(err).toContain('Nothing could be looked at from here');
    },
  );

  /** A name, an address, a certificate: in a network that has nothing. */
  async function withoutNetwork(): Promise<string> {
    const path = join(folder, 'far.json');
    const check = (id: string, kind: string, target: string) => ({ id, kind, target, category: 'far' });
    const suite = {
      suite: 'far',
      period_s: 60,
      deadline_s: 20,
      check_deadline_s: 3,
      confirm: { times: 0, pause_ms: 0 },
      targets: {
        name: { host: 'aurora.example' },
        page: { url: 'http://10.0.0.1', private: true },
        address: { host: '10.0.0.1', private: true },
      },
      checks: [check('name', 'dns', 'name'), check('page', 'http', 'page'), check('shown', 'tls', 'address')],
    };
    await writeFile(path, JSON.stringify(suite));
    return path;
  }

  test.each([
    [['--clustr', 'x'], 'there is no option --clustr'],
    [['--cluster'], '--cluster takes a value'],
    [['--suite', '--json'], '--suite takes a value'],
    [['--cluster='], '--cluster takes a value'],
    [['--json=yes'], 'there is no option yes'],
  ])('%j', async (words, message) => {
    expect(await script(words)).toEqual({ code: 3, out: '', err: `${UNABLE}${message}\n    See --help.\n` });
  });

  test.each<[string, string | null, string]>([
    ['no node', null, 'there is no node on the PATH'],
    ['an old node', 'echo v18.20.1', 'node is v18.20.1, expected v20 or newer'],
    ['a node that is broken', 'exit 127', 'node is of no version that can be read, expected v20 or newer'],
  ])('with %s', async (_, node, message) => {
    const path = await mkdtemp(join(folder, 'path-'));
    for (const tool of ['bash', 'env', 'dirname', 'cat']) await symlink(`/usr/bin/${tool}`, join(path, tool));
    if (node !== null) await writeFile(join(path, 'node'), `#!/bin/sh\n${node}\n`, { mode: 0o755 });
    const { code, err } = await script([], { PATH: path });
    expect({ code, err }).toEqual({ code: 3, err: expect.stringContaining(`${UNABLE}${message}\n    Install`) });
  });

  test('before npm ci, and after half of it', async () => {
    const clone = join(folder, 'clone');
    const copy = join(clone, 'SMOKE_TEST_PRODUCTION.sh');
    await mkdir(join(clone, 'cli'), { recursive: true });
    await cp(SCRIPT, copy);
    await chmod(copy, 0o755);
    const words = ['--suite', suite, '--kubeconfig', join(folder, 'kubeconfig')];
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` };
    const { status, stderr } = spawnSync(copy, words, { encoding: 'utf8', env });
    expect({ status, stderr }).toEqual({
      status: 3,
      stderr: `${UNABLE}${clone}/node_modules is missing or not whole\n    Run: (cd ${clone} && npm ci)\n`,
    });
    // What Node ends with when a module is missing would be read as degraded.
    await mkdir(join(clone, 'node_modules', 'node'), { recursive: true });
    await cp(join(ROOT, 'cli', 'vm.mjs'), join(clone, 'cli', 'vm.mjs'));
    const half = spawnSync(copy, words, { encoding: 'utf8', env });
    expect(half).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('node_modules is not whole. Run: npm ci'),
    });
  });
});

test('its help needs nothing', async () => {
  const { code, out } = await script(['--help'], { KUBECONFIG: '', HOME: '/nowhere' });
  expect(code).toBe(0);
  for (const option of ['--cluster NAME', '--namespace NS', '--skip-ingress', '--skip-auth', '--junit FILE', '--json'])
    expect(out).toContain(option);
});
