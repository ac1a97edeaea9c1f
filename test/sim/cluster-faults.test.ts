import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RESOURCES } from '#sim/cluster/api/resources.ts';
import { FAULT_NAMES, type FaultName } from '#sim/cluster/faults/catalogue.ts';
import { ask, askApi, difference, type House, type Item, listOf, openCluster, pictureOf } from './cluster-house.ts';

const ROUTER = [
  'aurora-router /health',
  'aurora-router /metrics',
  'aurora-router /providers',
  'ingress api',
  'ingress aurora',
];
const SCHEDULER = ['ingress scheduler', 'scheduler /health', 'scheduler /metrics'];
const BAD_POD = ['Deployment aurora-router', 'Pod aurora-router', 'ReplicaSet aurora-router'];
const GPU_NODE = 'gke-vaultmesh-cluster-gpu-pool-81d0-d4tz';
const LISTS = RESOURCES.map(({ plural }) => `api ${plural}`);
/** Kinds of which there are more than two objects. */
const LONG_LISTS = LISTS.filter((list) =>
  ['deployments', 'leases', 'namespaces', 'nodes', 'pods', 'replicasets', 'services'].includes(list.slice(4)),
);

/** All that looks otherwise under each fault, eleven seconds after it began. */
const CHANGED: Readonly<Record<FaultName, readonly string[]>> = {
  psi_import_failed: ['ingress psi-field', 'psi-field /health'],
  psi_not_initialized: ['ingress psi-field', 'psi-field /health'],
  psi_frozen: ['psi-field /metrics', 'psi-field /state'],
  psi_prediction_error_high: ['psi-field /metrics', 'psi-field /state'],
  psi_down: [
    'ingress psi-field',
    'psi-field /guardian/statistics',
    'psi-field /health',
    'psi-field /metrics',
    'psi-field /state',
  ],
  psi_not_json: ['ingress psi-field', 'psi-field /health', 'psi-field /state'],
  flapping: ['psi-field /health'],
  scheduler_degraded: SCHEDULER,
  scheduler_anchors_frozen: SCHEDULER,
  scheduler_down: SCHEDULER,
  router_down: ROUTER,
  router_slow: ROUTER,
  analytics_slow: ['analytics /'],
  ingress_wrong_backend: ['Ingress vaultmesh-ingress', 'ingress aurora'],
  ingress_no_address: ['Ingress vaultmesh-ingress'],
  certificate_provisioning: ['ManagedCertificate vaultmesh-cert'],
  certificate_domain_failed: ['ManagedCertificate vaultmesh-cert'],
  tls_expired: ['tls'],
  tls_expiring: ['tls'],
  tls_wrong_host: ['tls'],
  tls_self_signed: ['tls'],
  tls_revoked: ['tls'],
  tls_chain_incomplete: ['tls'],
  pod_crash_loop: BAD_POD,
  pod_pending: BAD_POD,
  pod_not_ready: BAD_POD,
  pod_missing: [...BAD_POD, ...ROUTER],
  pod_image_pull: BAD_POD,
  pod_restarting: ['Deployment aurora-router', 'Pod aurora-router'],
  node_not_ready: [`Lease ${GPU_NODE}`, `Node ${GPU_NODE}`],
  node_pressure: [`Node ${GPU_NODE}`],
  rollout_stuck: ['Deployment aurora-router'],
  rollout_unavailable: ['Deployment aurora-router', 'ReplicaSet aurora-router'],
  rollout_unobserved: ['Deployment aurora-router'],
  keda_down: ['Deployment keda-operator', 'Lease operator.keda.sh', 'Pod keda-operator', 'ReplicaSet keda-operator'],
  scaled_object_not_ready: ['ScaledObject psi-field-scaler'],
  scaled_object_bounds: ['ScaledObject psi-field-scaler'],
  scaled_object_missing: ['ScaledObject psi-field-scaler'],
  scaled_object_paused: ['ScaledObject psi-field-scaler'],
  // It shows when KEDA has cooled down: jobs-on-the-bus.test.ts.
  no_work: [],
  // It shows when something is to be scaled: cluster-keda.test.ts.
  scaler_stuck: [],
  metrics_missing_series: ['scheduler /metrics'],
  metrics_frozen: ['scheduler /metrics'],
  metrics_garbage: ['scheduler /metrics'],
  metrics_down: ['scheduler /metrics'],
  slow_endpoint: ['scheduler /metrics'],
  api_unauthorized: ['api /readyz', 'api /version', ...LISTS],
  api_forbidden: LISTS,
  api_down: ['api /readyz', 'api /version', ...LISTS],
  api_slow: ['api /readyz', 'api /version', ...LISTS],
  api_continue_expired: LONG_LISTS,
  loki_down: ['loki /ready'],
  loki_not_ready: ['loki /ready'],
  tempo_down: ['tempo /ready'],
  small_pages: LONG_LISTS,
  completed_job_pod: ['Job gpu-worker', 'Pod gpu-worker'],
  old_restarts: ['Pod aurora-router'],
};

/** Past one renewal of a node's lease, before KEDA looks again. */
const LATER_MS = 11_000;

async function pictureUnder(fault: FaultName | null): Promise<ReadonlyMap<string, string>> {
  const house = await openCluster();
  try {
    house.cluster.faults.set(fault === null ? [] : [fault]);
    // Whoever counts sees where it stood when the fault began.
    await ask(house.cluster.urls['psi-field'], '/state');
    await house.clock.advance(LATER_MS);
    return await pictureOf(house);
  } finally {
    await house.cluster.close();
  }
}

describe('a fault changes what it says and nothing else', () => {
  let well: ReadonlyMap<string, string>;
  beforeAll(async () => {
    well = await pictureUnder(null);
  });

  test('without one, two clusters of a seed look the same', async () => {
    expect(difference(well, await pictureUnder(null))).toEqual([]);
  });

  test.each(FAULT_NAMES)('%s', async (fault) => {
    expect(difference(well, await pictureUnder(fault))).toEqual([...CHANGED[fault]].sort());
  });
});

type Pod = Item<
  unknown,
  {
    readonly phase: string;
    readonly conditions: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly {
      readonly restartCount: number;
      readonly state: { readonly waiting?: { readonly reason: string } };
    }[];
  }
>;

describe('faults, in the words of those who look', () => {
  let house: House;
  beforeAll(async () => {
    house = await openCluster();
  });
  afterAll(() => house.cluster.close());

  const pods = async () =>
    (await listOf<Pod>(house, '/api/v1/namespaces/vaultmesh/pods?labelSelector=app=aurora-router')).items;
  const worst = async () => {
    const all = (await pods()).map(({ status }) => ({
      phase: status.phase,
      reason: status.containerStatuses?.[0]?.state.waiting?.reason ?? null,
      restarts: status.containerStatuses?.[0]?.restartCount ?? null,
      ready: status.conditions.find(({ type }) => type === 'Ready')?.status ?? null,
    }));
    return all.find(({ ready, restarts }) => ready !== 'True' || restarts !== 0) ?? null;
  };
  test.each([
    ['pod_crash_loop', { phase: 'Running', reason: 'CrashLoopBackOff', restarts: 17, ready: 'False' }],
    ['pod_image_pull', { phase: 'Pending', reason: 'ImagePullBackOff', restarts: 0, ready: 'False' }],
    ['pod_pending', { phase: 'Pending', reason: null, restarts: null, ready: null }],
    ['pod_not_ready', { phase: 'Running', reason: null, restarts: 0, ready: 'False' }],
    ['pod_restarting', { phase: 'Running', reason: null, restarts: 42, ready: 'True' }],
    ['old_restarts', { phase: 'Running', reason: null, restarts: 2, ready: 'True' }],
  ])('%s', async (fault, seen) => {
    expect(await worst()).toBeNull();
    house.cluster.faults.set([fault]);
    expect(await worst()).toEqual(seen);
    expect(await pods()).toHaveLength(2);
    house.cluster.faults.set([]);
  });

  const conditions = async (path: string): Promise<readonly string[]> => {
    const { conditions: all } = JSON.parse((await askApi(house, path))?.text ?? '{}').status;
    return all.map(({ type, status, reason }: Record<string, string>) => `${type} ${status} ${reason}`);
  };
  test.each([
    ['rollout_stuck', 'Progressing False ProgressDeadlineExceeded'],
    ['rollout_unavailable', 'Available False MinimumReplicasUnavailable'],
    ['pod_missing', 'ReplicaFailure True FailedCreate'],
  ])('%s: %s', async (fault, condition) => {
    const path = '/apis/apps/v1/namespaces/vaultmesh/deployments/aurora-router';
    expect(await conditions(path)).toEqual([
      'Available True MinimumReplicasAvailable',
      'Progressing True NewReplicaSetAvailable',
    ]);
    house.cluster.faults.set([fault]);
    expect(await conditions(path)).toContain(condition);
    house.cluster.faults.set([]);
  });

  test('one call in five, and the same ones again for the same seed', async () => {
    const statuses = async (seed: number) => {
      const { cluster } = await openCluster({ seed });
      cluster.faults.set(['flapping']);
      const all: number[] = [];
      for (let n = 0; n < 300; n += 1) all.push((await ask(cluster.urls['psi-field'], '/health'))?.status ?? 0);
      await cluster.close();
      return all;
    };
    const [one, again, other] = [await statuses(1), await statuses(1), await statuses(2)];
    const refused = one.filter((status) => status === 503).length;
    // Four standard deviations of a binomial.
    expect(Math.abs(refused - 60)).toBeLessThan(4 * Math.sqrt(300 * 0.2 * 0.8));
    expect(one.filter((status) => status !== 503)).toEqual(new Array(300 - refused).fill(200));
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  test('what stood still goes on, and what counts never goes back', async () => {
    const { cluster, clock } = house;
    const k = async () => JSON.parse((await ask(cluster.urls['psi-field'], '/state'))?.text ?? '').k as number;
    const anchors = async () =>
      Number(
        /attempted_total.*dao.*fast.* (\d+)/.exec((await ask(cluster.urls.scheduler, '/metrics'))?.text ?? '')?.[1],
      );
    const see = async () => ({ k: await k(), anchors: await anchors() });
    const before = await see();
    cluster.faults.set(['psi_frozen', 'scheduler_anchors_frozen']);
    await clock.advance(10_000);
    expect(await see()).toEqual(before);
    cluster.faults.set([]);
    expect(await see()).toEqual(before);
    await clock.advance(10_000);
    expect(await see()).toEqual({ k: before.k + 40, anchors: before.anchors + 10 });
  });

  test('a fault that is in no table: objects and answers that a test changes', async () => {
    const { cluster } = house;
    cluster.alterObjects((object) => (object.kind === 'Node' ? null : object));
    cluster.alterReplies((service, path, reply) =>
      service === 'loki' && path === '/ready' ? { ...reply, status: 418 } : reply,
    );
    expect((await listOf(house, '/api/v1/nodes')).items).toEqual([]);
    expect((await ask(cluster.urls.loki, '/ready'))?.status).toBe(418);
    expect((await ask(cluster.urls.tempo, '/ready'))?.status).toBe(200);
    cluster.alterObjects(null);
    cluster.alterReplies(null);
    expect((await listOf(house, '/api/v1/nodes')).items).toHaveLength(3);
    expect((await ask(cluster.urls.loki, '/ready'))?.status).toBe(200);
  });

  test('other processes switch them, and are told of names that there are not', async () => {
    const { cluster } = house;
    const put = (body: unknown) => ask(cluster.faultsUrl, '/_fake/faults', { method: 'PUT', body });
    expect(await put(['psi_down', 'api_down'])).toMatchObject({ status: 200 });
    expect(cluster.faults.active()).toEqual(['psi_down', 'api_down']);
    expect(await ask(cluster.urls['psi-field'], '/health')).toBeNull();
    const wrong = await put(['psi_donw']);
    expect(wrong?.status).toBe(400);
    expect(wrong?.text).toContain('got \\"psi_donw\\"');
    expect((await put({ fault: 'psi_down' }))?.status).toBe(400);
    expect(cluster.faults.active()).toEqual(['psi_down', 'api_down']);
    const told = JSON.parse((await ask(cluster.faultsUrl, '/_fake/faults'))?.text ?? '');
    expect(Object.keys(told.faults)).toEqual(FAULT_NAMES);
    expect(told.active).toEqual(['psi_down', 'api_down']);
    await put([]);
    expect((await ask(cluster.urls['psi-field'], '/health'))?.status).toBe(200);
  });
});
