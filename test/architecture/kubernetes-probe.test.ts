/** What the probe may read of a cluster, against what its checks do read: both ways, so that neither grows alone. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { CheckKind } from '#shared/probes/check.ts';
import { fakeCluster } from '#test/support/fake-cluster.ts';
import { documentsIn, KUBERNETES, type Manifests, piecesOf } from './kubernetes/manifests.ts';
import type { Block } from './terraform/parsed.ts';

const CHECKS = new URL('../../shared/probes/checks/', import.meta.url);
const GIVEN: Readonly<Record<string, string>> = {
  namespace: 'vaultmesh',
  probe_account: 'aurora-probe@my-project.iam.gserviceaccount.com',
};
const template = readFileSync(join(KUBERNETES, 'probe/rbac.yaml.tftpl'), 'utf8');
const filled = documentsIn(template.replace(/\$\{(\w+)\}/g, (_, name: string) => GIVEN[name] ?? ''));

/** What a suite must say of a check, and every way in which it asks for something else. */
const SPECS: Readonly<Record<string, readonly object[]>> = {
  cluster: [{}],
  nodes: [{}],
  pods: [{ selector: { app: 'psi-field' } }],
  rollout: [{ deployment: 'psi-field' }],
  ingress: [{}],
  managed_certificate: [{}],
  keda_operator: [{}],
  scaled_object: ['scaledobjects', 'scaledjobs'].map((resource) => ({ scaled_object: 'x', max: 1, resource })),
  scale_to_zero: [{}],
};

async function checksOfTheCluster(): Promise<readonly CheckKind[]> {
  const files = globSync('*.ts', { cwd: CHECKS }).filter((file) => file !== 'index.ts');
  const modules = await Promise.all(
    files.map(async (file): Promise<object> => (await import(new URL(file, CHECKS).href)) as object),
  );
  return modules
    .flatMap((module): unknown[] => Object.values(module))
    .filter(
      (value): value is CheckKind =>
        typeof value === 'object' && value !== null && 'bind' in value && 'on' in value && value.on === 'kubernetes',
    );
}

/** `get /readyz`, or `list pods. in vaultmesh`: resource, its group, where. */
function rightOf(read: string): string {
  const [verb, path = ''] = read.split(' ');
  const named = /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)$/.exec(path);
  if (named === null) return `${verb} ${path}`;
  const [, group = '', namespace, resource] = named;
  return `${verb} ${resource}.${group}${namespace === undefined ? '' : ` in ${namespace}`}`;
}

async function needed(checks: readonly CheckKind[]): Promise<ReadonlySet<string>> {
  const rights = new Set<string>();
  for (const check of checks) {
    for (const spec of SPECS[check.kind] ?? []) {
      const fake = fakeCluster({ publishJob: async () => undefined });
      // Each reads all that it wants before it looks at what is there.
      fake.tools.kubernetes({ namespace: 'vaultmesh' }).list = async (path) => {
        fake.reads.push(`list ${path}`);
        return [];
      };
      fake.tools.kubernetes({ namespace: 'vaultmesh' }).get = async (path) => {
        fake.reads.push(`get ${path}`);
        return { status: 200, body: '' };
      };
      await check.bind(spec, { namespace: 'vaultmesh' })(fake.tools, fake.context);
      for (const read of fake.reads) rights.add(rightOf(read));
    }
  }
  return rights;
}

const RBAC = 'rbac.authorization.k8s.io';
interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs?: readonly string[];
}

/** What the account may do by these manifests. */
function granted(documents: readonly Block[]): ReadonlySet<string> {
  const rights = new Set<string>();
  const ours = documents.filter(({ apiVersion }) => apiVersion === `${RBAC}/v1`);
  const at = ({ metadata }: Block): Block => (metadata ?? {}) as Block;
  for (const binding of ours) {
    const {
      kind,
      subjects = [],
      roleRef = {},
    } = binding as {
      kind: string;
      subjects?: readonly Block[];
      roleRef?: Block;
    };
    const whole = kind === 'ClusterRoleBinding';
    const bound = subjects.some(
      (subject) =>
        subject['apiGroup'] === RBAC && subject['kind'] === 'User' && subject['name'] === GIVEN['probe_account'],
    );
    if (!(whole || kind === 'RoleBinding') || !bound || roleRef['apiGroup'] !== RBAC) continue;
    // Without a name it cannot be applied.
    if (typeof at(binding)['name'] !== 'string') continue;
    const { namespace } = at(binding);
    const roles = ours.filter(
      (role) =>
        role['kind'] === roleRef['kind'] &&
        at(role)['name'] === roleRef['name'] &&
        (role['kind'] === 'ClusterRole' || at(role)['namespace'] === namespace),
    );
    for (const { apiGroups = [], resources = [], nonResourceURLs = [], verbs = [] } of roles.flatMap(
      (role) => (role['rules'] ?? []) as readonly Rule[],
    ))
      for (const verb of verbs) {
        for (const url of whole ? nonResourceURLs : []) rights.add(`${verb} ${url}`);
        for (const group of apiGroups)
          for (const resource of resources)
            rights.add(`${verb} ${resource}.${group}${whole ? '' : ` in ${String(namespace)}`}`);
      }
  }
  return rights;
}

describe('what the probe may read of a cluster', () => {
  let checks: readonly CheckKind[] = [];
  beforeAll(async () => {
    checks = await checksOfTheCluster();
  });

  test('every check of a cluster is among those that are asked here', () => {
    expect(checks.map(({ kind }) => kind).toSorted()).toEqual(Object.keys(SPECS).toSorted());
  });

  test('is what its checks read, no less and no more', async () => {
    expect([...granted(filled)].toSorted()).toEqual([...(await needed(checks))].toSorted());
  });

  test('is reading alone', () => {
    expect(
      [...granted(filled)].map((right) => right.split(' ')[0]).filter((verb) => !/^(get|list)$/.test(verb ?? '')),
    ).toEqual([]);
  });

  test('of which one piece is taken out is not enough, whichever it is', () => {
    const manifests: Manifests = new Map([['rbac.yaml', filled]]);
    const rights = [...granted(filled)].toSorted();
    const unnoticed = piecesOf(manifests).filter(({ name, without }) => {
      const left = [...granted(without.get('rbac.yaml') ?? [])].toSorted();
      return left.join() === rights.join() && !name.includes('.labels');
    });
    expect(unnoticed.map(({ name }) => name)).toEqual([]);
  });

  test('says of what it is, and asks for what terraform gives', () => {
    for (const { metadata } of filled)
      expect(metadata).toMatchObject({
        name: 'aurora-probe',
        labels: { app: 'aurora-probe', component: 'probe', 'part-of': 'vaultmesh' },
      });
    expect(new Set([...template.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name))).toEqual(
      new Set(Object.keys(GIVEN)),
    );
  });
});
