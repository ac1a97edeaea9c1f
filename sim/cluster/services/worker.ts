/**
 * What takes jobs from the bus: `POST /jobs`, as a push subscription calls it. Where nobody is awake or free it is refused, so that the
 * job waits on the bus and comes again; what is taken is answered when it is done.
 *   refused (503) | working -> done (200), or cut off because its pod is gone
 */
import { z } from 'zod';
import type { HostClock } from '#shared/ports/clock.ts';
import type { JobRecord } from '../objects/jobs.ts';
import { json, type ServiceReply, type ServiceRequest } from './service.ts';

export interface Worker {
  /** Null: the connection is cut. */
  take(request: ServiceRequest): Promise<ServiceReply | null>;
  close(): void;
}

/** One that works at one job at a time. */
export interface WorkPlace {
  readonly id: number;
  /** Host milliseconds that a job takes there; 0 or less: it takes none any more. */
  readonly workMs: number;
}

export interface WorkerOptions {
  readonly hostClock: HostClock;
  /** All that are there now, at work or not. */
  readonly places: () => readonly WorkPlace[];
}

/** At speed 1, host milliseconds. */
const JOB_MS = 40_000;

/** Each ready pod takes one job at a time; the newest go first, and what those were at comes again. */
export const podPlaces = (ready: number, speed: number): readonly WorkPlace[] =>
  Array.from({ length: ready }, (_, id) => ({ id, workMs: JOB_MS / speed }));

/** Of the time that a GPU job runs: it has taken its message off the bus before it ends, so none is started for it twice. */
const WORK_SHARE = 0.9;

/** Each GPU job takes one message. */
export const gpuPlaces = (running: readonly JobRecord[], nowMs: number): readonly WorkPlace[] =>
  running.map(({ serial, createdMs, endsMs }) => ({
    id: serial,
    workMs: createdMs + WORK_SHARE * (endsMs - createdMs) - nowMs,
  }));

const push = z.object({ message: z.object({ data: z.string() }) });

export function createWorker({ hostClock, places }: WorkerOptions): Worker {
  /** By place. */
  const atWork = new Map<number, () => void>();

  return {
    async take({ method, body }) {
      if (method !== 'POST') return json({ error: 'method not allowed' }, 405);
      if (!push.safeParse(body).success) return json({ error: 'expected the push of a subscription' }, 400);
      const there = places();
      const place = there.find(({ id, workMs }) => workMs > 0 && !atWork.has(id));
      if (place === undefined) return json({ error: there.length === 0 ? 'no pod is ready' : 'all are at work' }, 503);
      const done = await new Promise<boolean>((resolve) => {
        const cancel = hostClock.after(place.workMs, () => resolve(true));
        atWork.set(place.id, () => {
          cancel();
          resolve(false);
        });
      });
      atWork.delete(place.id);
      return done && places().some(({ id }) => id === place.id) ? json({ done: true }) : null;
    },
    close() {
      for (const stop of atWork.values()) stop();
    },
  };
}
