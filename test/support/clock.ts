import type { HostClock, WorldClock } from '#shared/ports/clock.ts';

export interface FakeClock extends HostClock, WorldClock {
  /** Moves time by `ms` (may be negative: clocks do go backwards) and runs what has become due, in order of its time. */
  advance(ms: number): Promise<void>;
  /** Timers still waiting. A test that ends with any leaks them. */
  pending(): number;
}

/** A clock that only moves when told. Yields to the microtask and I/O queues between timers. */
export function fakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let now = startMs;
  let sequence = 0;
  const timers = new Map<number, { at: number; run: () => void }>();
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const nextDue = (limit: number): number | undefined => {
    let best: number | undefined;
    for (const [id, timer] of timers) {
      if (timer.at <= limit && (best === undefined || timer.at < (timers.get(best)?.at ?? 0))) best = id;
    }
    return best;
  };
  return {
    speed: 1,
    now: () => now,
    after(delayMs, run) {
      const id = sequence++;
      timers.set(id, { at: now + delayMs, run });
      return () => void timers.delete(id);
    },
    async advance(ms) {
      const target = now + ms;
      await settle();
      for (let id = nextDue(target); id !== undefined; id = nextDue(target)) {
        const timer = timers.get(id);
        timers.delete(id);
        if (timer !== undefined) {
          now = Math.max(now, timer.at);
          timer.run();
        }
        await settle();
      }
      now = target;
      await settle();
    },
    pending: () => timers.size,
  };
}
