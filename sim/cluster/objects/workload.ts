/** How the pods of an app are: from how many there are to be, when each was made, and the faults. */
import type { App } from '../facts.ts';
import type { FaultName } from '../faults/catalogue.ts';
import type { FaultSwitches } from '../faults/switches.ts';

export interface PodRecord {
  /** Never used twice by an app: the pod's name comes from it. */
  readonly serial: number;
  readonly createdMs: number;
}

export interface Workload {
  readonly app: App;
  readonly pods: readonly PodRecord[];
  /** As the deployment says. */
  readonly wanted: number;
}

export interface PodCondition {
  readonly kind: 'ready' | 'starting' | 'pending' | 'not_ready' | 'image_pull' | 'crash_loop';
  readonly sinceMs: number;
}

export interface PodState extends PodRecord {
  readonly app: App;
  readonly condition: PodCondition;
  readonly restarts: number;
  /** When its container ended for the last time; null: never. */
  readonly endedMs: number | null;
}

/** What a pod needs from its making until it is ready, host milliseconds at speed 1. */
const STARTUP_MS = 5_000;
export const startupMs = (speed: number): number => STARTUP_MS / speed;

const DAY_MS = 86_400_000;
const RESTART_EVERY_MS = 120_000;
const SICK = {
  pod_crash_loop: 'crash_loop',
  pod_pending: 'pending',
  pod_not_ready: 'not_ready',
  pod_image_pull: 'image_pull',
} as const satisfies Partial<Record<FaultName, PodCondition['kind']>>;
const SICK_NAMES = Object.keys(SICK) as readonly (keyof typeof SICK)[];

export interface Look {
  readonly nowMs: number;
  readonly speed: number;
  readonly faults: FaultSwitches;
}

/** The pods of a deployment. */
export function podStates({ app, pods }: Workload, { nowMs, speed, faults }: Look): readonly PodState[] {
  if (app.name === 'aurora-router' && faults.has('pod_missing')) return [];
  return pods.map((pod, index): PodState => {
    const readyMs = pod.createdMs + startupMs(speed);
    const well: PodState = {
      ...pod,
      app,
      condition: nowMs < readyMs ? { kind: 'starting', sinceMs: pod.createdMs } : { kind: 'ready', sinceMs: readyMs },
      restarts: 0,
      endedMs: null,
    };
    if (app.name === 'keda-operator') return crashing(well, faults.sinceMs('keda_down'));
    return app.name === 'aurora-router' && index === 1 ? sick(well, nowMs, faults) : well;
  });
}

function sick(well: PodState, nowMs: number, faults: FaultSwitches): PodState {
  for (const name of SICK_NAMES) {
    const sinceMs = faults.sinceMs(name);
    if (sinceMs === null) continue;
    if (name === 'pod_crash_loop') return crashing(well, sinceMs);
    // What never ran cannot be older than its trouble.
    const createdMs = name === 'pod_not_ready' ? well.createdMs : sinceMs;
    return { ...well, createdMs, condition: { kind: SICK[name], sinceMs } };
  }
  const restartingMs = faults.sinceMs('pod_restarting');
  if (restartingMs !== null) {
    const more = Math.floor((nowMs - restartingMs) / RESTART_EVERY_MS);
    const endedMs = restartingMs - 60_000 + more * RESTART_EVERY_MS;
    return { ...well, restarts: 42 + more, endedMs, condition: { kind: 'ready', sinceMs: endedMs + 20_000 } };
  }
  const oldMs = faults.sinceMs('old_restarts');
  return oldMs === null ? well : { ...well, restarts: 2, endedMs: oldMs - 20 * DAY_MS };
}

const crashing = (well: PodState, sinceMs: number | null): PodState =>
  sinceMs === null ? well : { ...well, restarts: 17, endedMs: sinceMs, condition: { kind: 'crash_loop', sinceMs } };

export const readyCount = (states: readonly PodState[]): number =>
  states.filter(({ condition }) => condition.kind === 'ready').length;
