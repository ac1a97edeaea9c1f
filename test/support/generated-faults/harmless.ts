/** What changes all day in a cluster that is well: whoever reports one of these is mistaken. */
import { NODES } from '#sim/cluster/facts.ts';
import { type ClusterObject, type Fields, listOf } from '#sim/cluster/objects/object.ts';
import { about, at, changed, type Kind, named, type Way, withCondition, withSpec, withStatus } from './draw.ts';

const DAY_MS = 86_400_000;

export const harmless: Kind = (draw, nowMs) => {
  const app = draw.one(['psi-field', 'scheduler']);
  const { name: node } = draw.one(NODES);
  const scaler = draw.one(['psi-field-scaler', 'scheduler-scaler']);
  const restarts = draw.int(1, 200);
  const phase = draw.one(['Failed', 'Succeeded']);
  const podsOf = (one: string) => (object: ClusterObject) =>
    object.kind === 'Pod' && object.metadata.labels?.['app'] === one;
  const young = (object: ClusterObject): ClusterObject => ({
    ...withCondition(object, 'Ready', { status: 'False', reason: 'ContainersNotReady' }),
    metadata: { ...object.metadata, creationTimestamp: at(nowMs, 0) },
  });
  const [does, change] = draw.one<Way>([
    // KEDA makes as many as there are jobs: what was evicted or has gone is none of those that it needs.
    [`${app} ended: ${phase}`, changed(podsOf(app), (pod) => withStatus(pod, { phase }))],
    [`${app} has no pods`, changed(podsOf(app), () => null)],
    [`${app} has just come`, changed(podsOf(app), (pod) => young(withStatus(pod, { startTime: at(nowMs, 0) })))],
    [
      `a router ended ${restarts} times, last a day ago`,
      changed(podsOf('aurora-router'), (pod) =>
        withStatus(pod, {
          containerStatuses: listOf(pod, 'status', 'containerStatuses').map((one) => ({
            ...(one as Fields),
            restartCount: restarts,
            lastState: { terminated: { exitCode: 1, finishedAt: at(nowMs, DAY_MS) } },
          })),
        }),
      ),
    ],
    [
      `${app} is being scaled to ${restarts}`,
      changed(named('Deployment', app), (object) =>
        withCondition(withSpec(object, { replicas: restarts }), 'Available', {
          status: 'False',
          lastTransitionTime: at(nowMs, 0),
        }),
      ),
    ],
    [`${node} is cordoned`, changed(named('Node', node), (object) => withSpec(object, { unschedulable: true }))],
    [
      `${node} has a problem of which nobody knows`,
      changed(named('Node', node), (object) => withCondition(object, 'FrequentKubeletRestart', { status: 'False' })),
    ],
    [
      `${scaler} is idle`,
      changed(named('ScaledObject', scaler), (object) => withCondition(object, 'Active', { status: 'False' })),
    ],
    [
      'the certificate ends in a month',
      changed(
        ({ kind }) => kind === 'ManagedCertificate',
        (object) => withStatus(object, { expireTime: at(nowMs, -30 * DAY_MS) }),
      ),
    ],
  ]);
  return about('nothing', does, change);
};
