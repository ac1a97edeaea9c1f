import type { HostClock, WorldClock } from '#shared/ports/clock.ts';

export interface WorldClockOptions {
  readonly hostClock: HostClock;
  /** World milliseconds per host millisecond. */
  readonly speed: number;
  /** The instant at which both clocks are known to belong together. Persisted, so that a restart goes on from there. */
  readonly originHostMs: number;
  readonly originWorldMs: number;
}

/**
 * Monotone even when the host clock is set back: the world then stands still until the host has caught up, which keeps
 * the two origins valid. Before the origin it answers the origin.
 */
export function createWorldClock({ hostClock, speed, originHostMs, originWorldMs }: WorldClockOptions): WorldClock {
  if (!Number.isFinite(speed) || speed <= 0) throw new RangeError(`speed: expected a number above 0, got ${speed}`);
  let latest = originWorldMs;
  return {
    speed,
    now() {
      latest = Math.max(latest, originWorldMs + Math.round((hostClock.now() - originHostMs) * speed));
      return latest;
    },
  };
}
