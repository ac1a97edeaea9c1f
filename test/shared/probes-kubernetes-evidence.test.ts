/** However long what a cluster says is, a verdict keeps to what a result takes. */
import { expect, test } from 'vitest';
import { checkResult } from '#shared/domain/probe.ts';
import type { CheckKind, Verdict } from '#shared/probes/check.ts';
import { cluster } from '#shared/probes/checks/cluster.ts';
import { ingress } from '#shared/probes/checks/ingress.ts';
import { kedaOperator } from '#shared/probes/checks/keda_operator.ts';
import { managedCertificate } from '#shared/probes/checks/managed_certificate.ts';
import { nodes } from '#shared/probes/checks/nodes.ts';
import { pods } from '#shared/probes/checks/pods.ts';
import { rollout } from '#shared/probes/checks/rollout.ts';
import { scaledObject } from '#shared/probes/checks/scaled_object.ts';
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
  [nodes, {}, '/api/v1/nodes', { metadata: { name: LONG }, status: { conditions: [condition('Ready', 'False')] } }],
  [pods, { selector: { app: 'a' } }, `/api/v1${V}/pods`, pod],
  [pods, { selector: { app: 'a' } }, `/api/v1${V}/pods`, idle],
  [kedaOperator, {}, '/api/v1/namespaces/keda/pods', pod],
  [
    rollout,
    { deployment: 'a' },
    `/apis/apps/v1${V}/deployments`,
    { metadata: { name: 'a' }, spec: {}, status: { conditions: [condition('Progressing', 'False')] } },
  ],
  [
    ingress,
    { hosts: { [`${'x'.repeat(250)}.a`]: null } },
    `/apis/networking.k8s.io/v1${V}/ingresses`,
    { metadata: { name: LONG }, status: { loadBalancer: { ingress: [{ hostname: LONG }] } } },
  ],
  [
    ingress,
    { hosts: { a: 'a' } },
    `/apis/networking.k8s.io/v1${V}/ingresses`,
    {
      metadata: { name: LONG },
      spec: { rules: [{ host: 'a', http: { paths: [{ backend: { service: { name: LONG } } }] } }] },
      status: { loadBalancer: { ingress: [{ hostname: LONG }] } },
    },
  ],
  [ingress, {}, `/apis/networking.k8s.io/v1${V}/ingresses`, { metadata: { name: LONG } }],
  [
    managedCertificate,
    { domains: [] },
    `/apis/networking.gke.io/v1${V}/managedcertificates`,
    {
      metadata: { name: 'vaultmesh-cert' },
      spec: { domains: [LONG] },
      status: { certificateStatus: LONG, domainStatus: [{ domain: LONG, status: LONG }], expireTime: LONG },
    },
  ],
  [
    scaledObject,
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
    scaledObject,
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
  const verdict = (await attempt(cluster, {}, fakeCluster({ answers }))) as Verdict;
  expect(checkResult.pick({ evidence: true, remedy: true }).safeParse(verdict).error).toBeUndefined();
});
