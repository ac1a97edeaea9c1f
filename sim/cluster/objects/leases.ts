import { KEDA_NAMESPACE, NODES } from '../facts.ts';
import type { FaultSwitches } from '../faults/switches.ts';
import { type ClusterObject, head, micros, uidOf } from './object.ts';

/** Of the leader of KEDA's operators, renewed every two seconds; and of each node, every ten. */
const OPERATOR_LEASE_S = 15;
const OPERATOR_RENEWS_MS = 2_000;
const NODE_LEASE_S = 40;
const NODE_RENEWS_MS = 10_000;

export function leaseObjects(bornMs: number, nowMs: number, faults: FaultSwitches): readonly ClusterObject[] {
  const lease = (
    namespace: string,
    name: string,
    holder: string,
    durationS: number,
    everyMs: number,
    lastMs: number,
  ): ClusterObject => ({
    ...head({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', name, namespace, createdMs: bornMs }),
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: durationS,
      acquireTime: micros(bornMs),
      renewTime: micros(Math.floor(lastMs / everyMs) * everyMs),
      leaseTransitions: 1,
    },
  });
  const operatorMs = faults.sinceMs('keda_down') ?? nowMs;
  const silentMs = faults.sinceMs('node_not_ready');
  return [
    lease(
      KEDA_NAMESPACE,
      'operator.keda.sh',
      `keda-operator_${uidOf('leader')}`,
      OPERATOR_LEASE_S,
      OPERATOR_RENEWS_MS,
      operatorMs,
    ),
    ...NODES.map(({ name, gpus }) =>
      lease('kube-node-lease', name, name, NODE_LEASE_S, NODE_RENEWS_MS, gpus > 0 ? (silentMs ?? nowMs) : nowMs),
    ),
  ];
}
