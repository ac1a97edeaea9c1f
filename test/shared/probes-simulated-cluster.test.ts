/** The checks of a cluster against the simulated one, by its kubeconfig, over TLS and with its token. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseKubeconfig } from '#cli/smoke/kubeconfig.ts';
import { kubeconfigAccess } from '#cli/smoke/kubeconfig-access.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import type { CheckKind, Verdict } from '#shared/probes/check.ts';
import { clusterCheck } from '#shared/probes/checks/cluster.ts';
import { ingressCheck } from '#shared/probes/checks/ingress.ts';
import { kedaOperatorCheck } from '#shared/probes/checks/keda-operator.ts';
import { managedCertificateCheck } from '#shared/probes/checks/managed-certificate.ts';
import { nodesCheck } from '#shared/probes/checks/nodes.ts';
import { podsCheck } from '#shared/probes/checks/pods.ts';
import { rolloutCheck } from '#shared/probes/checks/rollout.ts';
import { scaledObjectCheck } from '#shared/probes/checks/scaled-object.ts';
import { type ClusterAccess, clusterHttp } from '#shared/probes/kubernetes/access.ts';
import { createKubernetesReader } from '#shared/probes/kubernetes/reader.ts';
import type { ProbeTools } from '#shared/probes/tools.ts';
import { codedError } from '#shared/runtime/answers.ts';
import { FAULT_NAMES, type FaultName } from '#sim/cluster/faults/catalogue.ts';
import { type RunningCluster, startCluster } from '#sim/cluster/index.ts';
import { fakeCluster } from '#test/support/fake-cluster.ts';

const SUBSCRIPTION = 'vaultmesh-psi-jobs-sub';

const scaler = (name: string, scales: string, subscription: string, max: number) =>
  [`${name}`, scaledObjectCheck, { scaled_object: name, scales, subscription, value: 5, max }] as const;
const SUITE: readonly (readonly [id: string, check: CheckKind, spec: object])[] = [
  ['cluster', clusterCheck, {}],
  ['nodes', nodesCheck, { min_ready: 2, starting_s: 0 }],
  ['pods-psi-field', podsCheck, { selector: { app: 'psi-field' } }],
  ['pods-scheduler', podsCheck, { selector: { app: 'scheduler' } }],
  ['pods-router', podsCheck, { selector: { app: 'aurora-router' }, min: 2 }],
  ['rollout-psi-field', rolloutCheck, { deployment: 'psi-field', autoscaled: true }],
  ['rollout-router', rolloutCheck, { deployment: 'aurora-router', min: 2 }],
  ['ingress', ingressCheck, { ingress: 'vaultmesh-ingress' }],
  ['certificate', managedCertificateCheck, {}],
  ['keda-operator', kedaOperatorCheck, {}],
  scaler('psi-field-scaler', 'psi-field', SUBSCRIPTION, 10),
  scaler('scheduler-scaler', 'scheduler', 'vaultmesh-scheduler-jobs-sub', 5),
  [
    'gpu-job-scaler',
    scaledObjectCheck,
    {
      scaled_object: 'gpu-job-scaler',
      resource: 'scaledjobs',
      subscription: 'vaultmesh-gpu-jobs-sub',
      value: 1,
      max: 10,
    },
  ],
];

/** Which checks see which fault; of what is not here, the API of the cluster tells nothing. */
const SEEN: Partial<Readonly<Record<FaultName, readonly string[]>>> = {
  ingress_wrong_backend: ['ingress'],
  ingress_no_address: ['ingress'],
  certificate_provisioning: ['certificate'],
  certificate_domain_failed: ['certificate'],
  pod_crash_loop: ['pods-router', 'rollout-router'],
  pod_pending: ['pods-router', 'rollout-router'],
  pod_not_ready: ['pods-router', 'rollout-router'],
  pod_missing: ['pods-router', 'rollout-router'],
  pod_image_pull: ['pods-router', 'rollout-router'],
  pod_restarting: ['pods-router'],
  node_not_ready: ['nodes'],
  node_pressure: ['nodes'],
  rollout_stuck: ['rollout-router'],
  rollout_unavailable: ['rollout-router'],
  rollout_unobserved: ['rollout-router'],
  keda_down: ['keda-operator'],
  scaled_object_not_ready: ['psi-field-scaler'],
  scaled_object_bounds: ['psi-field-scaler'],
  scaled_object_missing: ['psi-field-scaler'],
  scaled_object_paused: ['psi-field-scaler'],
};
/** Then nothing is known: each check ends with such an error. */
const UNKNOWN: Partial<Readonly<Record<FaultName, readonly [code: string, but: readonly string[]]>>> = {
  api_down: ['cluster_unreachable', []],
  api_unauthorized: ['cluster_unauthorized', []],
  api_forbidden: ['cluster_forbidden', ['cluster']],
  // Pages of two objects: what has no more is read whole.
  api_continue_expired: [
    'cluster_unreachable',
    ['cluster', 'ingress', 'certificate', 'psi-field-scaler', 'scheduler-scaler', 'gpu-job-scaler'],
  ],
};

let sim: RunningCluster;
let access: ClusterAccess;
let close: () => Promise<void>;
beforeAll(async () => {
  sim = await startCluster({ hostClock, seed: 7, slowMs: 20 });
  const entry = parseKubeconfig(sim.kubeconfig, 'kubeconfig', null);
  access = kubeconfigAccess({ entry, path: '/nowhere', hostClock, env: {} });
  close = () => sim.close();
});
afterEach(() => sim.faults.set([]));
afterAll(() => close());

/** One run of all. */
async function run(suite: typeof SUITE, given: ClusterAccess) {
  const http = clusterHttp(given, hostClock);
  const reader = createKubernetesReader({ access: given, http, hostClock });
  const tools: ProbeTools = { ...fakeCluster().tools, hostClock, kubernetes: () => reader };
  const context = { deadline: hostClock.now() + 20_000, signal: new AbortController().signal };
  try {
    const verdicts = await Promise.all(
      suite.map(async ([id, check, spec]): Promise<readonly [string, Verdict]> => {
        try {
          return [id, await check.bind(spec, { namespace: 'vaultmesh' })(tools, context)];
        } catch (thrown) {
          const { code, message, remedy } = codedError(thrown);
          return [id, { status: 'error', evidence: { code, message }, remedy }];
        }
      }),
    );
    return new Map(verdicts);
  } finally {
    await http.close();
  }
}
const not = (status: Verdict['status'], verdicts: ReadonlyMap<string, Verdict>) =>
  [...verdicts].filter(([, verdict]) => verdict.status !== status).map(([id]) => id);

describe('the simulated cluster', () => {
  test.each(Object.entries(SEEN))('with the fault %s', async (fault, seen) => {
    sim.faults.set([fault]);
    const verdicts = await run(SUITE, access);
    expect(not('pass', verdicts)).toEqual(seen);
    for (const id of seen) expect(verdicts.get(id)).toMatchObject({ status: 'fail' });
  });

  test.each(Object.entries(UNKNOWN))('with the fault %s, when nothing is known', async (fault, [code, but]) => {
    sim.faults.set([fault]);
    for (const [id, verdict] of await run(SUITE, access))
      expect([id, verdict]).toMatchObject([
        id,
        but.includes(id) ? { status: 'pass' } : { status: 'error', evidence: { code } },
      ]);
  });

  test('with all other faults at once, which its API does not tell', async () => {
    const others = FAULT_NAMES.filter((fault) => !(fault in SEEN) && !(fault in UNKNOWN));
    expect(others).toEqual(expect.arrayContaining(['psi_down', 'tls_expired', 'small_pages', 'old_restarts']));
    sim.faults.set(others);
    expect(not('pass', await run(SUITE, access))).toEqual([]);
  });

  test.each<[string, () => Partial<ClusterAccess>, string, RegExp]>([
    ['of another authority', () => ({ caPem: null }), 'cluster_unreachable', /unable to get local issuer certificate/],
    [
      'under another name',
      () => ({ serverName: 'elsewhere.example' }),
      'cluster_unreachable',
      /does not match certificate/,
    ],
    [
      'with another token',
      () => ({ token: async () => 'a-token-that-is-none' }),
      'cluster_unauthorized',
      /token that was sent is not taken/,
    ],
    ['with none', () => ({ token: null }), 'cluster_unauthorized', /no token was sent/],
  ])('is not looked at %s', async (_, change, code, message) => {
    const verdicts = await run(SUITE, { ...access, ...change() });
    for (const [, verdict] of verdicts) {
      expect(verdict).toMatchObject({ status: 'error', evidence: { code } });
      expect(verdict.evidence['message']).toMatch(message);
      expect(verdict.evidence['message']).not.toContain('a-token-that-is-none');
    }
  });

  test('of another authority is believed where a kubeconfig says so', async () => {
    expect(not('pass', await run(SUITE, { ...access, caPem: null, verified: false }))).toEqual([]);
  });
});
