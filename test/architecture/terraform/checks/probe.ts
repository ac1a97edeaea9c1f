/** The probe: whom it may look at, what it may on the project, and what of a cluster. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, differing, unlike } from '../check.ts';
import { FOLDERS, needsOf } from '../code.ts';
import { allResources, localsIn, moduleCall, namedIn, type Parsed, ROOT, ref, resource } from '../parsed.ts';
import { INVOKER } from './functions.ts';
import { CUSTOM_ROLE } from './rights.ts';

const ACCOUNT = 'google_service_account.function["probe"].email';
const MEMBER = `serviceAccount:${ref(ACCOUNT)}`;

/** Services that the suite of the loop asks with an ID token. */
const LOOKED_AT: readonly string[] = [
  ...readFileSync(join(ROOT, 'shared/probes/suites/loop.yaml'), 'utf8').matchAll(
    /^ {2}(\w+): \{ url: "\$\{\1\}", id_token: true \}$/gm,
  ),
].map(([, name = '']) => name);
const LOOKERS = ref(
  `{ for name in keys(local.functions) : name => contains(["probe", "score"], name) ? {} : { probe = ${ACCOUNT} } }`,
);
const SCORED_FOR = `name == "score" ? { route = google_service_account.function["route"].email, probe = ${ACCOUNT} } : {}`;

const CONNECTS = ref('var.cluster == null ? {} : var.cluster.name == null ? {} : { cluster = var.cluster.name }');
const TEMPLATE = `${ref('path.module')}/../kubernetes/probe/rbac.yaml.tftpl`;
const RBAC = ref(`var.cluster == null ? null : templatefile("${TEMPLATE}", {
    namespace     = var.cluster.namespace
    probe_account = ${ACCOUNT}
  })`);

const permissionsOf = (block: Readonly<Record<string, unknown>>): readonly unknown[] =>
  Array.isArray(block['permissions']) ? block['permissions'] : [];

function onTheProject(parsed: Parsed): readonly string[] {
  const there = (address: string) => resource(parsed, 'aurora', address);
  return [
    ...differing(
      'counts, connects',
      FOLDERS.filter((name) => needsOf(name).counts || needsOf(name).connects),
      ['probe'],
    ),
    ...unlike('needs', needsOf('probe'), { counts: true, connects: true }),
    ...unlike('counts', there(`${CUSTOM_ROLE}.probe_counts`), { permissions: ['monitoring.timeSeries.list'] }),
    ...unlike('counts', there('google_project_iam_member.probe_counts'), { member: MEMBER }),
    ...unlike('local.connects', localsIn(parsed, 'aurora')['connects'], CONNECTS),
    ...unlike('connects', there(`${CUSTOM_ROLE}.probe_connects`), {
      for_each: ref('local.connects'),
      permissions: ['container.clusters.connect'],
    }),
    ...unlike('connects', there('google_project_iam_member.probe_connects'), {
      for_each: ref('local.connects'),
      member: MEMBER,
      condition: [{ expression: `resource.name.endsWith("/clusters/${ref('each.value')}")` }],
    }),
    ...allResources(parsed)
      .filter(({ type, block }) => type === CUSTOM_ROLE && permissionsOf(block).length !== 1)
      .map(({ name }) => `${name}: expected one permission`),
  ];
}

export const PROBE: readonly Check[] = [
  {
    says: 'the probe is let through to what its suite looks at; score alone takes it for a caller',
    breaches: (parsed) => [
      ...differing(
        'loop.yaml',
        LOOKED_AT,
        FOLDERS.filter((name) => name !== 'probe'),
      ),
      ...unlike('local.lookers', localsIn(parsed, 'aurora')['lookers'], LOOKERS),
      ...unlike('module.function', moduleCall(parsed, 'aurora', 'function'), {
        lookers: ref('local.lookers[each.key]'),
      }),
      ...unlike('looker', resource(parsed, 'modules/function', 'google_cloud_run_v2_service_iam_member.looker'), {
        ...INVOKER,
        for_each: ref('var.lookers'),
      }),
      ...(String(localsIn(parsed, 'aurora')['callers']).includes(SCORED_FOR)
        ? []
        : ['local.callers: probe asks score for a score']),
    ],
  },
  {
    says: 'a right of the probe on the project is one permission, as its code needs it, and on one cluster at most',
    breaches: onTheProject,
  },
  {
    says: 'the probe, which publishes jobs, may do so on the topics of others that are named',
    breaches: (parsed) => [
      ...differing(
        'publishes jobs',
        FOLDERS.filter((name) => needsOf(name).jobs),
        ['probe'],
      ),
      ...unlike('jobs', resource(parsed, 'aurora', 'google_pubsub_topic_iam_member.probe_jobs'), {
        for_each: ref('var.job_topics'),
        project: ref('var.project'),
        topic: ref('each.value'),
        role: 'roles/pubsub.publisher',
        member: MEMBER,
      }),
    ],
  },
  {
    says: 'what the probe may read of a cluster is filled in for its account, and shown',
    breaches: (parsed) => [
      ...unlike('local.probe_rbac', localsIn(parsed, 'aurora')['probe_rbac'], RBAC),
      ...unlike('output probe_rbac', namedIn(parsed, 'aurora', 'output').get('probe_rbac') ?? {}, {
        value: ref('local.probe_rbac'),
      }),
    ],
  },
];
