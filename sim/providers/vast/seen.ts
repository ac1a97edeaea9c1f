import { z } from 'zod';
import { endOf } from '../../market/instance.ts';
import type { Doors } from '../kit/doors.ts';
import { gpuTime, type Held } from '../kit/holdings.ts';
import { STORAGE_COST, storageUsdPerHour } from './asks.ts';

/** What Vast remembers of an order. */
export const note = z.object({
  label: z.string().nullable(),
  image: z.string(),
  /** GB. */
  disk: z.number(),
  /** Port of the container that is to be reached. */
  port: z.number(),
  geolocation: z.string().nullable(),
  /** Never gets further than loading. */
  stuck: z.boolean(),
  /** World epoch milliseconds at which a better bid takes its machine; null: none. */
  outbid_ms: z.number().nullable(),
  /** Of the market's price: what it costs in the end. */
  price_factor: z.number(),
});
export type Note = z.infer<typeof note>;
export type HeldAtVast = Held<Note>;

type Phase = 'created' | 'loading' | 'running' | 'stopped' | 'exited' | 'offline' | 'unknown';

/** World milliseconds in which the status is not yet known. */
const UNSEEN_MS = 2_000;
/** A start that is stuck is given up after so long, world milliseconds. */
const STUCK_MS = 20 * 60_000;

/** When it stops by Vast's own doing, world epoch milliseconds; null: by the market's. */
function endedByVast({ instance, note: { stuck, outbid_ms } }: HeldAtVast): number | null {
  if (stuck) return instance.created_ms + STUCK_MS;
  return outbid_ms;
}

/** The market's truth as Vast would show it. */
function phaseOf(held: HeldAtVast, nowMs: number): Phase | null {
  const { instance, note } = held;
  const { fate } = instance;
  const own = endedByVast(held);
  if (own !== null && nowMs >= own) return note.stuck ? 'exited' : 'stopped';
  if (nowMs < instance.created_ms + UNSEEN_MS) return null;
  if (note.stuck || fate.ready_ms === null || nowMs < fate.ready_ms)
    return nowMs >= endOf(instance) ? 'exited' : 'loading';
  if (nowMs < endOf(instance)) return 'running';
  if (fate.state === 'failed') return 'unknown';
  if (fate.state !== 'preempted') return 'exited';
  // Some hosts sell to a better bid, some pull the plug; which of them is as fixed as the rest of the fate.
  return Number(held.nativeId) % 2 === 0 ? 'stopped' : 'offline';
}

function statusMessage({ instance, note }: HeldAtVast, phase: Phase | null): string | null {
  if (phase === null || phase === 'loading') return phase;
  if (phase === 'exited' && instance.fate.ready_ms === null)
    return instance.fate.blame === 'tenant'
      ? `Error response from daemon: manifest for ${note.image} not found: manifest unknown`
      : 'Error response from daemon: failed to create task for container: OCI runtime create failed';
  return phase === 'running' ? `success, running ${note.image}` : `${phase} ${note.image}`;
}

/** World epoch milliseconds in which it ran, until now; null: not at all. */
function ranAt(held: HeldAtVast, nowMs: number): { readonly from: number; readonly to: number } | null {
  if (held.note.stuck) return null;
  return gpuTime(held.instance, Math.min(nowMs, held.note.outbid_ms ?? nowMs));
}

const gpuUsdPerHour = ({ instance, note }: HeldAtVast): number =>
  instance.fate.usd_per_gpu_hour * instance.gpu_count * note.price_factor;

/** As the instance routes answer it. */
export function seenAt(held: HeldAtVast, nowMs: number, doors: Doors): Readonly<Record<string, unknown>> {
  const { instance, note, nativeId } = held;
  const phase = phaseOf(held, nowMs);
  const ran = ranAt(held, nowMs);
  const dphBase = gpuUsdPerHour(held);
  const port = phase === 'running' ? doors.port(instance.fate.latency_ms) : null;
  return {
    id: Number(nativeId),
    label: note.label,
    image_uuid: note.image,
    actual_status: phase,
    intended_status: 'running',
    cur_state: phase === 'stopped' ? 'stopped' : 'running',
    status_msg: statusMessage(held, phase),
    num_gpus: instance.gpu_count,
    dph_base: dphBase,
    dph_total: dphBase + storageUsdPerHour(note.disk),
    storage_cost: STORAGE_COST,
    disk_space: note.disk,
    start_date: instance.created_ms / 1_000,
    uptime_mins: ran === null ? null : (ran.to - ran.from) / 60_000,
    geolocation: note.geolocation,
    cpu_cores: 16,
    public_ipaddr: port === null ? null : '127.0.0.1',
    ports: port === null ? null : { [`${note.port}/tcp`]: [{ HostIp: '0.0.0.0', HostPort: String(port) }] },
  };
}

/** USD until now: the disk from creation until it is given back, GPUs while they ran. */
export function costOf(held: HeldAtVast, nowMs: number): number {
  const { instance, note } = held;
  const until = Math.min(nowMs, instance.released_ms ?? nowMs);
  const ran = ranAt(held, until);
  const hours = (ms: number): number => Math.max(0, ms) / 3_600_000;
  return (
    storageUsdPerHour(note.disk) * hours(until - instance.created_ms) +
    gpuUsdPerHour(held) * (ran === null ? 0 : hours(ran.to - ran.from))
  );
}

/** What its container has written. */
export function writtenBy({ instance, note }: HeldAtVast, nowMs: number): string {
  const { fate } = instance;
  const line = (ms: number, text: string): string => (ms > nowMs ? '' : `${new Date(ms).toISOString()} ${text}\n`);
  const end = endOf(instance);
  return [
    line(instance.created_ms, `pulling ${note.image}`),
    fate.ready_ms === null
      ? line(end, 'gave up')
      : line(fate.ready_ms, `${instance.workload_type} on ${instance.gpu_count} GPUs`),
    fate.ready_ms === null ? '' : line(end, fate.state === 'completed' ? 'done' : 'stopped'),
  ].join('');
}
