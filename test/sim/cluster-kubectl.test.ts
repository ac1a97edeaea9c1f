import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { type RunningCluster, startCluster } from '#sim/cluster/index.ts';
import { runsDear } from '#test/support/dear.ts';

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly problems: string;
}

function run(file: string, args: readonly string[], home: string): Promise<Ran> {
  // Of this process's environment only the way to programs: no proxy, no cluster of whoever runs the tests.
  const env = { PATH: process.env['PATH'], HOME: home };
  return new Promise((resolve, reject) => {
    execFile(file, [...args], { env, timeout: 30_000 }, (error, out, problems) => {
      const code = error === null ? 0 : error.code;
      if (typeof code === 'number') resolve({ status: code, out, problems });
      else reject(error);
    });
  });
}

const isInstalled = (): Promise<boolean> =>
  run('kubectl', ['version', '--client'], tmpdir()).then(
    ({ status }) => status === 0,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
// What it asks for and prints is held without it in cluster-{api,tables,watches}.test.ts.
const skipped = !runsDear ? ' (dear)' : (await isInstalled()) ? '' : ' (skipped: it is not on PATH)';

describe.skipIf(skipped !== '')(`the real kubectl${skipped}`, () => {
  let home: string;
  let config: string;
  let cluster: RunningCluster;
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'kubectl-'));
    config = join(home, 'config');
    cluster = await startCluster({ hostClock, seed: 7 });
    writeFileSync(config, cluster.kubeconfig);
  });
  afterAll(async () => {
    await cluster.close();
    rmSync(home, { recursive: true });
  });

  const kubectl = async (...args: readonly string[]): Promise<readonly string[]> => {
    const { status, out, problems } = await run('kubectl', ['--kubeconfig', config, ...args], home);
    if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${status} ${problems}`);
    return out.split('\n').filter((line) => line !== '');
  };
  const columns = (line: string): readonly string[] => line.split(/\s{2,}/);

  test('get nodes', async () => {
    const [head = '', ...nodes] = await kubectl('get', 'nodes');
    expect(columns(head)).toEqual(['NAME', 'STATUS', 'ROLES', 'AGE', 'VERSION']);
    expect(nodes.map((line) => columns(line)[1])).toEqual(['Ready', 'Ready', 'Ready']);
  });

  test('get pods -n vaultmesh', async () => {
    const [head = '', ...pods] = await kubectl('get', 'pods', '-n', 'vaultmesh');
    expect(columns(head)).toEqual(['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE']);
    expect(pods.map((line) => columns(line).slice(1))).toEqual(new Array(5).fill(['1/1', 'Running', '0', '41d']));
    expect(pods.map((line) => line.replace(/-[a-z0-9]+-[a-z0-9]+ .*/, ''))).toEqual([
      'analytics',
      'aurora-router',
      'aurora-router',
      'psi-field',
      'scheduler',
    ]);
  });

  test('get pods -o json, in pages of two', async () => {
    const text = await kubectl('get', 'pods', '-A', '-o', 'json', '--chunk-size', '2');
    const { items } = JSON.parse(text.join('\n'));
    expect(items).toHaveLength(8);
    expect(
      items.every(
        ({ kind, status }: { kind: string; status: { phase: string } }) => kind === 'Pod' && status.phase === 'Running',
      ),
    ).toBe(true);
  });

  test('get scaledobjects, ingresses, managedcertificates, all by their short names', async () => {
    const [head = '', ...scalers] = await kubectl('get', 'scaledobjects', '-n', 'vaultmesh');
    expect(columns(head).slice(0, 6)).toEqual(['NAME', 'SCALETARGETKIND', 'SCALETARGETNAME', 'MIN', 'MAX', 'READY']);
    expect(scalers.map((line) => columns(line).slice(0, 6))).toEqual([
      ['psi-field-scaler', 'apps/v1.Deployment', 'psi-field', '0', '10', 'True'],
      ['scheduler-scaler', 'apps/v1.Deployment', 'scheduler', '0', '5', 'True'],
    ]);
    const names = await kubectl('get', 'so,ing,mcrt,sj', '-o', 'name');
    expect(names).toEqual([
      'scaledobject.keda.sh/psi-field-scaler',
      'scaledobject.keda.sh/scheduler-scaler',
      'ingress.networking.k8s.io/vaultmesh-ingress',
      'managedcertificate.networking.gke.io/vaultmesh-cert',
      'scaledjob.keda.sh/gpu-job-scaler',
    ]);
  });

  test('describe, rollout status, wait', async () => {
    expect((await kubectl('describe', 'pods', '-l', 'app=scheduler')).join('\n')).toMatch(/Ready\s+True/);
    expect(await kubectl('rollout', 'status', 'deployment/aurora-router')).toEqual([
      'deployment "aurora-router" successfully rolled out',
    ]);
    expect(await kubectl('wait', '--for=condition=Ready', 'pod', '-l', 'app=psi-field', '--timeout=5s')).toEqual([
      expect.stringMatching(/^pod\/psi-field-.* condition met$/),
    ]);
  });

  test('sees a fault as we do', async () => {
    cluster.faults.set(['pod_crash_loop', 'node_not_ready']);
    const pods = await kubectl('get', 'pods', '-l', 'app=aurora-router');
    expect(pods.filter((line) => /0\/1\s+CrashLoopBackOff\s+17 \(\d+s ago\)/.test(line))).toHaveLength(1);
    const nodes = await kubectl('get', 'nodes');
    expect(nodes.filter((line) => / NotReady /.test(line))).toHaveLength(1);
    cluster.faults.set([]);
  });

  test.each([
    ['api_forbidden', ['get', 'pods'], /Error from server \(Forbidden\): pods is forbidden/],
    ['api_unauthorized', ['get', 'pods'], /You must be logged in|Unauthorized/],
    ['api_continue_expired', ['get', 'pods', '-A', '--chunk-size', '2'], /The provided continue parameter is too old/],
  ])('%s: it says so', async (fault, args, message) => {
    cluster.faults.set([fault]);
    const { status, problems } = await run('kubectl', ['--kubeconfig', config, ...args], home);
    cluster.faults.set([]);
    expect(status).toBe(1);
    expect(problems).toMatch(message);
  });
});
