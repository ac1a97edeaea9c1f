/** What must hold of the manifests: one line for each breach. */
import { DRAIN_LIMIT_MS } from '#shared/defaults.ts';
import { differing, unlike } from '../terraform/check.ts';
import type { Block } from '../terraform/parsed.ts';
import { filesBeside, kustomization, type Manifests, manifest, resourcesOf } from './manifests.ts';
import { BOTH, type ManifestCheck, NETWORK } from './network.ts';

/** Function -> what it is called in the cluster, and what it is of. */
export const APPS = {
  route: { app: 'aurora-router', component: 'router' },
  score: { app: 'aurora-score', component: 'score' },
} as const;
const apps = Object.entries(APPS) as readonly [
  'route' | 'score',
  { readonly app: string; readonly component: string },
][];

const each =
  (find: (name: 'route' | 'score', app: string, manifests: Manifests) => readonly string[]) => (manifests: Manifests) =>
    apps.flatMap(([name, { app }]) => find(name, app, manifests));

const podOf = (manifests: Manifests, app: string): Block =>
  ((manifest(manifests, 'Deployment', app)['spec'] as Block | undefined)?.['template'] as Block | undefined) ?? {};
const containersOf = (manifests: Manifests, app: string): readonly Block[] =>
  ((podOf(manifests, app)['spec'] as Block | undefined)?.['containers'] as readonly Block[] | undefined) ?? [];

const HTTP = { port: 'http' } as const;

export const MANIFEST_CHECKS: readonly ManifestCheck[] = [
  {
    says: 'every file is of a kustomization, and every resource says what it is of',
    breaches: (manifests) => [
      ...unlike('base', kustomization(manifests, 'base'), {
        apiVersion: 'kustomize.config.k8s.io/v1beta1',
        kind: 'Kustomization',
        namespace: 'vaultmesh',
      }),
      ...['base', 'service-monitor'].flatMap((folder) =>
        differing(
          folder,
          (kustomization(manifests, folder)['resources'] ?? []) as string[],
          filesBeside(manifests, folder),
        ),
      ),
      ...resourcesOf(manifests).flatMap(({ kind, metadata }) => {
        const { name, labels } = (metadata ?? {}) as Block;
        const component = apps.find(([, { app }]) => app === name)?.[1].component;
        return [
          ...unlike(`${kind} ${name}`, labels, {
            app: name,
            'part-of': 'vaultmesh',
            ...(component === undefined ? {} : { component }),
          }),
          ...(typeof (labels as Block | undefined)?.['component'] === 'string'
            ? []
            : [`${kind} ${name}: of what component?`]),
        ];
      }),
    ],
  },
  {
    says: 'a pod runs one function, with what the overlay gives it',
    breaches: each((name, app, manifests) => [
      ...unlike(app, manifest(manifests, 'Deployment', app), {
        apiVersion: 'apps/v1',
        spec: { selector: { matchLabels: { app } }, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
      }),
      ...unlike(app, podOf(manifests, app), {
        metadata: { labels: { app, component: APPS[name].component, 'part-of': 'vaultmesh' } },
        spec: { serviceAccountName: app },
      }),
      ...unlike(app, containersOf(manifests, app), [
        {
          name,
          image: 'aurora',
          ports: [{ name: 'http', containerPort: 8080 }],
          env: [
            { name: 'FUNCTION_TARGET', value: name },
            { name: 'NODE_ENV', value: 'production' },
            { name: 'PORT', value: '8080' },
          ],
          envFrom: [{ configMapRef: { name: app } }, ...(name === 'route' ? [{ secretRef: { name: app } }] : [])],
          resources: { requests: { cpu: '100m', memory: '256Mi' } },
        },
      ]),
      // An instance that eats the node’s memory is ended before the node is.
      ...(/^\d+(Mi|Gi)$/.test(
        String(((containersOf(manifests, app)[0]?.['resources'] as Block)?.['limits'] as Block)?.['memory']),
      )
        ? []
        : [`${app}: no limit of memory`]),
    ]),
  },
  {
    says: 'a pod has no right on its node, nor at the API of Kubernetes',
    breaches: each((_, app, manifests) => [
      ...unlike(app, podOf(manifests, app), {
        spec: {
          automountServiceAccountToken: false,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 1000,
            runAsGroup: 1000,
            seccompProfile: { type: 'RuntimeDefault' },
          },
        },
      }),
      ...unlike(app, containersOf(manifests, app), [
        {
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ]),
      ...unlike(app, manifest(manifests, 'ServiceAccount', app), {
        apiVersion: 'v1',
        automountServiceAccountToken: false,
      }),
    ]),
  },
  {
    says: 'a pod is asked whether it starts, lives and is ready, and has time to leave',
    breaches: each((_, app, manifests) => {
      const [container = {}] = containersOf(manifests, app);
      const seconds = Number(
        (((container['lifecycle'] as Block)?.['preStop'] as Block)?.['sleep'] as Block)?.['seconds'],
      );
      const grace = Number((podOf(manifests, app)['spec'] as Block | undefined)?.['terminationGracePeriodSeconds']);
      return [
        ...unlike(app, container, {
          startupProbe: { httpGet: { path: '/health', ...HTTP }, periodSeconds: 1, failureThreshold: 60 },
          readinessProbe: { httpGet: { path: '/ready', ...HTTP }, periodSeconds: 5, failureThreshold: 2 },
          livenessProbe: {
            httpGet: { path: '/health', ...HTTP },
            periodSeconds: 10,
            timeoutSeconds: 5,
            failureThreshold: 3,
          },
        }),
        ...(seconds >= 5 && grace > seconds + DRAIN_LIMIT_MS / 1_000
          ? []
          : [`${app}: leaves ${seconds} s before SIGTERM, killed after ${grace} s`]),
      ];
    }),
  },
  {
    says: 'there are two of each at least, apart from one another, and never both gone at once',
    breaches: each((_, app, manifests) => [
      ...unlike(app, podOf(manifests, app), {
        spec: {
          topologySpreadConstraints: ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
            maxSkew: 1,
            topologyKey,
            whenUnsatisfiable: 'ScheduleAnyway',
            labelSelector: { matchLabels: { app } },
          })),
        },
      }),
      ...unlike(app, manifest(manifests, 'HorizontalPodAutoscaler', app), {
        apiVersion: 'autoscaling/v2',
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: app },
          minReplicas: 2,
          maxReplicas: 10,
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { type: 'AverageValue', averageValue: '600m' } } },
          ],
        },
      }),
      ...unlike(app, manifest(manifests, 'PodDisruptionBudget', app), {
        apiVersion: 'policy/v1',
        spec: { maxUnavailable: 1, selector: { matchLabels: { app } } },
      }),
    ]),
  },
  {
    says: 'a service leads to the pods, and both ways of scraping find them',
    breaches: (manifests) => [
      ...apps.flatMap(([, { app }]) => [
        ...unlike(app, manifest(manifests, 'Service', app), {
          apiVersion: 'v1',
          spec: { selector: { app }, ports: [{ name: 'http', port: 8080, targetPort: 'http' }] },
        }),
        ...unlike(app, podOf(manifests, app), {
          metadata: {
            annotations: {
              'prometheus.io/scrape': 'true',
              'prometheus.io/port': '8080',
              'prometheus.io/path': '/metrics',
            },
          },
        }),
      ]),
      ...unlike('ServiceMonitor', manifest(manifests, 'ServiceMonitor', 'aurora'), {
        apiVersion: 'monitoring.coreos.com/v1',
        metadata: { namespace: 'vaultmesh' },
        spec: { selector: BOTH, endpoints: [{ ...HTTP, path: '/metrics', interval: '30s' }] },
      }),
      ...unlike('service-monitor', kustomization(manifests, 'service-monitor'), {
        apiVersion: 'kustomize.config.k8s.io/v1alpha1',
        kind: 'Component',
        patches: [
          {
            target: { kind: 'Deployment', labelSelector: 'app in (aurora-router, aurora-score)' },
            patch: '- op: replace\n  path: /spec/template/metadata/annotations/prometheus.io~1scrape\n  value: "false"',
          },
        ],
      }),
    ],
  },
  ...NETWORK,
];
