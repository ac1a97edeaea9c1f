/** However long what a cluster says is, a verdict keeps to what a result takes. */
import { expect, test } from 'vitest';
import { checkResult } from '#shared/domain/probe.ts';
import type { CheckKind, Verdict } from '#shared/probes/check.ts';
import { clusterCheck } from '#shared/probes/checks/cluster.ts';
import { ingressCheck } from '#shared/probes/checks/ingress.ts';
import { kedaOperatorCheck } from '#shared/probes/checks/keda-operator.ts';
import { managedCertificateCheck } from '#shared/probes/checks/managed-certificate.ts';
import { nodesCheck } from '#shared/probes/checks/nodes.ts';
import { podsCheck } from '#shared/probes/checks/pods.ts';
import { rolloutCheck } from '#shared/probes/checks/rollout.ts';
import { scaledObjectCheck } from '#shared/probes/checks/scaled-object.ts';
import { attempt, fakeCluster } from '#test/support/fake-cluster.ts';

const LONG = 'x'.repeat(2_000);
const V = '/namespaces/vaultmesh';
const condition = (type: string, status: string) => ({ type, status, reason: LONG, message: LONG });
const pod = {
  metadata: { name: LONG, labels: { app: 'a', 'app.kubernetes.io/name': 'keda-operator' } },
  status: {
    phase: LONG,
    conditions: [condition('PodScheduled', 'False')],
    containerStatuses: [
      {
        name: LONG,
        restartCount: 1,
        state: { waiting: { reason: LONG } },
        lastState: { terminated: { reason: LONG, exitCode: 1 } },
      },
    ],
  },
};
const { status: _, ...idle } = pod;

test.each<[CheckKind, object, string, object]>([
  [
    nodesCheck,
    {},
    '/api/v1/nodes',
    { metadata: { name: LONG }, status: { conditions: [condition('Ready', 'False')] } },
  ],
  [podsCheck, { selector: { app: 'a' } }, `/api/v1${V}/pods`, pod],
  [podsCheck, { selector: { app: 'a' } }, `/api/v1${V}/pods`, idle],
  [kedaOperatorCheck, {}, '/api/v1/namespaces/keda/pods', pod],
  [
    rolloutCheck,
    { deployment: 'a' },
    `/apis/apps/v1${V}/deployments`,
    { metadata: { name: 'a' }, spec: {}, status: { conditions: [condition('Progressing', 'False')] } },
  ],
  [
    ingressCheck,
    { hosts: { [`${'x'.repeat(250)}.a`]: null } },
    `/apis/networking.k8s.io/v1${V}/ingresses`,
    { metadata: { name: LONG }, status: { loadBalancer: { ingress: [{ hostname: LONG }] } } },
  ],
  [
    ingressCheck,
    { hosts: { a: 'a' } },
    `/apis/networking.k8s.io/v1${V}/ingresses`,
    {
      metadata: { name: LONG },
      spec: { rules: [{ host: 'a', http: { paths: [{ backend: { service: { name: LONG } } }] } }] },
      status: { loadBalancer: { ingress: [{ hostname: LONG }] } },
    },
  ],
  [ingressCheck, {}, `/apis/networking.k8s.io/v1${V}/ingresses`, { metadata: { name: LONG } }],
  [
    managedCertificateCheck,
    { domains: [] },
    `/apis/networking.gke.io/v1${V}/managedcertificates`,
    {
      metadata: { name: 'vaultmesh-cert' },
      spec: { domains: [LONG] },
      status: { certificateStatus: LONG, domainStatus: [{ domain: LONG, status: LONG }], expireTime: LONG },
    },
  ],
  [
    scaledObjectCheck,
    { scaled_object: 'a', max: 1, subscription: 'a' },
    `/apis/keda.sh/v1alpha1${V}/scaledobjects`,
    {
      metadata: { name: 'a' },
      spec: {
        scaleTargetRef: { name: LONG },
        maxReplicaCount: 1,
        triggers: [{ metadata: { subscriptionName: LONG, value: LONG } }],
      },
      status: { conditions: [{ ...condition('Ready', 'True') }] },
    },
  ],
  [
    scaledObjectCheck,
    { scaled_object: 'a', max: 1 },
    `/apis/keda.sh/v1alpha1${V}/scaledobjects`,
    { metadata: { name: 'a' }, spec: {}, status: { conditions: [condition('Ready', 'False')] } },
  ],
])('$kind', async (check, spec, path, object) => {
  const fake = fakeCluster({ lists: { [path]: [object as Record<string, unknown>] } });
  const verdict = (await attempt(check, spec, fake)) as Verdict;
  expect(verdict.status).toBe('fail');
  expect(checkResult.pick({ evidence: true, remedy: true }).safeParse(verdict).error).toBeUndefined();
});

test('cluster', async () => {
  const answers = {
    '/version': { status: 200, body: { gitVersion: LONG } },
    '/readyz': { status: 500, body: `[-]${LONG} failed` },
  };
  const verdict = (await attempt(clusterCheck, {}, fakeCluster({ answers }))) as Verdict;
  expect(checkResult.pick({ evidence: true, remedy: true }).safeParse(verdict).error).toBeUndefined();
});
