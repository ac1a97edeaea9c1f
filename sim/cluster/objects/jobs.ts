/** Jobs that KEDA makes for waiting GPU work, and the pods that do it. */
import { GPU_WORKER, JOB_SCALER, NAMESPACE, NODES } from '../facts.ts';
import { type ClusterObject, type Fields, head, seconds, suffixOf } from './object.ts';

export const GPU_POD_SPEC: Fields = {
  containers: [
    { ...GPU_WORKER, resources: { limits: { 'nvidia.com/gpu': '1' }, requests: { cpu: '100m', memory: '256Mi' } } },
  ],
  restartPolicy: 'Never',
};

export interface JobRecord {
  readonly serial: number;
  readonly createdMs: number;
  /** Host epoch milliseconds. */
  readonly endsMs: number;
}

export function jobObjects(
  job: JobRecord,
  nowMs: number,
  scaler: ClusterObject,
  seed: number,
): readonly ClusterObject[] {
  const { serial, createdMs, endsMs } = job;
  const done = nowMs >= endsMs;
  const name = `${JOB_SCALER.name}-${suffixOf(5, seed, 'job', serial)}`;
  const labels = { app: GPU_WORKER.name, 'scaledjob.keda.sh/name': JOB_SCALER.name };
  const made: ClusterObject = {
    ...head({ apiVersion: 'batch/v1', kind: 'Job', name, namespace: NAMESPACE, createdMs, labels, owner: scaler }),
    spec: { parallelism: 1, completions: 1, backoffLimit: 2, template: { metadata: { labels }, spec: GPU_POD_SPEC } },
    status: {
      startTime: seconds(createdMs),
      ...(done
        ? {
            succeeded: 1,
            completionTime: seconds(endsMs),
            conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: seconds(endsMs) }],
          }
        : { active: 1, ready: 1 }),
    },
  };
  return [made, podOf(job, made, labels, done, seed)];
}

function podOf(
  { serial, createdMs, endsMs }: JobRecord,
  job: ClusterObject,
  labels: Readonly<Record<string, string>>,
  done: boolean,
  seed: number,
): ClusterObject {
  const [, , node] = NODES;
  const ready = done ? 'False' : 'True';
  const why = done ? { reason: 'PodCompleted' } : {};
  const sinceMs = done ? endsMs : createdMs;
  return {
    ...head({
      apiVersion: 'v1',
      kind: 'Pod',
      name: `${job.metadata.name}-${suffixOf(5, seed, 'job pod', serial)}`,
      namespace: NAMESPACE,
      createdMs,
      labels: { ...labels, 'batch.kubernetes.io/job-name': job.metadata.name },
      owner: job,
    }),
    spec: { ...GPU_POD_SPEC, nodeName: node.name, schedulerName: 'default-scheduler' },
    status: {
      phase: done ? 'Succeeded' : 'Running',
      conditions: [
        { type: 'Initialized', status: 'True', lastTransitionTime: seconds(createdMs), ...why },
        { type: 'Ready', status: ready, lastTransitionTime: seconds(sinceMs), ...why },
        { type: 'ContainersReady', status: ready, lastTransitionTime: seconds(sinceMs), ...why },
        { type: 'PodScheduled', status: 'True', lastTransitionTime: seconds(createdMs) },
      ],
      hostIP: node.ip,
      podIP: `10.4.13.${10 + (serial % 200)}`,
      startTime: seconds(createdMs),
      containerStatuses: [
        {
          ...GPU_WORKER,
          ready: !done,
          started: !done,
          restartCount: 0,
          state: done
            ? {
                terminated: {
                  exitCode: 0,
                  reason: 'Completed',
                  startedAt: seconds(createdMs),
                  finishedAt: seconds(endsMs),
                },
              }
            : { running: { startedAt: seconds(createdMs) } },
          lastState: {},
        },
      ],
    },
  };
}
