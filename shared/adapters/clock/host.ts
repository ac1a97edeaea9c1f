import type { HostClock } from '#shared/ports/clock.ts';

/** The machine's own clock. The one place that reads it. */
export const hostClock: HostClock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
