import { type App, NODES } from '../facts.ts';
import { type ClusterObject, type Condition, type Fields, head, seconds, suffixOf, uidOf } from './object.ts';
import type { PodState } from './workload.ts';

export interface PodOwner {
  readonly object: ClusterObject;
  /** Of the template that the pods were made from. */
  readonly hash: string;
}

export function podObject(state: PodState, owner: PodOwner, seed: number): ClusterObject {
  const { app, condition, createdMs, serial } = state;
  const name = `${owner.object.metadata.name}-${suffixOf(5, seed, app.name, serial)}`;
  const bound = condition.kind !== 'pending';
  const node = NODES[serial % 2 === 0 ? 0 : 1];
  return {
    ...head({
      apiVersion: 'v1',
      kind: 'Pod',
      name,
      namespace: app.namespace,
      createdMs,
      labels: { ...app.labels, 'pod-template-hash': owner.hash },
      ...annotationsOf(app),
      owner: owner.object,
    }),
    spec: {
      containers: [containerOf(app)],
      dnsPolicy: 'ClusterFirst',
      ...(bound ? { nodeName: node.name } : {}),
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
      serviceAccountName: 'default',
      terminationGracePeriodSeconds: 30,
    },
    status: {
      phase: condition.kind === 'pending' || bare(condition.kind) ? 'Pending' : 'Running',
      conditions: conditionsOf(state),
      qosClass: 'Burstable',
      ...(bound
        ? {
            hostIP: node.ip,
            podIP: `10.4.${serial % 2}.${10 + (serial % 200)}`,
            startTime: seconds(createdMs),
            containerStatuses: [containerStatus(state, name)],
          }
        : {}),
    },
  };
}

/** Its container has never run. */
const bare = (kind: PodState['condition']['kind']): boolean => kind === 'starting' || kind === 'image_pull';

export const annotationsOf = ({ scraped, port }: App): { readonly annotations?: Readonly<Record<string, string>> } =>
  scraped
    ? {
        annotations: {
          'prometheus.io/scrape': 'true',
          'prometheus.io/port': String(port),
          'prometheus.io/path': '/metrics',
        },
      }
    : {};

export const containerOf = (app: App): Fields => ({
  name: app.name,
  image: app.image,
  imagePullPolicy: 'IfNotPresent',
  ports: [{ name: 'http', containerPort: app.port, protocol: 'TCP' }],
  readinessProbe: {
    httpGet: { path: '/health', port: 'http', scheme: 'HTTP' },
    periodSeconds: 10,
    timeoutSeconds: 1,
    successThreshold: 1,
    failureThreshold: 3,
  },
  resources: { requests: { cpu: '100m', memory: '256Mi' } },
});

function conditionsOf(state: PodState): readonly Condition[] {
  const { condition, createdMs, app } = state;
  const { kind, sinceMs } = condition;
  const at = (type: string, status: Condition['status'], ms: number, why: Partial<Condition> = {}): Condition => ({
    type,
    status,
    lastTransitionTime: seconds(ms),
    ...why,
  });
  if (kind === 'pending')
    return [
      at('PodScheduled', 'False', sinceMs, {
        reason: 'Unschedulable',
        message: '0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available.',
      }),
    ];
  const unready = { reason: 'ContainersNotReady', message: `containers with unready status: [${app.name}]` };
  const ready = (type: string): Condition =>
    kind === 'ready' ? at(type, 'True', sinceMs) : at(type, 'False', sinceMs, unready);
  return [
    at('PodReadyToStartContainers', 'True', createdMs),
    at('Initialized', 'True', createdMs),
    ready('Ready'),
    ready('ContainersReady'),
    at('PodScheduled', 'True', createdMs),
  ];
}

function containerStatus(state: PodState, pod: string): Fields {
  const { app, condition, restarts, endedMs, createdMs } = state;
  const started = condition.kind === 'ready' || condition.kind === 'not_ready';
  return {
    name: app.name,
    image: app.image,
    imageID: bare(condition.kind) ? '' : `${app.image.split(':')[0]}@sha256:${digestOf(app.image)}`,
    ...(bare(condition.kind) ? {} : { containerID: `containerd://${digestOf(`${pod}/${restarts}`)}` }),
    ready: condition.kind === 'ready',
    started,
    restartCount: restarts,
    state: started
      ? { running: { startedAt: seconds((endedMs ?? createdMs) + 1_000) } }
      : { waiting: waitingOf(state, pod) },
    lastState: endedMs === null ? {} : { terminated: terminatedOf(state, endedMs) },
  };
}

const digestOf = (text: string): string => `${uidOf(text, 1)}${uidOf(text, 2)}`.replaceAll('-', '');

function waitingOf({ app, condition }: PodState, pod: string): Fields {
  if (condition.kind === 'crash_loop')
    return {
      reason: 'CrashLoopBackOff',
      message: `back-off 5m0s restarting failed container=${app.name} pod=${pod}_${app.namespace}`,
    };
  if (condition.kind === 'image_pull')
    return { reason: 'ImagePullBackOff', message: `Back-off pulling image "${app.image}": not found` };
  return { reason: 'ContainerCreating' };
}

const terminatedOf = ({ condition }: PodState, endedMs: number): Fields => ({
  ...(condition.kind === 'crash_loop' ? { exitCode: 1, reason: 'Error' } : { exitCode: 137, reason: 'OOMKilled' }),
  startedAt: seconds(endedMs - 60_000),
  finishedAt: seconds(endedMs),
});
