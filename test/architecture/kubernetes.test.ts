/** route and score in a cluster: the manifests as data, as they are and with one piece taken out, and as kustomize puts them together. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { APPS, MANIFEST_CHECKS } from './kubernetes/checks.ts';
import { documentsIn, KUBERNETES, manifest, piecesOf, readManifests } from './kubernetes/manifests.ts';
import { type Block, localsIn, readTerraform } from './terraform/parsed.ts';

const manifests = readManifests();
const template = readFileSync(join(KUBERNETES, 'overlay.yaml.tftpl'), 'utf8');
const { pods, kustomization } = localsIn(await readTerraform(), 'aurora');

const GIVEN: Readonly<Record<string, string>> = {
  namespace: 'vaultmesh',
  components: '["../../service-monitor"]',
  image_name: 'europe-west1-docker.pkg.dev/my-project/aurora/functions',
  image_digest: `sha256:${'a'.repeat(64)}`,
  router_env: '["AURORA_PLATFORM=gcp","AURORA_SCORE_URL=http://aurora-score:8080"]',
  score_env: '["AURORA_PLATFORM=gcp"]',
  router_account: 'aurora-route@my-project.iam.gserviceaccount.com',
  score_account: 'aurora-score@my-project.iam.gserviceaccount.com',
};
const overlayOf = (given: Readonly<Record<string, string>>): string =>
  template.replace(/\$\{(\w+)\}/g, (_, name: string) => given[name] ?? '');

describe('manifests', () => {
  test.each(MANIFEST_CHECKS)('$says', ({ breaches }) => {
    expect(breaches(manifests)).toEqual([]);
  });

  test('of which one piece is taken out are not well, whichever it is', () => {
    const pieces = piecesOf(manifests);
    expect(pieces.length).toBeGreaterThan(300);
    const unnoticed = pieces.filter(({ without }) =>
      MANIFEST_CHECKS.every(({ breaches }) => breaches(without).length === 0),
    );
    expect(unnoticed.map(({ name }) => name)).toEqual([]);
  });
});

describe('the overlay', () => {
  test('is given by terraform what it asks for', () => {
    const asked = new Set([...template.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name));
    const given = new Set([...String(kustomization).matchAll(/^ {4}(\w+)\s+=/gm)].map(([, name]) => name));
    expect(given).toEqual(asked);
    expect(asked).toEqual(new Set(Object.keys(GIVEN)));
  });

  test('names the pods as terraform lets them be the functions’ accounts', () => {
    expect(pods).toEqual(Object.fromEntries(Object.entries(APPS).map(([name, { app }]) => [name, app])));
    const [overlay] = documentsIn(overlayOf(GIVEN)) as [
      Block & { configMapGenerator: Block[]; patches: { target: Block; patch: string }[] },
    ];
    expect(overlay.configMapGenerator.map(({ name }) => name)).toEqual(Object.values(pods as Block));
    expect(overlay.patches.map(({ target }) => target)).toEqual(
      Object.values(pods as Block).map((name) => ({ kind: 'ServiceAccount', name })),
    );
  });
});

describe.skipIf(spawnSync('kubectl', ['version', '--client']).status !== 0)('kustomize', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'aurora-kubernetes-'));
    cpSync(KUBERNETES, folder, { recursive: true });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const built = (given: Readonly<Record<string, string>>) => {
    mkdirSync(join(folder, 'overlays/dev'), { recursive: true });
    writeFileSync(join(folder, 'overlays/dev/kustomization.yaml'), overlayOf({ ...GIVEN, ...given }));
    const { stdout, stderr } = spawnSync('kubectl', ['kustomize', join(folder, 'overlays/dev')], { encoding: 'utf8' });
    expect(stderr).toBe('');
    return new Map([['built.yaml', documentsIn(stdout)]]);
  };

  test('puts digest, environment and accounts in their places', () => {
    const all = built({ namespace: 'aurora-staging' });
    expect(all.get('built.yaml')?.map(({ metadata }) => (metadata as Block)['namespace'])).toEqual(
      all.get('built.yaml')?.map(() => 'aurora-staging'),
    );
    for (const [name, { app }] of Object.entries(APPS)) {
      const { spec } = manifest(all, 'Deployment', app) as {
        spec: { template: { metadata: Block; spec: { containers: Block[] } } };
      };
      const [container] = spec.template.spec.containers as [
        { image: string; envFrom: [{ configMapRef: { name: string } }, ...Block[]] },
      ];
      expect(container.image).toBe(`${GIVEN['image_name']}@${GIVEN['image_digest']}`);
      // Its name is a hash of what is in it, so another environment is another rollout.
      const [{ configMapRef }, ...secrets] = container.envFrom;
      const map = manifest(all, 'ConfigMap', configMapRef.name);
      expect(map['data']).toMatchObject({
        AURORA_PLATFORM: 'gcp',
        ...(name === 'route' ? { AURORA_SCORE_URL: 'http://aurora-score:8080' } : {}),
      });
      // Nobody makes it here, so it keeps its name.
      expect(secrets).toEqual(name === 'route' ? [{ secretRef: { name: 'aurora-router' } }] : []);
      expect(manifest(all, 'ServiceAccount', app)['metadata']).toMatchObject({
        annotations: { 'iam.gke.io/gcp-service-account': `aurora-${name}@my-project.iam.gserviceaccount.com` },
      });
    }
  });

  test.each([
    ['the operator of Prometheus', '["../../service-monitor"]', 'false', 1],
    ['annotations', '[]', 'true', 0],
  ])('has pods scraped once, by %s', (_, components, scrape, monitors) => {
    const all = built({ components });
    for (const { app } of Object.values(APPS))
      expect(manifest(all, 'Deployment', app)).toMatchObject({
        spec: { template: { metadata: { annotations: { 'prometheus.io/scrape': scrape } } } },
      });
    expect(all.get('built.yaml')?.filter(({ kind }) => kind === 'ServiceMonitor')).toHaveLength(monitors);
  });
});
