/**
 * KEDA, as it scales: every poll it asks each subscription how much waits.
 *   something waits   at least one replica, as many as the backlog divided by the value, within the bounds; fewer only when the backlog
 *                     has been small for the whole window of the autoscaler
 *   nothing waits     none, when that has been so for the cooldown
 * For GPU work it starts a job for what waits instead.
 */
import type { HostClock } from '#shared/ports/clock.ts';
import { JOB_SCALER, KEDA_COOLDOWN_S, KEDA_POLL_S, SCALERS, type Scaler } from './facts.ts';
import type { FaultSwitches } from './faults/switches.ts';
import { boundOf, type ScalerState, scales } from './objects/keda.ts';
import type { ClusterState } from './state.ts';

/** How many messages of a subscription wait, those in flight among them; null: it is not known. */
export type Backlog = (subscription: string) => number | null | Promise<number | null>;

export interface KedaOptions {
  readonly hostClock: HostClock;
  readonly state: ClusterState;
  readonly faults: FaultSwitches;
  readonly backlog: Backlog;
  /** How much faster it polls and cools down than in the real cluster. */
  readonly speed: number;
}

/** The autoscaler's window before it takes replicas away. */
const WINDOW_S = 300;

/** @returns what ends it */
export function startKeda({ hostClock, state, faults, backlog, speed }: KedaOptions): () => void {
  const pollMs = (1000 * KEDA_POLL_S) / speed;
  const cooldownMs = (1000 * KEDA_COOLDOWN_S) / speed;
  const windowMs = (1000 * WINDOW_S) / speed;
  const seen = new Map<string, ScalerState>();
  /** What was wanted lately, by scaler, oldest first. */
  const wishes = new Map<string, readonly { readonly atMs: number; readonly wanted: number }[]>();
  /** What is waited for: the next poll, or subscriptions to tell. */
  const timers = new Set<() => void>();
  let over = false;

  /** @returns what ends it before its time */
  function after(ms: number, run: () => void): () => void {
    const cancel = hostClock.after(ms, () => {
      timers.delete(end);
      run();
    });
    const end = (): void => {
      timers.delete(end);
      cancel();
    };
    timers.add(end);
    return end;
  }

  function round(): void {
    void Promise.all([...SCALERS.map(scaleOne), startJobs()]).then(() => {
      if (!over) after(pollMs, round);
    });
  }

  /** Null: it does not tell, or not before the next poll. */
  function waiting(subscription: string): Promise<number | null> {
    return new Promise((resolve) => {
      const late = after(pollMs, () => resolve(null));
      const settle = (count: number | null): void => {
        late();
        resolve(count);
      };
      Promise.resolve()
        .then(() => backlog(subscription))
        .then(
          (count) => settle(count !== null && Number.isFinite(count) && count >= 0 ? count : null),
          () => settle(null),
        );
    });
  }

  async function scaleOne(scaler: Scaler): Promise<void> {
    const count = await waiting(scaler.subscription);
    if (over || faults.has('keda_down')) return;
    const nowMs = hostClock.now();
    const before = seen.get(scaler.name) ?? { active: false, lastActiveMs: null, blindMs: null };
    const after: ScalerState =
      count === null
        ? { ...before, blindMs: before.blindMs ?? nowMs }
        : { active: count > 0, lastActiveMs: count > 0 ? nowMs : before.lastActiveMs, blindMs: null };
    seen.set(scaler.name, after);
    state.scalerSaw(scaler.name, after);
    // Blind, or not its to change: all stays as it is.
    if (count === null || !scales(scaler.name, faults)) return;
    const wanted = wantedOf(scaler, count, nowMs, after.lastActiveMs);
    if (wanted !== state.replicas(scaler.target)) state.scale(scaler.target, wanted);
  }

  function wantedOf({ name, value, max }: Scaler, count: number, nowMs: number, lastActiveMs: number | null): number {
    const cold = count === 0 && nowMs - (lastActiveMs ?? Number.NEGATIVE_INFINITY) >= cooldownMs;
    if (cold) {
      wishes.delete(name);
      return 0;
    }
    const wanted = Math.min(boundOf(name, max, faults), Math.max(1, Math.ceil(count / value)));
    const lately = [...(wishes.get(name) ?? []), { atMs: nowMs, wanted }].filter(({ atMs }) => atMs > nowMs - windowMs);
    wishes.set(name, lately);
    return Math.min(boundOf(name, max, faults), Math.max(...lately.map((wish) => wish.wanted)));
  }

  async function startJobs(): Promise<void> {
    const count = await waiting(JOB_SCALER.subscription);
    if (over || count === null || faults.has('keda_down')) return;
    const wanted = Math.min(JOB_SCALER.max, Math.ceil(count / JOB_SCALER.value));
    const more = wanted - state.runningJobs().length;
    if (more > 0) state.startJobs(more);
  }

  after(0, round);
  return () => {
    over = true;
    for (const end of timers) end();
  };
}
