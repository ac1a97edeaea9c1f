/** Lists as `kubectl get` prints them: the server makes the columns. */
import { type ClusterObject, type Fields, fieldOf, listOf } from '../objects/object.ts';

interface Column {
  readonly name: string;
  /** Above 0: only with `-o wide`. */
  readonly priority?: number;
  readonly type?: 'string' | 'integer';
  cell(object: ClusterObject, nowMs: number): string | number;
}

const NAME: Column = { name: 'Name', cell: ({ metadata }) => metadata.name };
const AGE: Column = {
  name: 'Age',
  cell: ({ metadata }, nowMs) => ageOf(Date.parse(metadata.creationTimestamp), nowMs),
};

const text = (name: string, ...path: readonly string[]): Column => ({
  name,
  cell: (object) => String(fieldOf(object, ...path) ?? ''),
});
const wide = (name: string, cell: Column['cell']): Column => ({ name, priority: 1, cell });
const number = (name: string, ...path: readonly string[]): Column => ({
  name,
  type: 'integer',
  cell: (object) => Number(fieldOf(object, ...path) ?? 0),
});
const condition = (name: string): Column => ({
  name,
  cell: (object) =>
    String(
      fieldOf(
        listOf(object, 'status', 'conditions').find((one) => fieldOf(one, 'type') === name),
        'status',
      ) ?? 'Unknown',
    ),
});

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  Node: [
    NAME,
    { name: 'Status', cell: nodeStatus },
    { name: 'Roles', cell: () => '<none>' },
    AGE,
    text('Version', 'status', 'nodeInfo', 'kubeletVersion'),
    wide('Internal-IP', (node) =>
      String(
        fieldOf(
          listOf(node, 'status', 'addresses').find((one) => fieldOf(one, 'type') === 'InternalIP'),
          'address',
        ),
      ),
    ),
  ],
  Namespace: [NAME, text('Status', 'status', 'phase'), AGE],
  Pod: [
    NAME,
    { name: 'Ready', cell: podReady },
    { name: 'Status', cell: podStatus },
    { name: 'Restarts', cell: podRestarts },
    AGE,
    wide('IP', (pod) => String(fieldOf(pod, 'status', 'podIP') ?? '<none>')),
    wide('Node', (pod) => String(fieldOf(pod, 'spec', 'nodeName') ?? '<none>')),
  ],
  Deployment: [
    NAME,
    {
      name: 'Ready',
      cell: (object) =>
        `${fieldOf(object, 'status', 'readyReplicas') ?? 0}/${fieldOf(object, 'spec', 'replicas') ?? 0}`,
    },
    number('Up-to-date', 'status', 'updatedReplicas'),
    number('Available', 'status', 'availableReplicas'),
    AGE,
  ],
  ScaledObject: [
    NAME,
    text('ScaleTargetKind', 'status', 'scaleTargetKind'),
    text('ScaleTargetName', 'spec', 'scaleTargetRef', 'name'),
    number('Min', 'spec', 'minReplicaCount'),
    number('Max', 'spec', 'maxReplicaCount'),
    condition('Ready'),
    condition('Active'),
    condition('Fallback'),
    condition('Paused'),
    AGE,
  ],
  Ingress: [
    NAME,
    { name: 'Class', cell: () => '<none>' },
    {
      name: 'Hosts',
      cell: (ingress) =>
        listOf(ingress, 'spec', 'rules')
          .map((rule) => fieldOf(rule, 'host'))
          .join(','),
    },
    {
      name: 'Address',
      cell: (ingress) => String(fieldOf(listOf(ingress, 'status', 'loadBalancer', 'ingress')[0], 'ip') ?? ''),
    },
    AGE,
  ],
  ManagedCertificate: [NAME, AGE, text('Status', 'status', 'certificateStatus')],
};

export const wantsTable = (accept: string): boolean =>
  accept.split(',').some((one) => one.includes('as=Table') && one.includes('v=v1;') && one.includes('g=meta.k8s.io'));

export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** @param metadata of the list */
export function tableOf(
  kind: string,
  items: readonly ClusterObject[],
  { nowMs, include, metadata }: { readonly nowMs: number; readonly include: IncludeObject; readonly metadata: Fields },
): Fields {
  const columns = (Object.hasOwn(COLUMNS, kind) ? COLUMNS[kind] : undefined) ?? [NAME, AGE];
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: columns.map(({ name, priority = 0, type = 'string' }) => ({
      name,
      type,
      format: name === 'Name' ? 'name' : '',
      description: `${name} of the ${kind}`,
      priority,
    })),
    rows: items.map((object) => ({
      cells: columns.map(({ cell }) => cell(object, nowMs)),
      ...(include === 'None'
        ? {}
        : {
            object:
              include === 'Object'
                ? object
                : { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
          }),
    })),
  };
}

function nodeStatus(node: ClusterObject): string {
  const ready = listOf(node, 'status', 'conditions').find((one) => fieldOf(one, 'type') === 'Ready');
  const status = fieldOf(ready, 'status') === 'True' ? 'Ready' : 'NotReady';
  return fieldOf(node, 'spec', 'unschedulable') === true ? `${status},SchedulingDisabled` : status;
}

const containersOf = (pod: ClusterObject): readonly unknown[] => listOf(pod, 'status', 'containerStatuses');

function podReady(pod: ClusterObject): string {
  const ready = containersOf(pod).filter((one) => fieldOf(one, 'ready') === true);
  return `${ready.length}/${listOf(pod, 'spec', 'containers').length}`;
}

/** The reason of a container says more than the phase. */
function podStatus(pod: ClusterObject): string {
  const reasons = containersOf(pod).map(
    (one) => fieldOf(one, 'state', 'waiting', 'reason') ?? fieldOf(one, 'state', 'terminated', 'reason'),
  );
  return String(reasons.find((reason) => reason !== undefined) ?? fieldOf(pod, 'status', 'phase'));
}

function podRestarts(pod: ClusterObject, nowMs: number): string {
  const all = containersOf(pod);
  const restarts = all.reduce<number>((sum, one) => sum + Number(fieldOf(one, 'restartCount') ?? 0), 0);
  const ends = all.map((one) => fieldOf(one, 'lastState', 'terminated', 'finishedAt')).filter((at) => at !== undefined);
  const last = Math.max(...ends.map((at) => Date.parse(String(at))));
  return restarts === 0 || ends.length === 0 ? String(restarts) : `${restarts} (${ageOf(last, nowMs)} ago)`;
}

/** `3d4h`: as Kubernetes shortens a duration for people. */
export function ageOf(sinceMs: number, nowMs: number): string {
  const s = Math.max(0, Math.floor((nowMs - sinceMs) / 1000));
  const [m, h, d] = [Math.floor(s / 60), Math.floor(s / 3600), Math.floor(s / 86_400)];
  const two = (large: number, unit: string, rest: number, small: string): string =>
    rest === 0 ? `${large}${unit}` : `${large}${unit}${rest}${small}`;
  if (s < 120) return `${s}s`;
  if (m < 10) return two(m, 'm', s % 60, 's');
  if (m < 180) return `${m}m`;
  if (h < 8) return two(h, 'h', m % 60, 'm');
  if (h < 48) return `${h}h`;
  if (d < 8) return two(d, 'd', h % 24, 'h');
  if (d < 2 * 365) return `${d}d`;
  return d < 8 * 365 ? two(Math.floor(d / 365), 'y', d % 365, 'd') : `${Math.floor(d / 365)}y`;
}
