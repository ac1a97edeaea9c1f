/** A deployment with what belongs to it: its replica set, its pods, its service. */
import type { App } from '../facts.ts';
import { type ClusterObject, type Condition, type Fields, head, seconds, suffixOf } from './object.ts';
import { annotationsOf, containerOf, podObject } from './pods.ts';
import { type Look, type PodState, podStates, readyCount, type Workload } from './workload.ts';

export function deploymentObjects(
  workload: Workload,
  look: Look,
  bornMs: number,
  seed: number,
): readonly ClusterObject[] {
  const { app } = workload;
  const states = podStates(workload, look);
  const hash = suffixOf(10, seed, app.name, 'template');
  const deployment = deploymentObject(workload, states, look, bornMs);
  const replicas = wantedOf(workload, look);
  const set: ClusterObject = {
    ...head({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: `${app.name}-${hash}`,
      namespace: app.namespace,
      createdMs: bornMs,
      labels: { ...app.labels, 'pod-template-hash': hash },
      owner: deployment,
      generation: 1,
    }),
    spec: {
      replicas,
      selector: { matchLabels: { app: app.name, 'pod-template-hash': hash } },
      template: templateOf(app, { 'pod-template-hash': hash }),
    },
    status: {
      replicas: states.length,
      fullyLabeledReplicas: states.length,
      readyReplicas: readyCount(states),
      availableReplicas: readyCount(states),
      observedGeneration: 1,
    },
  };
  return [
    deployment,
    set,
    serviceObject(app, bornMs),
    ...states.map((state) => podObject(state, { object: set, hash }, seed)),
  ];
}

const templateOf = (app: App, labels: Readonly<Record<string, string>>): Fields => ({
  metadata: { labels: { ...app.labels, ...labels }, ...annotationsOf(app) },
  spec: { containers: [containerOf(app)], restartPolicy: 'Always', terminationGracePeriodSeconds: 30 },
});

const wantedOf = ({ app, wanted }: Workload, { faults }: Look): number =>
  app.name === 'aurora-router' && faults.has('rollout_unavailable') ? wanted + 1 : wanted;

const FORBIDDEN = 'pods is forbidden: exceeded quota: compute, requested: cpu=100m, used: cpu=2, limited: cpu=2';

function deploymentObject(workload: Workload, states: readonly PodState[], look: Look, bornMs: number): ClusterObject {
  const { app } = workload;
  const router = app.name === 'aurora-router';
  const { faults } = look;
  const stuckMs = router ? faults.sinceMs('rollout_stuck') : null;
  const unseen = router && faults.has('rollout_unobserved');
  const quotaMs = router ? (faults.sinceMs('rollout_unavailable') ?? faults.sinceMs('pod_missing') ?? stuckMs) : null;
  const wanted = wantedOf(workload, look);
  const ready = readyCount(states);
  const generation = (stuckMs === null ? 1 : 2) + (unseen ? 1 : 0);
  const changedMs = Math.max(bornMs, ...states.map(({ condition }) => condition.sinceMs));
  const condition = (
    type: string,
    status: Condition['status'],
    [reason, message]: readonly [string, string],
    sinceMs: number,
  ): Condition & { readonly lastUpdateTime: string } => ({
    type,
    status,
    reason,
    message,
    lastUpdateTime: seconds(sinceMs),
    lastTransitionTime: seconds(sinceMs),
  });
  // No more than a quarter, rounded down, may be missing.
  const available = ready >= wanted - Math.floor(wanted / 4);
  return {
    ...head({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: app.name,
      namespace: app.namespace,
      createdMs: bornMs,
      labels: app.labels,
      annotations: { 'deployment.kubernetes.io/revision': String(stuckMs === null ? 1 : 2) },
      generation,
    }),
    spec: {
      replicas: wanted,
      selector: { matchLabels: { app: app.name } },
      template: templateOf(app, {}),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    },
    status: {
      observedGeneration: unseen ? generation - 1 : generation,
      replicas: states.length,
      // Absent where they are none, as the API leaves out what is zero.
      ...counts({
        updatedReplicas: stuckMs === null ? states.length : 0,
        readyReplicas: ready,
        availableReplicas: ready,
        unavailableReplicas: Math.max(0, wanted - ready),
      }),
      conditions: [
        available
          ? condition(
              'Available',
              'True',
              ['MinimumReplicasAvailable', 'Deployment has minimum availability.'],
              changedMs,
            )
          : condition(
              'Available',
              'False',
              ['MinimumReplicasUnavailable', 'Deployment does not have minimum availability.'],
              quotaMs ?? changedMs,
            ),
        stuckMs === null
          ? condition(
              'Progressing',
              'True',
              ['NewReplicaSetAvailable', `ReplicaSet "${app.name}" has successfully progressed.`],
              bornMs,
            )
          : condition(
              'Progressing',
              'False',
              ['ProgressDeadlineExceeded', `ReplicaSet "${app.name}" has timed out progressing.`],
              stuckMs,
            ),
        ...(quotaMs === null ? [] : [condition('ReplicaFailure', 'True', ['FailedCreate', FORBIDDEN], quotaMs)]),
      ],
    },
  };
}

const counts = (given: Readonly<Record<string, number>>): Fields =>
  Object.fromEntries(Object.entries(given).filter(([, count]) => count > 0));

function serviceObject(app: App, bornMs: number): ClusterObject {
  const clusterIP = `10.8.0.${(app.port % 199) + 20}`;
  return {
    ...head({
      apiVersion: 'v1',
      kind: 'Service',
      name: app.name,
      namespace: app.namespace,
      createdMs: bornMs,
      labels: app.labels,
      ...annotationsOf(app),
    }),
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'http', port: app.port, protocol: 'TCP', targetPort: 'http' }],
      selector: { app: app.name },
      sessionAffinity: 'None',
    },
    status: { loadBalancer: {} },
  };
}
