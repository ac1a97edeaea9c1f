/** What clients ask before they ask for anything: which groups, which versions, which kinds. */
import { KUBERNETES_VERSION } from '../facts.ts';
import { GROUPS, RESOURCES } from './resources.ts';

/** Null: not of these. */
export function discover(path: string): unknown {
  if (path === '/version') return VERSION;
  if (path === '/api')
    return {
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '10.128.0.2:443' }],
    };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: GROUPS.map(groupOf) };
  const group = GROUPS.find(([name]) => path === `/apis/${name}`);
  if (group !== undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group) };
  if (path === '/api/v1') return resourceList('', 'v1');
  const known = GROUPS.find(([name, version]) => path === `/apis/${name}/${version}`);
  return known === undefined ? null : resourceList(...known);
}

const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(KUBERNETES_VERSION) ?? [];
const VERSION = {
  major,
  minor,
  gitVersion: KUBERNETES_VERSION,
  gitCommit: 'c1c2b3d4e5f60718293a4b5c6d7e8f9001122334',
  gitTreeState: 'clean',
  buildDate: '2026-05-12T04:20:14Z',
  goVersion: 'go1.23.6 X:boringcrypto',
  compiler: 'gc',
  platform: 'linux/amd64',
};

function groupOf([name, version]: readonly [string, string]) {
  const preferred = { groupVersion: `${name}/${version}`, version };
  return { name, versions: [preferred], preferredVersion: preferred };
}

/** What `kubectl get all` means by that. */
const IN_ALL = new Set(['Pod', 'Service', 'Deployment', 'ReplicaSet', 'Job']);

const resourceList = (group: string, version: string) => ({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: group === '' ? version : `${group}/${version}`,
  resources: RESOURCES.filter((one) => one.group === group && one.version === version).map((one) => ({
    name: one.plural,
    singularName: one.singular,
    namespaced: one.namespaced,
    kind: one.kind,
    verbs: ['get', 'list', 'watch'],
    ...(one.short.length > 0 ? { shortNames: one.short } : {}),
    ...(IN_ALL.has(one.kind) ? { categories: ['all'] } : {}),
  })),
});
