/**
 * Faults that no check was written against: what is drawn here is bad by what Kubernetes, KEDA and the services themselves say of their
 * own objects and answers, and knows of no check. Each says what it is about.
 */
import { NODES } from '#sim/cluster/facts.ts';
import type { ReplyAlteration } from '#sim/cluster/index.ts';
import type { ClusterObject, Fields } from '#sim/cluster/objects/object.ts';
import { fieldOf, listOf } from '#sim/cluster/objects/object.ts';
import type { ServiceName } from '#sim/cluster/services/index.ts';
import type { ServiceReply } from '#sim/cluster/services/service.ts';
import type { Alteration } from '#sim/cluster/state.ts';
import { uniforms } from '#sim/market/random.ts';

export interface GeneratedFault {
  /** What it is about: `pods of psi-field`, `service loki`. */
  readonly target: string;
  readonly does: string;
  readonly alterObjects: Alteration | null;
  readonly alterReplies: ReplyAlteration | null;
}

/** How the draws of a seed are taken. */
interface Draw {
  one<T>(of: readonly [T, ...T[]]): T;
  int(least: number, most: number): number;
}

/** Milliseconds since which it is so: longer than anything that starts may take. */
const OLD_MS = 600_000;

/** What it does to an object; null: it is not there. */
type Way = readonly [does: string, change: Alteration];
type ReplyWay = readonly [does: string, change: (reply: ServiceReply) => ServiceReply | null];

type Kind = (draw: Draw, nowMs: number) => GeneratedFault;

/** @param nowMs host epoch milliseconds */
export function generateFault(seed: number, nowMs: number): GeneratedFault {
  const uniform = uniforms('generated', seed);
  const int = (least: number, most: number): number => least + Math.floor(uniform() * (most - least + 1));
  const draw: Draw = { one: (of) => of[int(0, of.length - 1)] ?? of[0], int };
  return draw.one(KINDS)(draw, nowMs);
}

const at = (nowMs: number, agoMs: number): string => `${new Date(nowMs - agoMs).toISOString().slice(0, 19)}Z`;
const changed =
  (is: (object: ClusterObject) => boolean, change: (object: ClusterObject) => ClusterObject | null): Alteration =>
  (object) =>
    is(object) ? change(object) : object;
const withStatus = (object: ClusterObject, status: Fields): ClusterObject => ({
  ...object,
  status: { ...object.status, ...status },
});
const withSpec = (object: ClusterObject, spec: Fields): ClusterObject => ({
  ...object,
  spec: { ...object.spec, ...spec },
});
const named = (kind: string, name: string) => (object: ClusterObject) =>
  object.kind === kind && object.metadata.name === name;
/** Its condition of that type is such; made where it has none. */
const withCondition = (object: ClusterObject, type: string, condition: Fields | null): ClusterObject => {
  const others = listOf(object, 'status', 'conditions').filter((one) => fieldOf(one, 'type') !== type);
  return withStatus(object, { conditions: condition === null ? others : [...others, { type, ...condition }] });
};
const about = (target: string, does: string, alterObjects: Alteration): GeneratedFault => ({
  target,
  does,
  alterObjects,
  alterReplies: null,
});

/** One pod of an app, or all of them, does not run or is not ready; what has failed and is replaced is no fault where none need be there. */
const pod: Kind = (draw, nowMs) => {
  const app = draw.one(['psi-field', 'scheduler', 'aurora-router', 'keda-operator']);
  const needed = app === 'aurora-router' || app === 'keda-operator';
  const container = (object: ClusterObject, state: Fields, restarts: number): Fields => ({
    containerStatuses: listOf(object, 'status', 'containerStatuses').map((one) => ({
      ...(one as Fields),
      ready: false,
      restartCount: restarts,
      state,
    })),
  });
  const unready = (object: ClusterObject, reason: string): ClusterObject =>
    withCondition(object, 'Ready', { status: 'False', reason, lastTransitionTime: at(nowMs, OLD_MS) });
  const phase = draw.one(needed ? ['Pending', 'Unknown', 'Failed', 'Succeeded'] : ['Pending', 'Unknown']);
  const reason = draw.one([
    'CrashLoopBackOff',
    'ErrImagePull',
    'CreateContainerConfigError',
    'InvalidImageName',
    'RunContainerError',
  ]);
  const restarts = draw.int(4, 90);
  const ways: readonly [Way, ...Way[]] = [
    [`is ${phase}`, (object) => unready(withStatus(object, { phase }), 'PodFailed')],
    ['is not ready', (object) => unready(object, 'ContainersNotReady')],
    ['says nothing of being ready', (object) => withCondition(object, 'Ready', null)],
    [
      `waits: ${reason}`,
      (object) =>
        unready(withStatus(object, container(object, { waiting: { reason } }, restarts)), 'ContainersNotReady'),
    ],
    [
      `ended ${restarts} times, a minute ago for the last time`,
      (object) =>
        withStatus(object, {
          containerStatuses: listOf(object, 'status', 'containerStatuses').map((one) => ({
            ...(one as Fields),
            restartCount: restarts,
            lastState: { terminated: { exitCode: 1, reason: 'Error', finishedAt: at(nowMs, 60_000) } },
          })),
        }),
    ],
    ...(needed ? [['is gone', () => null] satisfies [string, () => null]] : []),
  ];
  const [does, change] = draw.one(ways);
  const all = draw.int(0, 1) === 1;
  let first: string | null = null;
  return about(
    `pods of ${app}`,
    `${all ? 'each' : 'one'} ${does}`,
    changed(({ kind, metadata: { labels, name } }) => {
      if (kind !== 'Pod' || labels?.['app'] !== app) return false;
      first ??= name;
      return all || name === first;
    }, change),
  );
};

/** A deployment that has not what its spec says: its counts, and the conditions that its controller writes with them. */
const deployment: Kind = (draw, nowMs) => {
  const app = draw.one(['psi-field', 'scheduler', 'aurora-router']);
  const wanted = draw.int(2, 6);
  const there = draw.int(0, Math.ceil(wanted * 0.5) - 1);
  const since = { lastTransitionTime: at(nowMs, OLD_MS), lastUpdateTime: at(nowMs, OLD_MS) };
  const short = (object: ClusterObject): ClusterObject =>
    withCondition(
      withStatus(withSpec(object, { replicas: wanted }), {
        replicas: there,
        updatedReplicas: there,
        readyReplicas: there,
        availableReplicas: there,
        unavailableReplicas: wanted - there,
      }),
      'Available',
      { status: 'False', reason: 'MinimumReplicasUnavailable', ...since },
    );
  const ways: readonly [Way, ...Way[]] = [
    [`has ${there} replicas of ${wanted}`, short],
    ['is gone', () => null],
    [
      'got stuck',
      (object) =>
        withCondition(object, 'Progressing', { status: 'False', reason: 'ProgressDeadlineExceeded', ...since }),
    ],
    [
      'has not been looked at',
      (object) => withStatus(object, { observedGeneration: (object.metadata.generation ?? 1) - 1 }),
    ],
    ['has old pods alone', (object) => withStatus(object, { updatedReplicas: 0 })],
  ];
  const [does, change] = draw.one(ways);
  return about(`deployment ${app}`, does, changed(named('Deployment', app), change));
};

const scaler: Kind = (draw) => {
  const name = draw.one(['psi-field-scaler', 'scheduler-scaler', 'gpu-job-scaler']);
  const isOne = (object: ClusterObject) => /^Scaled(Object|Job)$/.test(object.kind) && object.metadata.name === name;
  const no = draw.one<string>(['False', 'Unknown']);
  const trigger = (metadata: Fields) => (object: ClusterObject) =>
    withSpec(object, {
      triggers: listOf(object, 'spec', 'triggers').map((one) => ({
        ...(one as Fields),
        metadata: { ...(fieldOf(one, 'metadata') as Fields), ...metadata },
      })),
    });
  const condition = (type: string, status: string) => (object: ClusterObject) =>
    withCondition(object, type, { status, reason: 'Generated' });
  const [does, change] = draw.one<Way>([
    [`is ready: ${no}`, condition('Ready', no)],
    ['says nothing of being ready', (object) => withCondition(object, 'Ready', null)],
    ['does not know whether it is active', condition('Active', 'Unknown')],
    ['falls back', condition('Fallback', 'True')],
    ['is paused', condition('Paused', 'True')],
    ['is gone', () => null],
    ['goes elsewhere', (object) => withSpec(object, { maxReplicaCount: draw.int(11, 90) })],
    ['never sleeps', (object) => withSpec(object, { minReplicaCount: draw.int(1, 4) })],
    ['counts otherwise', trigger({ value: String(draw.int(6, 90)) })],
    ['looks at another subscription', trigger({ subscriptionName: `other-${draw.int(1, 9)}` })],
    ['looks at nothing', (object) => withSpec(object, { triggers: [] })],
  ]);
  return about(`scaler ${name}`, does, changed(isOne, change));
};

const node: Kind = (draw, nowMs) => {
  const { name } = draw.one(NODES);
  const lastTransitionTime = at(nowMs, OLD_MS);
  const [type, status] = draw.one<readonly [type: string, status: string]>([
    ['Ready', 'False'],
    ['Ready', 'Unknown'],
    ['MemoryPressure', 'True'],
    ['DiskPressure', 'True'],
    ['PIDPressure', 'True'],
    ['NetworkUnavailable', 'True'],
  ]);
  return about(
    'nodes',
    `${name}: ${type} ${status}`,
    changed(named('Node', name), (object) =>
      withCondition(object, type, { status, reason: 'Generated', lastTransitionTime }),
    ),
  );
};

const ingress: Kind = (draw) => {
  const which = draw.int(0, 3);
  const rules = (change: (rule: Fields) => readonly Fields[]) => (object: ClusterObject) =>
    withSpec(object, {
      rules: listOf(object, 'spec', 'rules').flatMap((rule, index) =>
        index === which ? change(rule as Fields) : [rule as Fields],
      ),
    });
  const service = draw.one(['analytics', 'default-http-backend', 'nobody']);
  const [does, change] = draw.one<Way>([
    ['is gone', () => null],
    ['has no address', (object) => withStatus(object, { loadBalancer: { ingress: [] } })],
    [`lacks rule ${which}`, rules(() => [])],
    [
      `leads by rule ${which} to ${service}`,
      rules((rule) => [{ ...rule, http: { paths: [{ path: '/', backend: { service: { name: service } } }] } }]),
    ],
  ]);
  return about(
    'ingress',
    does,
    changed(({ kind }) => kind === 'Ingress', change),
  );
};

const certificate: Kind = (draw, nowMs) => {
  const which = draw.int(0, 3);
  const said = draw.one([
    'Provisioning',
    'FailedNotVisible',
    'FailedCaaForbidden',
    'FailedRateLimited',
    'RenewalFailed',
  ]);
  const days = draw.int(-40, 13);
  const [does, change] = draw.one<Way>([
    ['is gone', () => null],
    [`is ${said}`, (object) => withStatus(object, { certificateStatus: said })],
    [
      `says ${said} of domain ${which}`,
      (object) =>
        withStatus(object, {
          domainStatus: listOf(object, 'status', 'domainStatus').map((one, index) =>
            index === which ? { ...(one as Fields), status: said } : one,
          ),
        }),
    ],
    [
      `lacks domain ${which}`,
      (object) =>
        withSpec(object, { domains: listOf(object, 'spec', 'domains').filter((_, index) => index !== which) }),
    ],
    [`ends in ${days} days`, (object) => withStatus(object, { expireTime: at(nowMs, -days * 86_400_000) })],
  ]);
  return about(
    'certificate',
    does,
    changed(({ kind }) => kind === 'ManagedCertificate', change),
  );
};

/** What its users call. */
const PATHS: Readonly<Record<ServiceName, readonly [string, ...string[]]>> = {
  'psi-field': ['/health', '/state', '/metrics'],
  scheduler: ['/health', '/metrics'],
  'aurora-router': ['/health', '/metrics'],
  analytics: ['/'],
  loki: ['/ready'],
  tempo: ['/ready'],
};
const SERVICES = Object.keys(PATHS) as [ServiceName, ...ServiceName[]];

/** A service that answers one of its paths, or none, as it should. */
const service: Kind = (draw) => {
  const name = draw.one(SERVICES);
  const path = draw.int(0, 2) === 0 ? null : draw.one(PATHS[name]);
  const status = draw.one([400, 401, 404, 429, 500, 502, 503, 504]);
  const page = draw.one(['<!doctype html><p>Loading</p>', 'null', '[]', '{', '']);
  const machines = name === 'psi-field' || name === 'scheduler' || name === 'aurora-router';
  const ways: [ReplyWay, ...ReplyWay[]] = [
    [`answers ${status}`, (reply) => ({ ...reply, status })],
    ['cuts', () => null],
  ];
  // Those that people look at may say what they like.
  if (machines) ways.push([`says ${JSON.stringify(page)}`, () => ({ status: 200, body: page, type: 'text/html' })]);
  const [does, change] = draw.one(ways);
  return {
    target: `service ${name}`,
    does: `${does} at ${path ?? 'every path'}`,
    alterObjects: null,
    alterReplies: (of, asked, reply) => (of === name && (path === null || asked === path) ? change(reply) : reply),
  };
};

/** It answers, and what it says is bad. */
const words: Kind = (draw, nowMs) => {
  const old = new Date(nowMs - draw.int(100, 100_000) * 1_000).toISOString();
  const bad = draw.one<unknown>([Number.NaN, null, 'much', draw.int(16, 900) / 10]);
  const broken = draw.one<unknown>([false, null, 'true', undefined]);
  const [name, path, does, change] = draw.one<readonly [ServiceName, string, string, (body: Fields) => Fields]>([
    ['psi-field', '/health', `import_success ${broken}`, (body) => ({ ...body, import_success: broken })],
    ['psi-field', '/health', `engine_initialized ${broken}`, (body) => ({ ...body, engine_initialized: broken })],
    ['psi-field', '/health', 'calls itself degraded', (body) => ({ ...body, status: 'degraded' })],
    ['psi-field', '/state', `PE ${bad}`, (body) => ({ ...body, PE: bad })],
    ['psi-field', '/state', 'k stands', (body) => ({ ...body, k: 7 })],
    ['scheduler', '/health', `last tick ${old}`, (body) => ({ ...body, lastTick: old })],
    ['scheduler', '/health', 'no namespace', (body) => ({ ...body, namespaces: {} })],
    ['scheduler', '/health', 'calls itself degraded', (body) => ({ ...body, status: 'degraded' })],
    [
      'scheduler',
      '/health',
      `an anchor of ${old}`,
      (body) => ({
        ...body,
        namespaces: { ...(body['namespaces'] as Fields), dao: { lastAnchor: old, backoff: 0, status: 'ok' } },
      }),
    ],
    [
      'scheduler',
      '/health',
      'a stale namespace',
      (body) => ({
        ...body,
        namespaces: {
          ...(body['namespaces'] as Fields),
          dao: { lastAnchor: new Date(nowMs).toISOString(), backoff: 0, status: 'stale' },
        },
      }),
    ],
    ['aurora-router', '/health', 'no providers', ({ providers, ...body }) => body],
  ]);
  return {
    target: `service ${name}`,
    does: `says at ${path}: ${does}`,
    alterObjects: null,
    alterReplies: (of, asked, reply) =>
      of === name && asked === path ? { ...reply, body: change(reply.body as Fields) } : reply,
  };
};

const KINDS: readonly [Kind, ...Kind[]] = [pod, deployment, scaler, node, ingress, certificate, service, words];
