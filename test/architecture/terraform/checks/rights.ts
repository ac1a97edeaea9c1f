/** Who may do what: what the code does, and nothing else. */

import { type Check, differing, functionsOf, unlike } from '../check.ts';
import { FOLDERS, needsOf } from '../code.ts';
import { allResources, type Block, localsIn, moduleCall, namedIn, ref, resource, textsIn } from '../parsed.ts';

/** Roles on the whole project, each with its reason; whatever else is granted there is a mistake. */
const ON_PROJECT = new Map([
  ['roles/bigquery.jobUser', 'a query is a job, and a job is the project’s'],
  [ref('google_project_iam_custom_role.probe_counts.name'), 'time series are the project’s'],
  [ref('google_project_iam_custom_role.probe_connects[each.key].name'), 'of a cluster IAM knows no rights of its own'],
]);
/** A definition, which grants nothing. */
export const CUSTOM_ROLE = 'google_project_iam_custom_role';

/** What the import graph cannot know. */
const UNREACHED: Readonly<Record<string, readonly string[]>> = {
  // Its registry could, but to make a version no alias is asked for.
  train: ['aliases/'],
};

const SERVICE_ACCOUNT = `serviceAccount:${ref('each.value')}`;
const USER = `serviceAccount:${ref('each.value.email')}`;
const accountsIf = (condition: string): string =>
  ref(`{
    for name, function in local.functions : name => google_service_account.function[name].email
    if ${condition}
  }`);

/** Names of variables, by function. */
const SECRETS = ref(`{
    for name, function in local.functions : name => concat(
      [for marketplace in var.marketplaces : "AURORA_PROVIDER_${ref('upper(marketplace)')}_KEY" if function.keys],
      function.secrets,
    )
  }`);

const inFolders = (folders: string): Block => ({
  expression: ref(
    `join(" || ", [for folder in each.value.${folders} : "resource.name.startsWith(\\"projects/_/buckets/${ref('google_storage_bucket.this.name')}/objects/${ref('folder')}\\")"])`,
  ),
});

export const RIGHTS: readonly Check[] = [
  {
    says: 'a function may do what its code does',
    breaches: (parsed) => {
      const functions = functionsOf(parsed);
      return FOLDERS.flatMap((name) => {
        const { publishes = [], reads = [], writes = [], queries, appends, keys } = functions[name] ?? {};
        const needs = needsOf(name);
        const unreached = UNREACHED[name] ?? [];
        return [
          ...differing(`${name} publishes`, publishes, needs.publishes),
          ...differing(
            `${name} reaches`,
            [...reads, ...writes],
            needs.folders.filter((folder) => !unreached.includes(folder)),
          ),
          ...unlike(name, { state: writes.includes('state/') }, { state: needs.state }),
          ...unlike(
            name,
            { queries, appends, keys },
            { queries: needs.queries, appends: needs.appends, keys: needs.providers },
          ),
          ...reads
            .filter((folder) => writes.includes(folder))
            .map((folder) => `${name}: what it writes, ${folder}, it reads too`),
        ];
      });
    },
  },
  {
    says: 'nobody is allowed by being anybody',
    breaches: (parsed) =>
      [...parsed].flatMap(([path, file]) =>
        textsIn(file)
          .filter((text) => /^all(Authenticated)?Users$/.test(text))
          .map((text) => `${path}: ${text}`),
      ),
  },
  {
    says: 'nothing is granted on the whole project but what is listed here',
    breaches: (parsed) => {
      const granted = allResources(parsed).filter(
        ({ type }) => /^google_(project|folder|organization)_iam/.test(type) && type !== CUSTOM_ROLE,
      );
      return [
        ...granted
          .filter(({ type }) => type !== 'google_project_iam_member')
          .map(({ type, folder }) => `${folder}: ${type}`),
        ...differing(
          'on the project',
          granted.map(({ block }) => String(block['role'])),
          ON_PROJECT.keys(),
        ),
      ];
    },
  },
  {
    says: 'a grant adds one member to one role: none takes away what others have been granted',
    breaches: (parsed) =>
      allResources(parsed)
        .filter(({ type }) => /_iam_(binding|policy)$/.test(type))
        .map(({ folder, type, name }) => `${folder}: ${type}.${name}`),
  },
  {
    says: 'publishers of a topic are those that topology.tf names',
    breaches: (parsed) =>
      unlike('module.topic', moduleCall(parsed, 'aurora', 'topic'), {
        publishers: accountsIf('contains(function.publishes, each.key)'),
      }),
  },
  {
    says: 'objects: everybody sees names, reads and writes in its own folders',
    breaches: (parsed) => [
      ...unlike('lister', resource(parsed, 'modules/bucket', 'google_storage_bucket_iam_member.lister'), {
        for_each: ref('var.users'),
        bucket: ref('google_storage_bucket.this.name'),
        role: 'roles/storage.legacyBucketReader',
        member: USER,
      }),
      ...unlike('reader', resource(parsed, 'modules/bucket', 'google_storage_bucket_iam_member.reader'), {
        bucket: ref('google_storage_bucket.this.name'),
        role: 'roles/storage.objectViewer',
        member: USER,
        condition: [inFolders('reads')],
      }),
      ...unlike('writer', resource(parsed, 'modules/bucket', 'google_storage_bucket_iam_member.writer'), {
        bucket: ref('google_storage_bucket.this.name'),
        role: 'roles/storage.objectUser',
        member: USER,
        condition: [inFolders('writes')],
      }),
    ],
  },
  {
    says: 'the record: who queries reads and may start queries, who appends writes',
    breaches: (parsed) => [
      ...unlike('module.dataset', moduleCall(parsed, 'aurora', 'dataset'), {
        readers: accountsIf('function.queries'),
        writers: accountsIf('function.appends'),
      }),
      ...unlike('reader', resource(parsed, 'modules/dataset', 'google_bigquery_dataset_iam_member.reader'), {
        for_each: ref('var.readers'),
        role: 'roles/bigquery.dataViewer',
        member: SERVICE_ACCOUNT,
      }),
      ...unlike('query', resource(parsed, 'modules/dataset', 'google_project_iam_member.query'), {
        for_each: ref('var.readers'),
        role: 'roles/bigquery.jobUser',
        member: SERVICE_ACCOUNT,
      }),
      ...unlike('writer', resource(parsed, 'modules/dataset', 'google_bigquery_dataset_iam_member.writer'), {
        for_each: ref('var.writers'),
        role: 'roles/bigquery.dataEditor',
        member: SERVICE_ACCOUNT,
      }),
    ],
  },
  {
    says: 'secrets: keys of marketplaces for those that talk to them, read by nobody else and written by nobody here',
    breaches: (parsed) => [
      ...unlike('local.secrets', localsIn(parsed, 'aurora')['secrets'], SECRETS),
      ...unlike('module.secret', moduleCall(parsed, 'aurora', 'secret'), {
        for_each: ref('toset(flatten(values(local.secrets)))'),
        name: ref('each.key'),
        readers: accountsIf('contains(local.secrets[name], each.key)'),
      }),
      // Cloud Run makes no service that may not read what it is given.
      ...unlike('id of a secret', namedIn(parsed, 'modules/secret', 'output').get('id') ?? {}, {
        value: ref('google_secret_manager_secret.this.secret_id'),
        depends_on: [ref('google_secret_manager_secret_iam_member.reader')],
      }),
      ...unlike('reader', resource(parsed, 'modules/secret', 'google_secret_manager_secret_iam_member.reader'), {
        for_each: ref('var.readers'),
        role: 'roles/secretmanager.secretAccessor',
        member: SERVICE_ACCOUNT,
      }),
      ...allResources(parsed)
        .filter(({ type }) => type === 'google_secret_manager_secret_version')
        .map(({ folder, name }) => `${folder}: ${name} would be in the state`),
    ],
  },
  {
    says: 'images: pushed by the builders, pulled by the nodes of a cluster',
    breaches: (parsed) => [
      ...unlike('module.registry', moduleCall(parsed, 'aurora', 'registry'), {
        writers: ref('var.builders'),
        readers: ref('var.cluster == null ? {} : { nodes = var.cluster.nodes }'),
      }),
      ...unlike(
        'writer',
        resource(parsed, 'modules/registry', 'google_artifact_registry_repository_iam_member.writer'),
        {
          for_each: ref('var.writers'),
          role: 'roles/artifactregistry.writer',
          member: SERVICE_ACCOUNT,
        },
      ),
      ...unlike(
        'reader',
        resource(parsed, 'modules/registry', 'google_artifact_registry_repository_iam_member.reader'),
        {
          for_each: ref('var.readers'),
          role: 'roles/artifactregistry.reader',
          member: SERVICE_ACCOUNT,
        },
      ),
    ],
  },
  {
    says: 'whoever deploys may change services and job, run as their accounts, and nothing else',
    breaches: (parsed) => [
      ...['function', 'training_job'].flatMap((name) =>
        unlike(`module.${name}`, moduleCall(parsed, 'aurora', name), { deployers: ref('var.builders') }),
      ),
      ...[
        resource(parsed, 'modules/function', 'google_cloud_run_v2_service_iam_member.deployer'),
        resource(parsed, 'modules/job', 'google_cloud_run_v2_job_iam_member.deployer'),
      ].flatMap((block) =>
        unlike('deployer', block, {
          for_each: ref('var.deployers'),
          role: 'roles/run.developer',
          member: SERVICE_ACCOUNT,
        }),
      ),
      ...unlike('deployer', resource(parsed, 'aurora', 'google_service_account_iam_member.deployer'), {
        service_account_id: ref('google_service_account.function[each.value.function].name'),
        role: 'roles/iam.serviceAccountUser',
        member: USER,
      }),
    ],
  },
  {
    says: 'whoever releases may ask as every caller of ours: Pub/Sub’s pushes, the clock, and route and probe for score',
    breaches: (parsed) =>
      unlike('asker', resource(parsed, 'aurora', 'google_service_account_iam_member.asker'), {
        for_each: ref(
          '{\n    for pair in setproduct(["pusher", "clock", "route", "probe"], keys(var.builders)) : join("/", pair) => { caller = pair[0], email = var.builders[pair[1]] }\n  }',
        ),
        service_account_id: ref(
          '{\n    pusher = google_service_account.pusher.name\n    clock  = google_service_account.clock.name\n    route  = google_service_account.function["route"].name\n    probe  = google_service_account.function["probe"].name\n  }[each.value.caller]',
        ),
        role: 'roles/iam.serviceAccountTokenCreator',
        member: USER,
      }),
  },
  {
    says: 'pods are the accounts of their functions, when there is a cluster',
    breaches: (parsed) =>
      unlike('pod', resource(parsed, 'aurora', 'google_service_account_iam_member.pod'), {
        for_each: ref('var.cluster == null ? {} : local.pods'),
        service_account_id: ref('google_service_account.function[each.key].name'),
        role: 'roles/iam.workloadIdentityUser',
        member: `serviceAccount:${ref('var.cluster.workload_pool')}[${ref('var.cluster.namespace')}/${ref('each.value')}]`,
      }),
  },
];
