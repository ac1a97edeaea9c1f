/** The infrastructure as data: every .tf file as JSON, held against the code that runs on it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from '@cdktf/hcl2json';
import { beforeAll, describe, expect, test } from 'vitest';
import { EVENTS } from '#shared/domain/events/catalogue.ts';
import { SUBSCRIPTIONS } from '#shared/topology.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TERRAFORM = join(ROOT, 'terraform');

type Block = Readonly<Record<string, unknown>>;
type Named = Readonly<Record<string, readonly Block[]>>;
interface Parsed {
  readonly resource?: Readonly<Record<string, Named>>;
  readonly module?: Named;
  readonly variable?: Named;
  readonly output?: Named;
  readonly locals?: readonly Block[];
}

/** Path below terraform/ -> what it says. */
const files = new Map<string, Parsed>();
beforeAll(async () => {
  for (const path of readdirSync(TERRAFORM, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.tf')) continue;
    files.set(path, (await parse(path, readFileSync(join(TERRAFORM, path), 'utf8'))) as Parsed);
  }
});

/** An expression of HCL, as it stands in a string of its JSON. */
const ref = (expression: string): string => `\${${expression}}`;

const inFolder = (folder: string): readonly Parsed[] =>
  [...files].filter(([path]) => path.startsWith(`${folder}/`)).map(([, parsed]) => parsed);
const moduleCalled = (name: string): Block => {
  const found = inFolder('aurora').flatMap((file) => file.module?.[name] ?? []);
  expect(found).toHaveLength(1);
  return found[0] as Block;
};
const resourcesIn = (folder: string, type: string): Readonly<Record<string, Block>> =>
  Object.fromEntries(
    inFolder(folder)
      .flatMap((file) => Object.entries(file.resource?.[type] ?? {}))
      .map(([name, [block]]) => [name, block as Block]),
  );
const local = (name: string): unknown =>
  inFolder('aurora')
    .flatMap((file) => file.locals ?? [])
    .find((block) => name in block)?.[name];

interface FunctionSpec {
  readonly publishes: readonly string[];
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly queries: boolean;
  readonly appends: boolean;
  readonly every: string | null;
  readonly stage: boolean;
}
/** As `local.functions` merges them. */
const functions = (): Readonly<Record<string, FunctionSpec>> =>
  Object.fromEntries(
    Object.entries(local('own') as Record<string, Partial<FunctionSpec>>).map(([name, own]) => [
      name,
      { ...(local('usual') as FunctionSpec), ...own },
    ]),
  );
/** Topics that the code of a function names for publishing, its quarantine among them. */
const publishedBy = (name: string): readonly string[] => {
  const folder = join(ROOT, 'functions', name);
  const code = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
  const named = Object.entries(EVENTS)
    .filter(([type]) => code.includes(`${type.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}.topic`))
    .map(([, { topic }]) => topic);
  return [
    ...named,
    ...(code.includes('quarantineOver(') ? [EVENTS['event-rejected'].topic] : []),
    ...(code.includes('/promoted-event.ts') ? [EVENTS['model-promoted'].topic] : []),
  ].sort();
};
const folders = readdirSync(join(ROOT, 'functions'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

describe('topics and subscriptions', () => {
  test('are those of the code: the generated topology, all of it', () => {
    expect(local('topology')).toBe(ref(`jsondecode(file("${ref('path.module')}/../topology.json"))`));
    expect(moduleCalled('topic')['for_each']).toBe(ref('toset(local.topology.topics)'));
    expect(moduleCalled('subscription')['for_each']).toBe(ref('local.topology.subscriptions'));
    const topology = JSON.parse(readFileSync(join(TERRAFORM, 'topology.json'), 'utf8')) as {
      topics: string[];
      subscriptions: Record<string, { topic: string; function: string }>;
    };
    for (const { topic } of Object.values(EVENTS)) {
      expect(topology.topics).toContain(topic);
      expect(Object.values(topology.subscriptions).map((subscription) => subscription.topic)).toContain(topic);
    }
    for (const { function: name } of Object.values(topology.subscriptions)) expect(functions()).toHaveProperty(name);
  });

  test('a topic has a dead-letter topic, with a subscription that keeps what comes there', () => {
    expect(Object.keys(resourcesIn('modules/topic', 'google_pubsub_topic')).sort()).toEqual(['dead_letter', 'this']);
    const kept = resourcesIn('modules/topic', 'google_pubsub_subscription')['dead_letter'];
    expect(kept).toMatchObject({
      topic: ref('google_pubsub_topic.dead_letter.id'),
      expiration_policy: [{ ttl: '' }],
      message_retention_duration: '2678400s',
    });
  });

  test('Pub/Sub’s service agent may forward and acknowledge dead letters', () => {
    expect(resourcesIn('modules/topic', 'google_pubsub_topic_iam_member')['dead_letter_forwarder']).toMatchObject({
      topic: ref('google_pubsub_topic.dead_letter.id'),
      role: 'roles/pubsub.publisher',
      member: `serviceAccount:${ref('var.service_agent')}`,
    });
    expect(resourcesIn('modules/subscription', 'google_pubsub_subscription_iam_member')['service_agent']).toMatchObject(
      {
        role: 'roles/pubsub.subscriber',
        member: `serviceAccount:${ref('var.service_agent')}`,
      },
    );
  });

  test('a subscription pushes with a token, pauses, gives up to the dead-letter topic and never expires', () => {
    expect(resourcesIn('modules/subscription', 'google_pubsub_subscription')['this']).toMatchObject({
      ack_deadline_seconds: ref('var.ack_deadline_seconds'),
      push_config: [{ oidc_token: [{ audience: ref('var.audience'), service_account_email: ref('var.pusher') }] }],
      retry_policy: [
        {
          minimum_backoff: `${ref('var.backoff_seconds.min')}s`,
          maximum_backoff: `${ref('var.backoff_seconds.max')}s`,
        },
      ],
      dead_letter_policy: [{ dead_letter_topic: ref('var.dead_letter_topic') }],
      expiration_policy: [{ ttl: '' }],
    });
  });
});

describe('functions', () => {
  test('every folder is a service, and no other is', () => {
    expect(Object.keys(functions()).sort()).toEqual(folders);
    expect(local('functions')).toBe(ref('{ for name, own in local.own : name => merge(local.usual, own) }'));
    expect(moduleCalled('function')['for_each']).toBe(ref('local.functions'));
  });

  test('every folder has a row in the README', () => {
    const readme = readFileSync(join(TERRAFORM, 'README.md'), 'utf8');
    expect(folders.filter((name) => !readme.includes(`\n| \`${name}\` | `))).toEqual([]);
  });

  test('a call may take longer than the handler’s budget', () => {
    // The service's timeout is the largest ack deadline of its subscriptions, each above its handler's budget.
    expect(local('timeout_seconds')).toContain('subscription.ack_deadline_seconds if subscription.function == name');
    const topology = JSON.parse(readFileSync(join(TERRAFORM, 'topology.json'), 'utf8')) as {
      subscriptions: Record<string, { ack_deadline_seconds: number }>;
    };
    for (const { name, handlerBudgetMs } of SUBSCRIPTIONS)
      expect(topology.subscriptions[name]?.ack_deadline_seconds).toBeGreaterThan(handlerBudgetMs / 1_000);
  });

  test.each(folders)('%s may do what its code does, and nothing else', (name) => {
    const code = readFileSync(join(ROOT, 'functions', name, 'index.ts'), 'utf8');
    const uses = (port: string): boolean => code.includes(`platform.${port}()`);
    const spec = functions()[name] as FunctionSpec;
    expect({ touchesWarehouse: spec.queries || spec.appends }).toEqual({
      touchesWarehouse: name === 'learn' || uses('warehouse'),
    });
    expect([...spec.publishes].sort()).toEqual(publishedBy(name));
    expect({ publishes: spec.publishes.length > 0 }).toEqual({ publishes: uses('bus') });
    expect({ keepsState: spec.writes.includes('state/') }).toEqual({ keepsState: uses('state') });
    expect({ objects: spec.reads.length + spec.writes.filter((folder) => folder !== 'state/').length > 0 }).toEqual({
      objects: uses('objects'),
    });
    expect({ stage: spec.stage }).toEqual({ stage: code.includes('config.stage') });
  });

  test('only service accounts call them, and each token is made out for the one that is called', () => {
    const text = [...files.keys()].map((path) => readFileSync(join(TERRAFORM, path), 'utf8')).join('\n');
    expect(text).not.toMatch(/"allUsers"|"allAuthenticatedUsers"/);
    expect(resourcesIn('modules/function', 'google_cloud_run_v2_service_iam_member')['caller']).toMatchObject({
      role: 'roles/run.invoker',
      member: `serviceAccount:${ref('each.value')}`,
    });
    for (const call of ['function', 'subscription', 'cron'])
      expect(moduleCalled(call)['audience']).toMatch(/^\$\{local\.url\[each\.(key|value\.function)\]\}$/);
  });
});

describe('rights and words', () => {
  /** Each with its reason; whatever else is granted on the project is a mistake. */
  const ON_PROJECT = new Map([['roles/bigquery.jobUser', 'a query is a job, and a job is the project’s']]);

  test('nothing is granted on the whole project but what is listed here', () => {
    const granted = [...files.values()].flatMap((file) =>
      Object.values(file.resource?.['google_project_iam_member'] ?? {}).map(([block]) => String(block?.['role'])),
    );
    expect([...new Set(granted)]).toEqual([...ON_PROJECT.keys()]);
    const types = [...files.values()].flatMap((file) => Object.keys(file.resource ?? {}));
    expect(types.filter((type) => /^google_project_iam_(binding|policy)$/.test(type))).toEqual([]);
  });

  test('tables and views are the generated ones', () => {
    const { event, distinct } = resourcesIn('modules/dataset', 'google_bigquery_table');
    expect(event).toMatchObject({
      for_each: ref('local.index.tables'),
      schema: ref(`file("${ref('path.module')}/../../schemas/${ref('each.key')}.json")`),
      require_partition_filter: ref('each.value.require_partition_filter'),
      deletion_protection: true,
    });
    expect(distinct).toMatchObject({ for_each: ref('local.index.tables') });
  });

  test('the bucket is versioned, closed to the public, and drops expired state', () => {
    expect(resourcesIn('modules/bucket', 'google_storage_bucket')['this']).toMatchObject({
      uniform_bucket_level_access: true,
      public_access_prevention: 'enforced',
      versioning: [{ enabled: true }],
      lifecycle_rule: expect.arrayContaining([
        expect.objectContaining({ condition: [{ days_since_custom_time: 1, matches_prefix: ['state/'] }] }),
      ]),
    });
  });

  test('every variable says what it is and refuses what it cannot be', () => {
    const variables = [...files].flatMap(([path, file]) =>
      Object.entries(file.variable ?? {}).map(([name, [block]]) => ({ at: `${path}: ${name}`, ...block })),
    );
    expect(variables.length).toBeGreaterThan(40);
    for (const variable of variables)
      expect(variable, variable.at).toMatchObject({
        description: expect.stringMatching(/\.$/),
        validation: [{ error_message: expect.stringMatching(/^Expected .+\.$/) }],
      });
  });

  test('dev and prod differ in their state', () => {
    const prefixes = ['dev', 'prod'].map((name) => {
      const text = readFileSync(join(TERRAFORM, 'environments', name, 'main.tf'), 'utf8');
      return /prefix = "([^"]+)"/.exec(text)?.[1];
    });
    expect(prefixes).toEqual(['aurora/dev', 'aurora/prod']);
  });
});
