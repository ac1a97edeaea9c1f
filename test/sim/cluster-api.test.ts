import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ask, askApi, type House, type Item, listOf, openCluster, START_MS } from './cluster-house.ts';

let house: House;
beforeAll(async () => {
  house = await openCluster();
});
afterEach(() => house.cluster.faults.set([]));
afterAll(() => house.cluster.close());

const PODS = '/api/v1/namespaces/vaultmesh/pods';
const names = (items: readonly Item[]): readonly string[] => items.map(({ metadata }) => metadata.name);
const apps = (items: readonly Item[]): readonly (string | undefined)[] =>
  items.map(({ metadata }) => metadata.labels?.['app']);
const json = async (path: string, headers = {}) => JSON.parse((await askApi(house, path, headers))?.text ?? 'null');

describe('discovery', () => {
  test('tells the version, the groups and what can be done with each kind', async () => {
    expect(await json('/version')).toMatchObject({ major: '1', minor: '32', gitVersion: 'v1.32.4-gke.1415000' });
    expect(await json('/api')).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    const { groups } = await json('/apis');
    const lists = await Promise.all(
      groups.map(({ preferredVersion }: { preferredVersion: { groupVersion: string } }) =>
        json(`/apis/${preferredVersion.groupVersion}`),
      ),
    );
    const kinds = [await json('/api/v1'), ...lists].flatMap(({ groupVersion, resources }) =>
      resources.map(({ kind }: { kind: string }) => `${groupVersion} ${kind}`),
    );
    expect(kinds).toEqual(
      expect.arrayContaining([
        'v1 Pod',
        'v1 Node',
        'apps/v1 Deployment',
        'networking.k8s.io/v1 Ingress',
        'networking.gke.io/v1 ManagedCertificate',
        'keda.sh/v1alpha1 ScaledObject',
        'keda.sh/v1alpha1 ScaledJob',
        'coordination.k8s.io/v1 Lease',
      ]),
    );
  });

  test('what is announced is there, as a list of its kind', async () => {
    for (const groupVersion of ['v1', 'apps/v1', 'batch/v1', 'keda.sh/v1alpha1', 'networking.k8s.io/v1']) {
      const base = groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`;
      for (const { name, kind } of (await json(base)).resources) {
        const list = await listOf(house, `${base}/${name}`);
        expect(list).toMatchObject({ kind: `${kind}List`, apiVersion: groupVersion });
        expect(new Set(list.items.map(({ metadata }) => metadata.uid)).size).toBe(list.items.length);
      }
    }
  });
});

describe('objects', () => {
  test('those of the deployment, with its names and numbers', async () => {
    expect(apps((await listOf(house, PODS)).items)).toEqual([
      'analytics',
      'aurora-router',
      'aurora-router',
      'psi-field',
      'scheduler',
    ]);
    const scalers = await listOf(house, '/apis/keda.sh/v1alpha1/namespaces/vaultmesh/scaledobjects');
    const scaler = (name: string, target: string, subscription: string, max: number) => ({
      metadata: { name },
      spec: {
        scaleTargetRef: { name: target },
        pollingInterval: 30,
        cooldownPeriod: 300,
        minReplicaCount: 0,
        maxReplicaCount: max,
        triggers: [{ type: 'gcp-pubsub', metadata: { subscriptionName: subscription, value: '5' } }],
      },
    });
    expect(scalers.items).toMatchObject([
      scaler('psi-field-scaler', 'psi-field', 'vaultmesh-psi-jobs-sub', 10),
      scaler('scheduler-scaler', 'scheduler', 'vaultmesh-scheduler-jobs-sub', 5),
    ]);
    const operator = '/api/v1/namespaces/keda/pods?labelSelector=app.kubernetes.io/name=keda-operator';
    expect((await listOf(house, operator)).items).toHaveLength(1);
  });

  test('a pod, in the shape that the API gives it', async () => {
    const [pod] = (await listOf(house, `${PODS}?labelSelector=app=scheduler`)).items;
    expect(pod?.metadata).toMatchObject({
      namespace: 'vaultmesh',
      uid: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/),
      resourceVersion: expect.stringMatching(/^\d+$/),
      creationTimestamp: `${new Date(START_MS - 41 * 86_400_000).toISOString().slice(0, 19)}Z`,
      labels: { app: 'scheduler', component: 'scheduler', 'part-of': 'vaultmesh' },
      annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '9091', 'prometheus.io/path': '/metrics' },
    });
    expect(pod?.spec).toMatchObject({
      containers: [
        {
          image: 'us-central1-docker.pkg.dev/vm-spawn/vaultmesh/scheduler:1.0.0',
          ports: [{ name: 'http', containerPort: 9091 }],
          resources: { requests: { cpu: '100m', memory: '256Mi' } },
        },
      ],
    });
    expect(pod?.status).toMatchObject({
      phase: 'Running',
      containerStatuses: [{ ready: true, restartCount: 0, state: { running: {} }, lastState: {} }],
    });
    // Kubernetes' own kinds do not say in a list what they are; alone they do.
    expect(pod?.kind).toBeUndefined();
    expect(await json(`${PODS}/${pod?.metadata.name}`)).toMatchObject({ kind: 'Pod', apiVersion: 'v1' });
    const [added] = (await listOf(house, '/apis/networking.gke.io/v1/managedcertificates')).items;
    expect(added).toMatchObject({ kind: 'ManagedCertificate', status: { certificateStatus: 'Active' } });
  });

  test('owners are there', async () => {
    const [sets, deployments] = [
      await listOf(house, '/apis/apps/v1/replicasets'),
      await listOf(house, '/apis/apps/v1/deployments'),
    ];
    const uids = new Set([...sets.items, ...deployments.items].map(({ metadata }) => metadata.uid));
    const owned = [...(await listOf(house, '/api/v1/pods')).items, ...sets.items];
    expect(owned.every(({ metadata }) => uids.has(metadata.ownerReferences?.[0]?.uid ?? ''))).toBe(true);
  });
});

describe('selectors', () => {
  test.each([
    ['labelSelector=app=scheduler', ['scheduler']],
    ['labelSelector=app!=scheduler,component!=router', ['analytics', 'psi-field']],
    ['labelSelector=app in (scheduler, psi-field)', ['psi-field', 'scheduler']],
    ['labelSelector=app notin (scheduler,psi-field,aurora-router)', ['analytics']],
    ['labelSelector=component,!part-of', []],
    ['labelSelector=app==analytics', ['analytics']],
    ['fieldSelector=status.phase!=Running', []],
    ['fieldSelector=status.phase=Running,metadata.namespace=keda', []],
  ])('%s', async (query, expected) => {
    expect(apps((await listOf(house, `${PODS}?${encodeURI(query)}`)).items)).toEqual(expected);
  });

  test.each([
    ['labelSelector=a=b=c', 'unable to parse requirement'],
    ['fieldSelector=spec.colour=red', 'field label not supported: spec.colour'],
    ['fieldSelector=nothing', 'invalid field selector'],
    ['limit=many', 'limit: invalid value'],
    ['limit=-1', 'limit: invalid value'],
    ['resourceVersion=x', 'resourceVersion: invalid value'],
    ['continue=x', 'continue key is not valid'],
  ])('%s is a bad request', async (query, message) => {
    const answer = await askApi(house, `${PODS}?${query}`);
    expect(answer?.status).toBe(400);
    expect(JSON.parse(answer?.text ?? '')).toMatchObject({ kind: 'Status', reason: 'BadRequest', code: 400 });
    expect(answer?.text).toContain(message);
  });
});

describe('pages', () => {
  test('hold together one moment, whatever changes meanwhile', async () => {
    const all = names((await listOf(house, '/api/v1/pods')).items);
    const seen: string[] = [];
    const versions = new Set<string>();
    let path = '/api/v1/pods?limit=3';
    for (let pages = 1; ; pages += 1) {
      const { items, metadata } = await listOf(house, path);
      seen.push(...names(items));
      versions.add(metadata.resourceVersion);
      expect(metadata.remainingItemCount ?? 0).toBe(all.length - seen.length);
      if (metadata.continue === undefined) {
        expect(pages).toBe(Math.ceil(all.length / 3));
        break;
      }
      path = `/api/v1/pods?limit=3&continue=${metadata.continue}`;
      house.cluster.faults.set(['pod_missing']);
    }
    house.cluster.faults.set([]);
    expect(seen).toEqual(all);
    expect(versions.size).toBe(1);
  });

  test('a token that is too old is 410, and brings one that goes on from now', async () => {
    const first = await listOf(house, '/api/v1/pods?limit=3');
    // As many moments as are remembered, and one.
    for (let n = 0; n <= 64; n += 1) {
      house.cluster.faults.set(n % 2 === 0 ? ['pod_not_ready'] : []);
      await listOf(house, '/api/v1/pods?limit=3');
    }
    house.cluster.faults.set([]);
    const old = await askApi(house, `/api/v1/pods?limit=3&continue=${first.metadata.continue}`);
    expect(old?.status).toBe(410);
    const status = JSON.parse(old?.text ?? '');
    expect(status).toMatchObject({ kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 });
    const rest = await listOf(house, `/api/v1/pods?continue=${status.metadata.continue}`);
    expect([...names(first.items), ...names(rest.items)]).toEqual(names((await listOf(house, '/api/v1/pods')).items));
  });

  test('a version that is not there yet is a time-out', async () => {
    const answer = await askApi(house, `${PODS}?resourceVersion=999999999`);
    expect(answer?.status).toBe(504);
    expect(answer?.text).toContain('Too large resource version');
  });
});

describe('refusals', () => {
  const status = (answer: { readonly text: string } | null) => JSON.parse(answer?.text ?? 'null');

  test('without the token 401, but whether it lives is told to anybody who has none', async () => {
    const { apiUrl } = house.cluster;
    expect(await ask(apiUrl, '/readyz')).toMatchObject({ status: 200, text: 'ok' });
    for (const path of ['/version', PODS, '/apis']) {
      const answer = await ask(apiUrl, path);
      expect(answer?.status).toBe(401);
      expect(status(answer)).toMatchObject({ kind: 'Status', reason: 'Unauthorized', code: 401 });
    }
    const wrong = { headers: { authorization: 'Bearer other' } };
    expect((await ask(apiUrl, '/readyz', wrong))?.status).toBe(401);
    expect((await ask(apiUrl, PODS, wrong))?.status).toBe(401);
  });

  test.each([
    [`${PODS}/nope`, 'pods "nope" not found'],
    ['/apis/apps/v1/namespaces/vaultmesh/deployments/nope', 'deployments.apps "nope" not found'],
    ['/api/v1/namespaces/nope', 'namespaces "nope" not found'],
    ['/api/v1/configmaps', 'the server could not find the requested resource'],
    ['/api/v1/namespaces/vaultmesh/nodes', 'the server could not find the requested resource'],
    ['/apis/apps/v2/deployments', 'the server could not find the requested resource'],
    ['//', 'the server could not find the requested resource'],
  ])('%s is not found', async (path, message) => {
    const answer = await askApi(house, path);
    expect(answer?.status).toBe(404);
    expect(status(answer)).toMatchObject({ kind: 'Status', reason: 'NotFound', code: 404, message });
  });

  test('a namespace that is not there has no pods, as in a real cluster', async () => {
    expect((await listOf(house, '/api/v1/namespaces/nope/pods')).items).toEqual([]);
  });

  test('nothing is written', async () => {
    const answer = await ask(house.cluster.apiUrl, PODS, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${house.cluster.token}` },
    });
    expect(answer?.status).toBe(405);
  });

  test('403 names who, what and where, and the version is told all the same', async () => {
    house.cluster.faults.set(['api_forbidden']);
    const messages = [PODS, `${PODS}/one`, '/api/v1/nodes', `${PODS}?watch=true`].map(
      async (path) => status(await askApi(house, path)).message as string,
    );
    expect(await Promise.all(messages)).toEqual([
      'pods is forbidden: User "probe@vm-spawn.iam.gserviceaccount.com" cannot list resource "pods" in API group "" in the namespace "vaultmesh"',
      'pods "one" is forbidden: User "probe@vm-spawn.iam.gserviceaccount.com" cannot get resource "pods" in API group "" in the namespace "vaultmesh"',
      'nodes is forbidden: User "probe@vm-spawn.iam.gserviceaccount.com" cannot list resource "nodes" in API group "" at the cluster scope',
      'pods is forbidden: User "probe@vm-spawn.iam.gserviceaccount.com" cannot watch resource "pods" in API group "" in the namespace "vaultmesh"',
    ]);
    expect((await askApi(house, '/version'))?.status).toBe(200);
  });
});
