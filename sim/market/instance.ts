/**
 * One deployment. Its whole life is fixed when it is bought: the fate below. A status is that life seen at an instant:
 *   provisioning -> failed_to_start
 *   provisioning -> running -> completed | preempted | failed
 *   provisioning | running -> cancelled (terminate)
 */
import { MS_PER_HOUR } from '#shared/defaults.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { InstanceStatus } from '#shared/providers/provider.ts';
import { exponential, normal, uniforms } from './random.ts';
import type { Lognormal, Rates } from './rates.ts';

/** Failures are known in minutes: median of the lognormal until a start is given up. */
const FAILED_START_MEDIAN_MS = 4 * 60_000;
const FAILED_START_SIGMA = 0.5;

export interface Fate {
  /** Epoch milliseconds; null: never ready. */
  readonly ready_ms: number | null;
  readonly ended_ms: number;
  readonly state: 'completed' | 'failed_to_start' | 'preempted' | 'failed';
  readonly blame: 'provider' | 'tenant' | 'network' | null;
  /** Measured while running. */
  readonly latency_ms: number;
  readonly usd_per_gpu_hour: number;
}

export interface Instance {
  readonly instance_id: string;
  readonly label: string;
  readonly provider: string;
  readonly offer_id: string;
  readonly workload_type: string;
  readonly gpu_count: number;
  readonly gpu_hours: number;
  readonly created_ms: number;
  readonly fate: Fate;
  readonly cancelled_ms: number | null;
  /** When its customer gave it back; what is left of it (a disk) costs until then. Null: not yet. */
  readonly released_ms: number | null;
  /** What its provider remembers of the order; nothing to the market. */
  readonly note: string;
}

/** The dice of one deployment: a function of seed, label and offer, never of the order of calls. */
export interface Dice {
  readonly gone: number;
  readonly mode: number;
  readonly start: number;
  readonly blame: number;
  readonly exposure: number;
  readonly latency: number;
  readonly price: number;
  readonly ready: number;
}

export function diceOf(seed: number, label: string, offerId: string): Dice {
  const draw = uniforms(seed, 'run', label, offerId);
  return {
    gone: draw(),
    mode: draw(),
    start: draw(),
    blame: draw(),
    exposure: exponential(draw),
    latency: normal(draw),
    price: normal(draw),
    ready: normal(draw),
  };
}

/** Whether the tenant's own fault fails this label: the same at every provider. */
export const tenantFault = (seed: number, label: string, share: number): boolean =>
  share > 0 && uniforms(seed, 'tenant fault', label)() < share;

const at = ({ median, sigma }: Lognormal, z: number): number => median * Math.exp(sigma * z);

export interface RunOrder {
  readonly created_ms: number;
  readonly run_hours: number;
  readonly tenant_fault: boolean;
  readonly network_blame_share: number;
}

export function fateOf(order: RunOrder, rates: Rates, dice: Dice): Fate {
  const run = {
    latency_ms: at(rates.latency_ms, dice.latency),
    usd_per_gpu_hour: at(rates.usd_per_gpu_hour, dice.price),
  };
  if (order.tenant_fault || dice.start >= rates.start) {
    const patience = at({ median: FAILED_START_MEDIAN_MS, sigma: FAILED_START_SIGMA }, dice.ready);
    return {
      ...run,
      ready_ms: null,
      ended_ms: Math.round(order.created_ms + patience),
      state: 'failed_to_start',
      blame: order.tenant_fault ? 'tenant' : 'provider',
    };
  }
  const ready = Math.round(order.created_ms + at(rates.ready_ms, dice.ready));
  const lasts = rates.hazard_per_hour === 0 ? Number.POSITIVE_INFINITY : dice.exposure / rates.hazard_per_hour;
  const network = dice.blame < order.network_blame_share;
  const ended = Math.round(ready + Math.min(lasts, order.run_hours) * MS_PER_HOUR);
  if (lasts >= order.run_hours) return { ...run, ready_ms: ready, ended_ms: ended, state: 'completed', blame: null };
  return {
    ...run,
    ready_ms: ready,
    ended_ms: ended,
    state: network ? 'failed' : 'preempted',
    blame: network ? 'network' : 'provider',
  };
}

export const endOf = (instance: Instance): number => instance.cancelled_ms ?? instance.fate.ended_ms;

/** The market keeps all of its books. */
export type BookedStatus = InstanceStatus & {
  readonly created_at: string;
  readonly exposure_hours: number;
  readonly useful_gpu_hours: number;
  readonly billed_gpu_hours: number;
  readonly cost_usd: number;
};

/** The life of an instance as seen at `nowMs`; an instant before its creation sees it provisioning. */
export function statusAt(instance: Instance, nowMs: number): BookedStatus {
  const { fate } = instance;
  const end = endOf(instance);
  const ended = nowMs >= end;
  const ready = fate.ready_ms !== null && fate.ready_ms <= Math.min(nowMs, end) ? fate.ready_ms : null;
  const completed = ended && instance.cancelled_ms === null && fate.state === 'completed';
  const runHours = instance.gpu_hours / instance.gpu_count;
  const exposure = completed ? runHours : ready === null ? 0 : (Math.min(nowMs, end) - ready) / MS_PER_HOUR;
  const billed = completed ? instance.gpu_hours : exposure * instance.gpu_count;
  return {
    instance_id: instance.instance_id,
    request_id: instance.label,
    state: ended
      ? instance.cancelled_ms === null
        ? fate.state
        : 'cancelled'
      : ready === null
        ? 'provisioning'
        : 'running',
    blame: ended ? (instance.cancelled_ms === null ? fate.blame : 'tenant') : null,
    created_at: rfc3339(instance.created_ms),
    ready_at: ready === null ? null : rfc3339(ready),
    ended_at: ended ? rfc3339(end) : null,
    address: null,
    gpu_count: instance.gpu_count,
    usd_per_hour: fate.usd_per_gpu_hour * instance.gpu_count,
    storage_usd_per_hour: null,
    latency_ms: ready === null ? null : fate.latency_ms,
    exposure_hours: exposure,
    useful_gpu_hours: completed
      ? instance.gpu_hours
      : Math.min(instance.gpu_hours, Math.floor(exposure) * instance.gpu_count),
    billed_gpu_hours: billed,
    cost_usd: billed * fate.usd_per_gpu_hour,
  };
}
