/**
 * The cluster as it is: what is to run, what runs, what KEDA has seen. Its objects are a function of that, of the faults and of the time;
 * the store finds what has changed since the last look.
 */
import type { HostClock } from '#shared/ports/clock.ts';
import { APP_NAMES, APPS, type AppName, JOB_SCALER, SCALERS } from './facts.ts';
import type { FaultSwitches } from './faults/switches.ts';
import { certificateObject } from './objects/certificate.ts';
import { deploymentObjects } from './objects/deployments.ts';
import { ingressObject } from './objects/ingress.ts';
import { type JobRecord, jobObjects } from './objects/jobs.ts';
import { type ScalerState, scaledJob, scaledObject } from './objects/keda.ts';
import { leaseObjects } from './objects/leases.ts';
import { namespaceObjects } from './objects/namespaces.ts';
import { nodeObjects } from './objects/nodes.ts';
import type { ClusterObject } from './objects/object.ts';
import { type Look, type PodRecord, podStates, readyCount, startupMs, type Workload } from './objects/workload.ts';
import { createStore, type Store } from './store.ts';

/** What becomes of an object before anybody sees it; null: it is not there. For faults that are in no table. */
export type Alteration = (object: ClusterObject) => ClusterObject | null;

export interface ClusterState {
  /** As it is now: looking brings it up to date. */
  store(): Store;
  /** How many pods of it are ready now. */
  ready(app: AppName): number;
  replicas(app: AppName): number;
  /** The newest go first. */
  scale(app: AppName, replicas: number): void;
  scalerSaw(name: string, saw: ScalerState): void;
  /** Jobs that have not ended. */
  runningJobs(): readonly JobRecord[];
  startJobs(count: number): void;
  /** Instead of the one before; null: none. */
  alter(alteration: Alteration | null): void;
  close(): void;
}

export interface StateOptions {
  readonly hostClock: HostClock;
  readonly seed: number;
  /** How much faster than in the real cluster pods start and jobs end. */
  readonly speed: number;
  readonly faults: FaultSwitches;
}

const DAY_MS = 86_400_000;
/** Age of a cluster at its start. */
const AGE_MS = 41 * DAY_MS;
/** Of a GPU job, at speed 1. */
const JOB_MS = 10 * 60_000;
const UNSEEN: ScalerState = { active: false, lastActiveMs: null, blindMs: null };

export function createClusterState({ hostClock, seed, speed, faults }: StateOptions): ClusterState {
  const bornMs = hostClock.now() - AGE_MS;
  const store = createStore();
  const pods = new Map<AppName, readonly PodRecord[]>();
  const scalers = new Map<string, ScalerState>();
  let jobs: readonly JobRecord[] = [];
  let serial = 0;
  let alteration: Alteration | null = null;
  const timers = new Set<() => void>();
  /** What the store tells of; null: of less than is known. Within a millisecond only what is told here changes anything. */
  let syncedMs: number | null = null;

  const newPods = (count: number, createdMs: number): readonly PodRecord[] =>
    Array.from({ length: count }, () => {
      serial += 1;
      return { serial, createdMs };
    });
  for (const name of APP_NAMES) pods.set(name, newPods(APPS[name].replicas, bornMs));

  const look = (): Look => ({ nowMs: hostClock.now(), speed, faults });
  const workload = (name: AppName): Workload => {
    const records = pods.get(name) ?? [];
    return { app: APPS[name], pods: records, wanted: records.length };
  };

  function objects(): readonly ClusterObject[] {
    const now = look();
    const gpuScaler = scaledJob(bornMs);
    // Ended before its fault began, so that it is over at once.
    const oldMs = faults.sinceMs('completed_job_pod');
    const old = oldMs === null ? [] : [{ serial: 0, createdMs: oldMs - JOB_MS, endsMs: oldMs }];
    return [
      ...namespaceObjects(bornMs),
      ...nodeObjects(bornMs, now.nowMs, faults),
      ...leaseObjects(bornMs, now.nowMs, faults),
      ...APP_NAMES.flatMap((name) => deploymentObjects(workload(name), now, bornMs, seed)),
      ingressObject(bornMs, faults),
      certificateObject(bornMs, now.nowMs, faults),
      ...SCALERS.flatMap((scaler) => {
        const made = scaledObject(scaler, scalers.get(scaler.name) ?? UNSEEN, bornMs, faults);
        return made === null ? [] : [made];
      }),
      gpuScaler,
      ...[...jobs, ...old].flatMap((job) => jobObjects(job, now.nowMs, gpuScaler, seed)),
    ];
  }

  const altered = (all: readonly ClusterObject[]): readonly ClusterObject[] =>
    alteration === null
      ? all
      : all.flatMap((object) => {
          const one = alteration?.(object) ?? null;
          return one === null ? [] : [one];
        });
  function sync(): void {
    syncedMs = hostClock.now();
    store.sync(altered(objects()));
  }
  /** For those who watch and never ask: what only time changes. */
  function syncIn(ms: number): void {
    const cancel = hostClock.after(ms, () => {
      timers.delete(cancel);
      sync();
    });
    timers.add(cancel);
  }

  faults.onChange(sync);
  sync();
  return {
    store() {
      if (syncedMs !== hostClock.now()) sync();
      return store;
    },
    ready: (name) => readyCount(podStates(workload(name), look())),
    replicas: (name) => workload(name).pods.length,
    scale(name, replicas) {
      const records = pods.get(name) ?? [];
      const more = Math.max(0, replicas - records.length);
      pods.set(name, [...records.slice(0, replicas), ...newPods(more, hostClock.now())]);
      sync();
      if (more > 0) syncIn(startupMs(speed));
    },
    scalerSaw(name, saw) {
      const before = scalers.get(name);
      scalers.set(name, saw);
      // That it is still active is seen by whoever looks next; a poll is not worth a look of its own.
      syncedMs = null;
      if (before?.active !== saw.active || before.blindMs !== saw.blindMs) sync();
    },
    runningJobs: () => jobs.filter(({ endsMs }) => endsMs > hostClock.now()),
    startJobs(count) {
      const now = hostClock.now();
      const running = jobs.filter(({ endsMs }) => endsMs > now);
      const ended = jobs.filter(({ endsMs }) => endsMs <= now).slice(-JOB_SCALER.kept);
      const started = newPods(count, now).map((pod) => ({ ...pod, endsMs: now + JOB_MS / speed }));
      jobs = [...ended, ...running, ...started];
      sync();
      if (count > 0) syncIn(JOB_MS / speed);
    },
    alter(given) {
      alteration = given;
      sync();
    },
    close() {
      for (const cancel of timers) cancel();
      timers.clear();
    },
  };
}
