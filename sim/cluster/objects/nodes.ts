import { KUBERNETES_VERSION, NODES, type NodeFact, PROJECT, REGION } from '../facts.ts';
import type { FaultSwitches } from '../faults/switches.ts';
import { type ClusterObject, type Condition, head, seconds, uidOf } from './object.ts';

/** A kubelet reports as often when nothing has changed; its lease is what tells that it lives. */
const HEARTBEAT_MS = 5 * 60_000;

export const nodeObjects = (bornMs: number, nowMs: number, faults: FaultSwitches): readonly ClusterObject[] =>
  NODES.map((node) => nodeObject(node, bornMs, nowMs, faults));

function nodeObject(node: NodeFact, bornMs: number, nowMs: number, faults: FaultSwitches): ClusterObject {
  const labels = {
    'beta.kubernetes.io/arch': 'amd64',
    'cloud.google.com/gke-nodepool': node.gpus > 0 ? 'gpu-pool' : 'default-pool',
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': node.name,
    'kubernetes.io/os': 'linux',
    'node.kubernetes.io/instance-type': node.machine,
    'topology.kubernetes.io/region': REGION,
    'topology.kubernetes.io/zone': node.zone,
    ...(node.gpus > 0 ? { 'cloud.google.com/gke-accelerator': 'nvidia-l4' } : {}),
  };
  const silentMs = node.gpus > 0 ? faults.sinceMs('node_not_ready') : null;
  const pressedMs = node.gpus > 0 ? faults.sinceMs('node_pressure') : null;
  const capacity = {
    cpu: node.cpu,
    memory: node.memory,
    pods: '110',
    'ephemeral-storage': '98831908Ki',
    ...(node.gpus > 0 ? { 'nvidia.com/gpu': String(node.gpus) } : {}),
  };
  return {
    ...head({ apiVersion: 'v1', kind: 'Node', name: node.name, createdMs: bornMs, labels }),
    spec: {
      podCIDR: `10.4.${node.ip.split('.').at(-1)}.0/24`,
      providerID: `gce://${PROJECT}/${node.zone}/${node.name}`,
      ...(silentMs === null
        ? {}
        : {
            taints: [
              { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule', timeAdded: seconds(silentMs) },
              { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: seconds(silentMs) },
            ],
          }),
    },
    status: {
      capacity,
      allocatable: capacity,
      addresses: [
        { type: 'InternalIP', address: node.ip },
        { type: 'Hostname', address: node.name },
      ],
      conditions: conditionsOf(bornMs, nowMs, silentMs, pressedMs),
      nodeInfo: {
        architecture: 'amd64',
        bootID: uidOf('boot', node.name),
        containerRuntimeVersion: 'containerd://1.7.24',
        kernelVersion: '6.6.72+',
        kubeProxyVersion: KUBERNETES_VERSION,
        kubeletVersion: KUBERNETES_VERSION,
        machineID: uidOf('machine', node.name).replaceAll('-', ''),
        operatingSystem: 'linux',
        osImage: 'Container-Optimized OS from Google',
        systemUUID: uidOf('system', node.name),
      },
    },
  };
}

interface NodeCondition extends Condition {
  readonly lastHeartbeatTime: string;
}

function conditionsOf(
  bornMs: number,
  nowMs: number,
  silentMs: number | null,
  pressedMs: number | null,
): readonly NodeCondition[] {
  const beatMs = Math.floor((silentMs ?? nowMs) / HEARTBEAT_MS) * HEARTBEAT_MS;
  const condition = (
    type: string,
    status: Condition['status'],
    reason: string,
    message: string,
    sinceMs = bornMs,
  ): NodeCondition => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: seconds(beatMs),
    lastTransitionTime: seconds(sinceMs),
  });
  if (silentMs !== null)
    return ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map((type) =>
      condition(type, 'Unknown', 'NodeStatusUnknown', 'Kubelet stopped posting node status.', silentMs),
    );
  return [
    condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    pressedMs === null
      ? condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure')
      : condition('DiskPressure', 'True', 'KubeletHasDiskPressure', 'kubelet has disk pressure', pressedMs),
    condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
  ];
}
