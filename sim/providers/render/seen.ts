import { endOf } from '../../market/instance.ts';
import type { Doors } from '../kit/doors.ts';
import { gpuTime } from '../kit/holdings.ts';
import type { JobAtRender } from './jobs.ts';
import { uuidOf } from './nodes.ts';

/** World milliseconds until a node is found, and for which an end is still under way. */
const PENDING_MS = 2_000;
const ENDING_MS = 3_000;
/** Of the time until a node is ready, the part in which it has not begun with the image. */
const ASSIGNED_SHARE = 0.2;
/** Where nothing answers. */
const SHUT_PORT = 9;

/** Of the job: that a node is being prepared only its run tells. */
export function jobStatusOf(job: JobAtRender, nowMs: number): string {
  const status = runStatusOf(job, nowMs);
  return status === 'PREPARING' ? 'ASSIGNED' : status;
}

/** The market's truth in Render's words. */
export function runStatusOf({ instance, note }: JobAtRender, nowMs: number): string {
  const { fate, cancelled_ms, created_ms } = instance;
  const end = endOf(instance);
  if (cancelled_ms !== null) return nowMs < end + ENDING_MS ? 'CANCELLING' : 'CANCELLED';
  if (nowMs >= end) {
    if (fate.state === 'completed') return note.done;
    return nowMs < end + ENDING_MS ? 'FAILING' : 'FAILED';
  }
  if (nowMs < created_ms + PENDING_MS) return 'PENDING';
  if (fate.ready_ms !== null && nowMs >= fate.ready_ms) return 'RUNNING';
  const prepared = (fate.ready_ms ?? fate.ended_ms) - created_ms;
  return nowMs < created_ms + ASSIGNED_SHARE * prepared ? 'ASSIGNED' : 'PREPARING';
}

function reasonOf({ instance: { fate, cancelled_ms }, note }: JobAtRender): string | null {
  if (cancelled_ms !== null) return 'Cancelled by user';
  switch (fate.state) {
    case 'completed':
      return null;
    case 'failed_to_start':
      return fate.blame === 'tenant'
        ? `Failed to pull image ${note.image}:${note.tag}: manifest unknown`
        : 'Timed out preparing the node';
    case 'preempted':
      return 'Node went offline';
    case 'failed':
      return 'Lost connection to the node';
  }
}

const isOver = ({ instance }: JobAtRender, nowMs: number): boolean =>
  instance.cancelled_ms !== null || nowMs >= endOf(instance);
const iso = (ms: number): string => new Date(ms).toISOString();

export function seenJob(job: JobAtRender, nowMs: number, nulls: boolean): Readonly<Record<string, unknown>> {
  const { instance, note, nativeId } = job;
  const over = isOver(job, nowMs);
  return {
    object: 'job',
    uuid: nativeId,
    title: note.title,
    task: note.task,
    status: jobStatusOf(job, nowMs),
    status_reason: over && !nulls ? reasonOf(job) : null,
    created_at: nulls ? null : iso(instance.created_ms),
    updated_at: nulls ? null : iso(instance.created_ms),
    completed_at: over && !nulls ? iso(endOf(instance)) : null,
    gpu_name: nulls ? null : note.gpu_name,
    gpu_count: instance.gpu_count,
    max_timeout_run_ms: null,
    parameters: nulls
      ? null
      : { type: 'docker', parameters: { image: note.image, tag: note.tag, ports: note.ports, env: {} } },
  };
}

export const runIdOf = ({ nativeId }: JobAtRender): string => uuidOf('render run', nativeId);

/** Once a node is found. */
export const hasRun = ({ instance }: JobAtRender, nowMs: number): boolean =>
  Math.min(nowMs, endOf(instance)) >= instance.created_ms + PENDING_MS;

export function seenRun(
  job: JobAtRender,
  nowMs: number,
  doors: Doors,
  nulls: boolean,
): Readonly<Record<string, unknown>> {
  const { instance, note, nativeId } = job;
  const over = isOver(job, nowMs);
  return {
    object: 'job_run',
    uuid: runIdOf(job),
    job_uuid: nativeId,
    job_snapshot: nulls ? null : { uuid: nativeId, title: note.title, gpu_count: instance.gpu_count },
    status: runStatusOf(job, nowMs),
    created_at: nulls ? null : iso(instance.created_ms + PENDING_MS),
    started_at_ms: nulls ? null : instance.created_ms + PENDING_MS,
    ended_at_ms: over && !nulls ? endOf(instance) : null,
    node_urls: nulls ? null : urlsOf(job, nowMs, doors),
    node: nulls ? null : { gpus: Array.from({ length: note.node_gpus }, () => ({ name: note.gpu_name })) },
    pricing: nulls ? null : { hourly_rate_usd: usdPerHour(job) },
  };
}

/** From when it runs on; those of one that is over lead nowhere. */
function urlsOf(job: JobAtRender, nowMs: number, doors: Doors): readonly unknown[] {
  const { instance, note } = job;
  const ready = instance.fate.ready_ms;
  if (ready === null || Math.min(nowMs, endOf(instance)) < ready) return [];
  const port = isOver(job, nowMs) ? SHUT_PORT : doors.port(instance.fate.latency_ms);
  if (port === null || note.hidden) return [];
  return note.ports.map((own) => ({
    description: own === 22 ? 'ssh' : String(own),
    hostname: '127.0.0.1',
    port,
    protocol: 'tcp',
    tls: false,
  }));
}

const usdPerHour = ({ instance, note }: JobAtRender): number => instance.fate.usd_per_gpu_hour * note.node_gpus;

/** USD until now: all GPUs of the node while the job ran. */
export function costOf(job: JobAtRender, nowMs: number): number {
  const ran = gpuTime(job.instance, nowMs);
  return ran === null ? 0 : (usdPerHour(job) * (ran.to - ran.from)) / 3_600_000;
}

/** World epoch milliseconds from which on it costs nothing; null: it still does. */
export const endedAt = (job: JobAtRender, nowMs: number): number | null =>
  isOver(job, nowMs) ? endOf(job.instance) : null;

/** What its container has written. */
export function writtenBy({ instance, note }: JobAtRender, nowMs: number): string | null {
  const { fate } = instance;
  if (fate.ready_ms === null || nowMs < fate.ready_ms) return null;
  const end = endOf(instance);
  return [
    `${iso(fate.ready_ms)} ${instance.workload_type} on ${note.node_gpus} GPUs\n`,
    nowMs < end ? '' : `${iso(end)} ${fate.state === 'completed' ? 'done' : 'stopped'}\n`,
  ].join('');
}
