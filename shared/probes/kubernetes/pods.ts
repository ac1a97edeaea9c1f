/**
 * Pods as one look shows them. What runs to its end (jobs, the evicted) and what is being deleted is left out: others take its place.
 *
 * Restarts: the API has a number since the pod began, and when the last one was. So of the last hour one look knows a span: at least all of
 * them when the pod is younger, one when the last was within, none else; at most all of them. What is likely in between: all while the
 * last is fresh, for a loop runs whenever one looks between two ends; else what its pace since it began comes to, so that a service
 * that ends three times an hour for days shows itself.
 */
import { z } from 'zod';
import type { CheckContext } from '../check.ts';
import type { KubernetesReader } from '../tools.ts';
import { conditionOf, conditions, instantOf, type Labels, listOf, matches, metadata } from './objects.ts';

const terminated = z
  .object({ reason: z.string().nullish(), exitCode: z.number().nullish(), finishedAt: z.string().nullish() })
  .nullish();
const containers = z
  .array(
    z.object({
      name: z.string(),
      restartCount: z.number().nullish(),
      state: z.object({ waiting: z.object({ reason: z.string().nullish() }).nullish(), terminated }).nullish(),
      lastState: z.object({ terminated }).nullish(),
    }),
  )
  .nullish();

const pod = z.object({
  metadata,
  status: z
    .object({
      phase: z.string().nullish(),
      startTime: z.string().nullish(),
      conditions,
      containerStatuses: containers,
      initContainerStatuses: containers,
    })
    .nullish(),
});
type Pod = z.infer<typeof pod>;

/** Reasons to wait that are no fault: an image is on its way. */
const ON_THE_WAY = new Set(['ContainerCreating', 'PodInitializing']);
/** Phases of what will not run again. */
const ENDED = new Set(['Succeeded', 'Failed']);

export interface PodSeen {
  readonly name: string;
  readonly phase: string;
  readonly ready: boolean;
  /** Why a container waits, when it is not merely on its way, and how it last ended; null: none does. */
  readonly waiting: string | null;
  /** Why no node takes it; null: one did, or is being looked for. */
  readonly unscheduled: string | null;
  readonly createdMs: number | null;
  readonly restarts: number;
  /** Host epoch milliseconds; null: never, or the API does not say. */
  readonly restartedMs: number | null;
}

export interface PodsSeen {
  readonly namespace: string;
  readonly pods: readonly PodSeen[];
  /** Left out: run to their end, or being deleted. */
  readonly leaving: number;
}

/** @throws as the reader */
export async function readPods(
  reader: KubernetesReader,
  namespace: string,
  selector: Labels,
  context: CheckContext,
): Promise<PodsSeen> {
  const all = await listOf(reader, `/api/v1/namespaces/${namespace}/pods`, pod, context);
  const wanted = all.filter(({ metadata: { labels } }) => matches(labels, selector));
  const staying = wanted.filter(
    ({ metadata: { deletionTimestamp }, status }) => deletionTimestamp == null && !ENDED.has(status?.phase ?? ''),
  );
  return { namespace, pods: staying.map(podSeen), leaving: wanted.length - staying.length };
}

function podSeen({ metadata: { name, creationTimestamp }, status }: Pod): PodSeen {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const stuck = all.find(({ state }) => state?.waiting?.reason != null && !ON_THE_WAY.has(state.waiting.reason));
  const scheduled = conditionOf(status?.conditions, 'PodScheduled');
  const ends = all.map(({ lastState, state }) => instantOf((lastState?.terminated ?? state?.terminated)?.finishedAt));
  const restarts = all.reduce((sum, { restartCount }) => sum + (restartCount ?? 0), 0);
  const last = Math.max(...ends.map((ms) => ms ?? -Infinity));
  return {
    name,
    phase: status?.phase ?? 'Unknown',
    ready: status?.phase === 'Running' && conditionOf(status.conditions, 'Ready')?.status === 'True',
    waiting: stuck === undefined ? null : waitingOf(stuck),
    unscheduled: scheduled?.status === 'False' ? (scheduled.reason ?? 'Unschedulable') : null,
    createdMs: instantOf(status?.startTime ?? creationTimestamp),
    restarts,
    restartedMs: restarts > 0 && Number.isFinite(last) ? last : null,
  };
}

/** `CrashLoopBackOff (OOMKilled, exit 137)` */
function waitingOf({ state, lastState }: NonNullable<z.infer<typeof containers>>[number]): string {
  const last = lastState?.terminated;
  const ended = [last?.reason, last?.exitCode == null ? null : `exit ${last.exitCode}`].filter((one) => one != null);
  return `${state?.waiting?.reason}${ended.length === 0 ? '' : ` (${ended.join(', ')})`}`;
}

export interface Restarts {
  readonly atLeast: number;
  readonly likely: number;
  readonly atMost: number;
}

/** The kubelet itself forgets its back-off after so long: a container that ended later is still in its loop, if it is one. */
const LOOP_MS = 600_000;

/** What one look knows of the last `windowMs`. */
export function restartsWithin(pod: PodSeen, windowMs: number, nowMs: number): Restarts {
  const { restarts, restartedMs, createdMs } = pod;
  const quietMs = restartedMs === null ? null : nowMs - restartedMs;
  if (restarts === 0 || (quietMs !== null && quietMs > windowMs)) return exactly(0);
  const ageMs = createdMs === null ? null : nowMs - createdMs;
  if (ageMs !== null && ageMs <= windowMs) return exactly(restarts);
  const atLeast = quietMs === null ? 0 : 1;
  if (quietMs !== null && quietMs < LOOP_MS) return { atLeast, likely: restarts, atMost: restarts };
  const atItsPace = ageMs === null ? 0 : Math.floor((restarts * windowMs) / ageMs);
  return { atLeast, likely: Math.max(atLeast, atItsPace), atMost: restarts };
}

const exactly = (count: number): Restarts => ({ atLeast: count, likely: count, atMost: count });
