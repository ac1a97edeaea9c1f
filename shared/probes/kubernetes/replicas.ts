/** How many replicas a deployment has, watched until it has those that are awaited. Every wait is bounded. */
import { z } from 'zod';
import { count } from '#shared/domain/primitives.ts';
import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { pause } from '#shared/runtime/pause.ts';
import type { CheckContext } from '../check.ts';
import type { KubernetesReader } from '../tools.ts';
import { listOf, metadata } from './objects.ts';

const deployment = z.object({
  metadata,
  status: z.object({ replicas: count.nullish(), availableReplicas: count.nullish() }).nullish(),
});

export interface Replicas {
  readonly replicas: number;
  readonly available: number;
}

export interface ReplicasWatched {
  /** late: not within the time given. cut_short: the attempt's own deadline came first. missing: there is no such deployment. */
  readonly outcome: 'reached' | 'late' | 'cut_short' | 'missing';
  readonly ms: number;
  readonly last: Replicas | null;
}

export interface ReplicasWatchOptions {
  readonly reader: KubernetesReader;
  readonly namespace: string;
  readonly deployment: string;
  readonly pollMs: number;
  readonly hostClock: HostClock;
}

/** The API server may be away for so many looks in a row, as it is while it is upgraded. */
const MAX_MISSED = 3;

export type WatchReplicas = (
  until: (seen: Replicas) => boolean,
  withinMs: number,
  context: CheckContext,
) => Promise<ReplicasWatched>;

/** @throws as the reader, when it cannot be looked at several times in a row; the signal's reason */
export function createReplicasWatch(options: ReplicasWatchOptions): WatchReplicas {
  const { hostClock, pollMs } = options;
  return async (until, withinMs, context) => {
    const beganMs = hostClock.now();
    const endMs = Math.min(beganMs + withinMs, context.deadline);
    let [last, missed]: [Replicas | null, number] = [null, 0];
    const done = (outcome: ReplicasWatched['outcome']): ReplicasWatched => ({
      outcome,
      ms: hostClock.now() - beganMs,
      last,
    });
    while (hostClock.now() < endMs) {
      try {
        const seen = await look(options, context);
        if (seen === null) return done('missing');
        [last, missed] = [seen, 0];
        if (until(seen)) return done('reached');
      } catch (error) {
        missed += 1;
        if (!(error instanceof TransientError) || missed > MAX_MISSED) throw error;
      }
      await pause(hostClock, Math.max(0, Math.min(pollMs, endMs - hostClock.now())), context.signal);
    }
    return done(endMs === context.deadline ? 'cut_short' : 'late');
  };
}

async function look(options: ReplicasWatchOptions, context: CheckContext): Promise<Replicas | null> {
  const { reader, namespace, hostClock } = options;
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  const all = await listOf(reader, path, deployment, { ...context, freshAfterMs: hostClock.now() });
  const found = all.find(({ metadata: { name } }) => name === options.deployment);
  if (found === undefined) return null;
  return { replicas: found.status?.replicas ?? 0, available: found.status?.availableReplicas ?? 0 };
}
