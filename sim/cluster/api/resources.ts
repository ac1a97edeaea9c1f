/** What the API has: the kinds that can be read, and where. */
export interface Resource {
  /** Empty: the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly short: readonly string[];
}

const of =
  (group: string, version: string) =>
  (kind: string, plural: string, short: readonly string[], namespaced = true): Resource => ({
    group,
    version,
    plural,
    singular: kind.toLowerCase(),
    kind,
    namespaced,
    short,
  });

const core = of('', 'v1');
const apps = of('apps', 'v1');
const keda = of('keda.sh', 'v1alpha1');

export const RESOURCES: readonly Resource[] = [
  core('Namespace', 'namespaces', ['ns'], false),
  core('Node', 'nodes', ['no'], false),
  core('Pod', 'pods', ['po']),
  core('Service', 'services', ['svc']),
  // There are none; `kubectl describe` asks for them.
  core('Event', 'events', ['ev']),
  apps('Deployment', 'deployments', ['deploy']),
  apps('ReplicaSet', 'replicasets', ['rs']),
  of('batch', 'v1')('Job', 'jobs', []),
  of('coordination.k8s.io', 'v1')('Lease', 'leases', []),
  keda('ScaledJob', 'scaledjobs', ['sj']),
  keda('ScaledObject', 'scaledobjects', ['so']),
  of('networking.gke.io', 'v1')('ManagedCertificate', 'managedcertificates', ['mcrt']),
  of('networking.k8s.io', 'v1')('Ingress', 'ingresses', ['ing']),
];

export const GROUPS: readonly (readonly [group: string, version: string])[] = [
  ...new Map(RESOURCES.filter(({ group }) => group !== '').map(({ group, version }) => [group, version])),
];

export interface Place {
  readonly resource: Resource;
  /** Null: of all, or of the cluster. */
  readonly namespace: string | null;
  /** Null: the list. */
  readonly name: string | null;
}

const PATH =
  /^\/(?:api\/(?<core>v1)|apis\/(?<group>[^/]+)\/(?<version>[^/]+))(?:\/namespaces\/(?<namespace>[^/]+))?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+))?$/;

/** Null: there is no such place. */
export function placeOf(path: string): Place | null {
  const parts = PATH.exec(path)?.groups;
  if (parts === undefined) return single(path);
  const { group = '', version = 'v1', plural, namespace = null, name = null } = parts;
  const resource = RESOURCES.find((one) => one.group === group && one.version === version && one.plural === plural);
  if (resource === undefined || (namespace !== null && !resource.namespaced)) return single(path);
  // A namespaced object has no name of its own.
  return name !== null && namespace === null && resource.namespaced ? null : { resource, namespace, name };
}

/** `/api/v1/namespaces/keda`: a name where the pattern above sees a namespace. */
function single(path: string): Place | null {
  const name = /^\/api\/v1\/namespaces\/([^/]+)$/.exec(path)?.[1];
  const resource = RESOURCES.find(({ plural }) => plural === 'namespaces');
  return name === undefined || resource === undefined ? null : { resource, namespace: null, name };
}
