/** The deployment that is simulated, in the names and numbers of the public one. */

export const NAMESPACE = 'vaultmesh';
export const KEDA_NAMESPACE = 'keda';
export const NAMESPACES = ['default', KEDA_NAMESPACE, 'kube-node-lease', 'kube-system', NAMESPACE] as const;
export const REGION = 'us-central1';
export const PROJECT = 'vm-spawn';
export const CLUSTER_NAME = 'vaultmesh-cluster';

const imageOf = (name: string): string => `us-central1-docker.pkg.dev/${PROJECT}/vaultmesh/${name}:1.0.0`;

export interface App {
  readonly name: string;
  readonly namespace: string;
  readonly component: string;
  readonly port: number;
  /** Of a start. KEDA changes those of its targets. */
  readonly replicas: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  /** Whether Prometheus scrapes its pods. */
  readonly scraped: boolean;
}

const service = (name: string, component: string, port: number, replicas: number, scraped: boolean): App => ({
  name,
  namespace: NAMESPACE,
  component,
  port,
  replicas,
  labels: { app: name, component, 'part-of': 'vaultmesh' },
  image: imageOf(name),
  scraped,
});

const operator = (name: string, component: string, image: string, port: number): App => ({
  name,
  namespace: KEDA_NAMESPACE,
  component,
  port,
  replicas: 1,
  labels: {
    app: name,
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/component': component,
    'app.kubernetes.io/part-of': 'keda-operator',
    'app.kubernetes.io/version': '2.16.1',
  },
  image: `ghcr.io/kedacore/${image}:2.16.1`,
  scraped: false,
});

/** Two routers, so that one bad pod leaves the service up. */
export const APPS = {
  'psi-field': service('psi-field', 'psi', 8000, 1, true),
  scheduler: service('scheduler', 'scheduler', 9091, 1, true),
  'aurora-router': service('aurora-router', 'router', 8080, 2, true),
  analytics: service('analytics', 'dashboard', 3000, 1, false),
  'keda-operator': operator('keda-operator', 'operator', 'keda', 8080),
  'keda-operator-metrics-apiserver': operator(
    'keda-operator-metrics-apiserver',
    'metrics',
    'keda-metrics-apiserver',
    8080,
  ),
  'keda-admission-webhooks': operator('keda-admission-webhooks', 'webhooks', 'keda-admission-webhooks', 8080),
} as const satisfies Readonly<Record<string, App>>;
export type AppName = keyof typeof APPS;
export const APP_NAMES = Object.keys(APPS) as readonly AppName[];

/** Behind the ingress, by host: what it is to lead to. */
export const HOSTS = {
  'psi-field.vaultmesh.cloud': 'psi-field',
  'scheduler.vaultmesh.cloud': 'scheduler',
  'aurora.vaultmesh.cloud': 'aurora-router',
  'api.vaultmesh.cloud': 'aurora-router',
} as const satisfies Readonly<Record<string, AppName>>;

export interface Scaler {
  readonly name: string;
  readonly target: AppName;
  readonly subscription: string;
  /** Waiting messages for each replica. */
  readonly value: number;
  readonly max: number;
}

export const SCALERS: readonly Scaler[] = [
  { name: 'psi-field-scaler', target: 'psi-field', subscription: 'vaultmesh-psi-jobs-sub', value: 5, max: 10 },
  { name: 'scheduler-scaler', target: 'scheduler', subscription: 'vaultmesh-scheduler-jobs-sub', value: 5, max: 5 },
];
/** What GPU jobs run. */
export const GPU_WORKER = { name: 'gpu-worker', image: imageOf('gpu-worker') } as const;
export const JOB_SCALER = {
  name: 'gpu-job-scaler',
  subscription: 'vaultmesh-gpu-jobs-sub',
  value: 1,
  max: 10,
  /** Ended jobs that are still listed. */
  kept: 5,
} as const;

/** A topic with the subscription that is worked off, and by whom. */
export interface JobQueue {
  readonly topic: string;
  readonly subscription: string;
  readonly worker: string;
}
const queue = (subscription: string, worker: string): JobQueue => ({
  topic: subscription.replace(/-sub$/, ''),
  subscription,
  worker,
});
export const JOB_QUEUES: readonly JobQueue[] = [
  ...SCALERS.map(({ subscription, target }) => queue(subscription, target)),
  queue(JOB_SCALER.subscription, GPU_WORKER.name),
];
export const KEDA_POLL_S = 30;
export const KEDA_COOLDOWN_S = 300;

export interface NodeFact {
  readonly name: string;
  readonly machine: string;
  readonly zone: string;
  readonly ip: string;
  readonly cpu: string;
  readonly memory: string;
  readonly gpus: number;
}

const node = (pool: string, suffix: string, rest: Omit<NodeFact, 'name'>): NodeFact => ({
  name: `gke-${CLUSTER_NAME}-${pool}-${suffix}`,
  ...rest,
});

/** The last has no pod but those of GPU jobs: what happens to it alone happens to no service. */
export const NODES: readonly [NodeFact, NodeFact, NodeFact] = [
  node('default-pool-5c1e', 'k2x7', {
    machine: 'e2-standard-2',
    zone: 'us-central1-a',
    ip: '10.128.0.11',
    cpu: '2',
    memory: '8145396Ki',
    gpus: 0,
  }),
  node('default-pool-5c1e', 'w9fq', {
    machine: 'e2-standard-2',
    zone: 'us-central1-b',
    ip: '10.128.0.12',
    cpu: '2',
    memory: '8145396Ki',
    gpus: 0,
  }),
  node('gpu-pool-81d0', 'd4tz', {
    machine: 'g2-standard-4',
    zone: 'us-central1-a',
    ip: '10.128.0.13',
    cpu: '4',
    memory: '16393212Ki',
    gpus: 1,
  }),
];
/** As a cluster of the time says it, and as clients read it. */
export const KUBERNETES_VERSION = 'v1.32.4-gke.1415000';
