/**
 * What a plan says, without a provider (terraform/values.ts): that there is one, that wrong values are refused, and what services,
 * accounts and alerts come to. Skipped where terraform is not installed, and in `npm test` (`npm run test:all`).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROVIDER_NAMES, parseConfig } from '#shared/config.ts';
import { STREAM_LIMIT_MS } from '#shared/defaults.ts';
import { runsDear } from '#test/support/dear.ts';
import { tenantsVariable } from '#test/support/tenants.ts';
import { FOLDERS, needsOf } from './terraform/code.ts';
import { type Block, readTerraform } from './terraform/parsed.ts';
import { hasTerraform, type Planned, type Workplace, workplaceOf } from './terraform/values.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const PROJECT = 'my-project';
const account = (name: string): string => `${name}@${PROJECT}.iam.gserviceaccount.com`;
const VALUES = {
  project: PROJECT,
  region: 'europe-west1',
  location: 'EU',
  image: `europe-west1-docker.pkg.dev/${PROJECT}/aurora/functions@${DIGEST}`,
  callers: { tenants: account('tenants') },
  builders: { build: account('build') },
  marketplaces: PROVIDER_NAMES,
  job_topics: ['vaultmesh-psi-jobs', 'projects/vm-spawn/topics/vaultmesh-gpu-jobs'],
  notification_channels: [`projects/${PROJECT}/notificationChannels/1`],
  cluster: {
    workload_pool: `${PROJECT}.svc.id.goog`,
    namespace: 'vaultmesh',
    nodes: account('nodes'),
    service_monitor: true,
    name: 'vaultmesh-cluster',
  },
};

const TENANTS = 'AURORA_TENANTS';
const PROBE = 'AURORA_PROBE';
const OF_SECRETS: Readonly<Record<string, string>> = {
  [TENANTS]: tenantsVariable('ann'),
  [PROBE]: JSON.stringify({ suites: ['suites/production.yaml', 'suites/loop.yaml'] }),
};
const secretOf = (provider: string): string => `AURORA_PROVIDER_${provider.toUpperCase()}_KEY`;
/** In the form that fits every marketplace. */
const keyIn = (secret: string): string => `public:${secret}`;

describe.skipIf(!hasTerraform() || !runsDear)('a plan', () => {
  let environments: Record<'dev' | 'prod', Workplace>;
  let dev: Planned;
  beforeAll(async () => {
    const parsed = await readTerraform();
    environments = { dev: workplaceOf(parsed, 'dev'), prod: workplaceOf(parsed, 'prod') };
    dev = environments.dev.plan(VALUES);
  });
  afterAll(() => {
    for (const { remove } of Object.values(environments ?? {})) remove();
  });

  /** Address within its kind -> arguments. */
  const planned = (part: string): ReadonlyMap<string, Block> =>
    new Map([...dev.resources].filter(([address]) => address.includes(part)));
  const theOnly = (part: string): Block => {
    const found = [...planned(part).values()];
    expect(found, part).toHaveLength(1);
    return found[0] as Block;
  };
  const dig = (value: unknown, ...path: (string | number)[]): unknown =>
    path.reduce<unknown>((at, step) => (at as Readonly<Record<string | number, unknown>>)[step], value);
  /** As an instance finds it. */
  const envOf = (block: Block, ...path: (string | number)[]): Record<string, string> =>
    Object.fromEntries(
      (dig(block, ...path, 'containers', 0, 'env') as Block[]).map(({ name, value, value_source: source }) => {
        const secret = source === undefined ? '' : dig(source, 0, 'secret_key_ref', 0, 'secret');
        return [name, value ?? OF_SECRETS[String(secret)] ?? keyIn(String(secret))];
      }),
    );
  /** A threshold's, or that of an absence. */
  const filterOf = (condition: Block): unknown =>
    dig(
      condition['condition_threshold'] === undefined || (condition['condition_threshold'] as Block[]).length === 0
        ? condition['condition_absent']
        : condition['condition_threshold'],
      0,
      'filter',
    );
  const seconds = (text: unknown): number => Number(/^(\d+)s$/.exec(String(text))?.[1]);
  const serviceOf = (name: string): Block => theOnly(`module.function["${name}"].google_cloud_run_v2_service.this`);
  const instanceIn = (address: string): string => /\["([^"]+)"\]$/.exec(address)?.[1] ?? '';

  test.each(FOLDERS)('%s starts with what it is given', (name) => {
    const env = envOf(serviceOf(name), 'template', 0);
    const { google, functionTarget, providers, tenants } = parseConfig(env);
    expect(functionTarget).toBe(name);
    const keys = new Set(Object.values(providers).map((account) => account?.key ?? null));
    expect(keys).toEqual(new Set(needsOf(name).providers ? PROVIDER_NAMES.map((one) => keyIn(secretOf(one))) : [null]));
    expect(tenants?.map(({ tenant_id: id }) => id) ?? null).toEqual(needsOf(name).identifies ? ['ann'] : null);
    expect(google).toMatchObject({
      projectId: PROJECT,
      bucket: `${PROJECT}-aurora-dev`,
      dataset: 'aurora',
      location: 'EU',
      callers: { audience: `https://aurora-${name}-123456789012.europe-west1.run.app` },
    });
  });

  test('the job starts with the same, and asks nobody who calls', () => {
    const job = theOnly('google_cloud_run_v2_job.this');
    const config = parseConfig(envOf(job, 'template', 0, 'template', 0));
    expect(config.functionTarget).toBe('train');
    expect(config.google?.callers).toBeNull();
    const { AURORA_TRAINING_JOB } = envOf(serviceOf('train'), 'template', 0);
    expect(AURORA_TRAINING_JOB).toBe(`projects/${PROJECT}/locations/europe-west1/jobs/${job['name']}`);
  });

  test('a push and a call of the clock carry tokens of callers, for the audience that the function expects', () => {
    const calls = [
      ...[...planned('google_pubsub_subscription.this').values()].map((block) => dig(block, 'push_config', 0)),
      ...[...planned('google_cloud_scheduler_job.this').values()].map((block) => dig(block, 'http_target', 0)),
    ];
    expect(calls.length).toBeGreaterThan(10);
    for (const call of calls) {
      const { service_account_email, audience } = dig(call, 'oidc_token', 0) as Record<string, string>;
      const name = /^https:\/\/aurora-([a-z]+)-/.exec(audience ?? '')?.[1] ?? '';
      const env = envOf(serviceOf(name), 'template', 0);
      expect(env['AURORA_AUDIENCE']).toBe(audience);
      expect(env['AURORA_CALLERS']?.split(',')).toContain(service_account_email);
    }
  });

  test('who may call at Cloud Run is whom the function expects', () => {
    for (const name of FOLDERS) {
      const members = [...planned(`module.function["${name}"].google_cloud_run_v2_service_iam_member.caller`).values()];
      const expected = envOf(serviceOf(name), 'template', 0)
        ['AURORA_CALLERS']?.split(',')
        .map((email) => `serviceAccount:${email}`);
      expect(members.map(({ member }) => member).sort()).toEqual(expected?.sort());
      expect(new Set(members.map(({ role }) => role))).toEqual(new Set(['roles/run.invoker']));
    }
  });

  test('the probe is let through to every other service, and score alone takes its requests', () => {
    const probe = `serviceAccount:${account('aurora-probe')}`;
    const invoked = [...planned('google_cloud_run_v2_service_iam_member')]
      .filter(([, { member, role }]) => member === probe && role === 'roles/run.invoker')
      .map(([address]) => /module\.function\["([^"]+)"\]/.exec(address)?.[1]);
    expect(invoked.sort()).toEqual(FOLDERS.filter((name) => name !== 'probe'));
    const takenBy = FOLDERS.filter((name) =>
      envOf(serviceOf(name), 'template', 0)['AURORA_CALLERS']?.split(',').includes(account('aurora-probe')),
    );
    expect(takenBy).toEqual(['score']);
  });

  test('whoever releases may ask each service as the first of its callers, tenants apart', () => {
    const asked = new Set(
      [...planned('google_service_account_iam_member.asker').values()].map(({ service_account_id: id }) =>
        String(id).split('/').at(-1),
      ),
    );
    const first = FOLDERS.map((name) => envOf(serviceOf(name), 'template', 0)['AURORA_CALLERS']?.split(',')[0] ?? '');
    expect(first.filter((email) => !asked.has(email))).toEqual([account('tenants')]);
  });

  test('a service has time for what its subscriptions and the clock wait for', () => {
    const timeoutOf = (name: string): number => seconds(dig(serviceOf(name), 'template', 0, 'timeout'));
    for (const block of planned('google_pubsub_subscription.this').values())
      expect(timeoutOf(/^([a-z]+)-/.exec(String(block['name']))?.[1] ?? '')).toBeGreaterThanOrEqual(
        Number(block['ack_deadline_seconds']),
      );
    for (const block of planned('google_cloud_scheduler_job.this').values())
      expect(timeoutOf(String(block['name']).replace('aurora-', ''))).toBeGreaterThanOrEqual(
        seconds(block['attempt_deadline']),
      );
  });

  test('a streamed answer is ended before Cloud Run cuts it off', () => {
    expect(seconds(dig(serviceOf('route'), 'template', 0, 'timeout'))).toBeGreaterThan(STREAM_LIMIT_MS / 1_000);
  });

  test.each(FOLDERS)('%s may do what its code does', (name) => {
    const member = `serviceAccount:${account(`aurora-${name}`)}`;
    const mine = [...dev.resources].filter(([, block]) => block['member'] === member);
    const needs = needsOf(name);
    const roles = (kind: string): unknown[] =>
      mine
        .filter(([address]) => address.includes(kind))
        .map(([, { role }]) => role)
        .sort();
    const topics = mine
      .filter(([address]) => address.includes('google_pubsub_topic_iam_member'))
      .map(([address]) => /module\.topic\["([^"]+)"\]|\["([^"]+)"\]$/.exec(address)?.slice(1).find(Boolean));
    expect(topics.sort()).toEqual([...needs.publishes, ...(needs.jobs ? VALUES.job_topics : [])].sort());
    expect(roles('bigquery_dataset')).toEqual([
      ...(needs.appends ? ['roles/bigquery.dataEditor'] : []),
      ...(needs.queries ? ['roles/bigquery.dataViewer'] : []),
    ]);
    expect(roles('google_project_iam')).toEqual([
      ...(needs.connects ? [`projects/${PROJECT}/roles/auroraProbeConnects`] : []),
      ...(needs.counts ? [`projects/${PROJECT}/roles/auroraProbeCounts`] : []),
      ...(needs.queries ? ['roles/bigquery.jobUser'] : []),
    ]);
    const secrets = [
      ...(needs.providers ? PROVIDER_NAMES.map(secretOf) : []),
      ...(needs.identifies ? [TENANTS] : []),
      ...(name === 'probe' ? [PROBE] : []),
    ];
    expect(roles('secret_manager')).toEqual(secrets.map(() => 'roles/secretmanager.secretAccessor'));
    expect(mine.flatMap(([, { secret_id: id }]) => id ?? []).sort()).toEqual(secrets.sort());
    expect(roles('run_v2_job')).toEqual(name === 'train' ? ['roles/run.jobsExecutorWithOverrides'] : []);
    const folders = mine.flatMap(([, block]) =>
      [
        ...String(dig(block, 'condition') === undefined ? '' : dig(block, 'condition', 0, 'expression')).matchAll(
          /objects\/([a-z]+\/)/g,
        ),
      ].map(([, folder]) => folder),
    );
    expect(folders.sort()).toEqual(needs.folders.filter((folder) => !(name === 'train' && folder === 'aliases/')));
  });

  test('slow is what the service’s callers call slow', () => {
    const limits = Object.fromEntries(
      [...planned('google_monitoring_alert_policy.latency')].map(([address, block]) => [
        instanceIn(address),
        dig(block, 'conditions', 0, 'condition_threshold', 0, 'threshold_value'),
      ]),
    );
    expect(limits).toEqual({
      collect: 60_000,
      deploy: 40_000,
      ingest: 30_000,
      learn: 62_500,
      probe: 152_500,
      promote: 297_500,
      route: 1_000,
      score: 200,
      train: 297_500,
      watch: 60_000,
    });
  });

  test('an alert’s filter is one that Monitoring takes: shorter than 2,048 characters, every name in quotes', () => {
    for (const [address, block] of planned('google_monitoring_alert_policy'))
      for (const condition of block['conditions'] as Block[])
        for (const filter of [filterOf(condition)]) {
          expect(String(filter).length, address).toBeLessThan(2_048);
          expect(filter, address).toMatch(
            /^resource\.type = "\w+"( AND [\w.]+ = ("[^"]+"|one_of\(("[^"]+", )*"[^"]+"\)))+$/,
          );
        }
  });

  test('without an image only the registry can be made, and secrets with their readers', () => {
    const { image: _, ...rest } = VALUES;
    const first = environments.dev.plan(rest, {
      targets: ['module.aurora.module.registry', 'module.aurora.module.secret'],
    });
    const kinds = new Set([...first.resources.keys()].map((address) => address.replace(/\["[^"]+"\]/g, '')));
    expect([...kinds].sort()).toEqual([
      'module.aurora.google_service_account.function',
      'module.aurora.module.registry.google_artifact_registry_repository.this',
      'module.aurora.module.registry.google_artifact_registry_repository_iam_member.reader',
      'module.aurora.module.registry.google_artifact_registry_repository_iam_member.writer',
      'module.aurora.module.secret.google_secret_manager_secret.this',
      'module.aurora.module.secret.google_secret_manager_secret_iam_member.reader',
    ]);
    expect(() => environments.dev.plan(rest)).toThrow(/REGISTRY\/IMAGE@sha256:DIGEST/);
  });

  // Terraform names all that is wrong at once, as far as it gets.
  test.each<[name: string, values: Block, refusals: readonly RegExp[]]>([
    [
      'an image by its tag, everybody as caller, a cluster without its pool, a channel by its number',
      {
        image: 'europe-west1-docker.pkg.dev/my-project/aurora/functions:latest',
        callers: { all: 'allUsers' },
        cluster: { ...VALUES.cluster, workload_pool: 'pool' },
        notification_channels: ['1'],
      },
      [
        /REGISTRY\/IMAGE@sha256:DIGEST/,
        /Expected at least one, each the e-mail/,
        /PROJECT\.svc\.id\.goog/,
        /notificationChannels\/ID/,
      ],
    ],
    [
      'no marketplace, a threshold of another name',
      { marketplaces: [], thresholds: { latency: 5 } },
      [/Expected at least one: without an account/, /names of modules\/alerts\/thresholds\.tf/],
    ],
    [
      'a marketplace that nobody can talk to, nobody who may call',
      { marketplaces: ['ebay'], callers: {} },
      [/adapter for: (\w+, )*vast\./, /Expected at least one, each the e-mail/],
    ],
    ['a topic of ours for jobs', { job_topics: ['routing-decisions'] }, [/none of them ours/]],
    ['what is no name of a topic', { job_topics: ['projects/x/jobs'] }, [/Expected names of topics, such as/]],
    [
      'a cluster by the name of its context',
      { cluster: { ...VALUES.cluster, name: 'gke_my-project_europe-west1_vaultmesh-cluster' } },
      [/null or the name of a cluster/],
    ],
    ['a threshold out of bounds', { thresholds: { error_part: 5 } }, [/above 0 and below 1/]],
  ])('refuses %s', (_, values, refusals) => {
    let said = '';
    try {
      environments.dev.plan({ ...VALUES, ...values });
    } catch (error) {
      said = String(error).replace(/\s+/g, ' ');
    }
    for (const refusal of refusals) expect(said).toMatch(refusal);
  });

  test('the probe connects to the cluster that is named, and reads there what RBAC lets it', () => {
    expect(theOnly('google_project_iam_custom_role.probe_connects')['permissions']).toEqual([
      'container.clusters.connect',
    ]);
    expect(dig(theOnly('google_project_iam_member.probe_connects'), 'condition', 0, 'expression')).toBe(
      'resource.name.endsWith("/clusters/vaultmesh-cluster")',
    );
    const rbac = String(dev.outputs['probe_rbac']);
    expect(rbac).toContain(`kind: User, name: ${account('aurora-probe')} }`);
    expect(rbac).toContain('namespace: vaultmesh');
    expect(rbac).not.toMatch(/\$\{/);
  });

  test.each([
    ['a cluster is reached by its address', { ...VALUES.cluster, name: null }],
    ['there is no cluster', null],
  ])('it has no right to connect where %s', (_, cluster) => {
    const { resources, outputs } = environments.dev.plan({ ...VALUES, cluster });
    expect([...resources.keys()].filter((address) => address.includes('probe_connects'))).toEqual([]);
    expect(outputs['probe_rbac'] === null).toBe(cluster === null);
  });

  test('a threshold that is set holds', () => {
    const prod = environments.prod.plan({ ...VALUES, cluster: null, thresholds: { score_latency_p95_ms: 150 } });
    const [, policy] = [...prod.resources].find(([address]) => address.endsWith('alert_policy.latency["score"]')) ?? [];
    expect(dig(policy, 'conditions', 0, 'condition_threshold', 0, 'threshold_value')).toBe(150);
    expect(prod.outputs['kustomization']).toBeNull();
  });

  test('jobs may be put by probe on the topics that are named', () => {
    const grants = [...planned('probe_jobs').values()];
    expect(grants.map(({ topic, role }) => `${String(role)} ${String(topic)}`).sort()).toEqual([
      'roles/pubsub.publisher projects/vm-spawn/topics/vaultmesh-gpu-jobs',
      'roles/pubsub.publisher vaultmesh-psi-jobs',
    ]);
  });

  test('what a cluster is given holds no secret', () => {
    expect(dev.outputs['kustomization']).toContain('AURORA_SCORE_URL=http://aurora-score:8080');
    expect(dev.outputs['kustomization']).not.toMatch(/AURORA_TENANTS|AURORA_PROVIDER/);
  });

  test('prod insists on somebody who hears of alerts', () => {
    expect(() => environments.prod.plan({ ...VALUES, notification_channels: [] })).toThrow(/Expected at least one/);
  });
});
