/** Objects of the cluster that say that something is wrong, or are. */
import { NODES } from '#sim/cluster/facts.ts';
import { type ClusterObject, type Fields, fieldOf, listOf } from '#sim/cluster/objects/object.ts';
import { about, at, changed, type Kind, named, OLD_MS, type Way, withCondition, withSpec, withStatus } from './draw.ts';

/** One pod of an app, or all of them, does not run or is not ready; what has failed and is replaced is no fault where none need be there. */
export const pod: Kind = (draw, nowMs) => {
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
export const deployment: Kind = (draw, nowMs) => {
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

export const scaler: Kind = (draw) => {
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

export const node: Kind = (draw, nowMs) => {
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

export const ingress: Kind = (draw) => {
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

export const certificate: Kind = (draw, nowMs) => {
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
