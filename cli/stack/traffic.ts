/** Live traffic: the market's tenants ask at the front door, at Poisson instants of a given mean rate. */
import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import { createHttpClient } from '#shared/runtime/http-client.ts';
import type { TrafficItem } from '#sim/traffic.ts';

export interface TrafficCounters {
  sent: number;
  provisioning: number;
  noCapacity: number;
  /** Neither: the tenant got no decision. */
  failed: number;
}

export interface Traffic {
  readonly counters: Readonly<TrafficCounters>;
  stop(): Promise<void>;
}

/** Requests under way; past it an arrival waits for the next one to end, so a slow stack is not buried. */
const MAX_IN_FLIGHT = 200;
const REQUEST_DEADLINE_MS = 5_000;

export function startTraffic(options: {
  readonly url: string;
  readonly item: (index: number) => TrafficItem;
  /** Host milliseconds before request `index`. */
  readonly gapMs: (index: number) => number;
  readonly hostClock: HostClock;
  readonly log: Log;
}): Traffic {
  const { url, item, gapMs, hostClock, log } = options;
  const client = createHttpClient({ hostClock });
  const counters: TrafficCounters = { sent: 0, provisioning: 0, noCapacity: 0, failed: 0 };
  const inFlight = new Set<Promise<void>>();
  let index = 0;
  let dueMs = hostClock.now();
  let stopped = false;
  let cancel: () => void = () => undefined;

  const send = async ({ body }: TrafficItem): Promise<void> => {
    counters.sent += 1;
    try {
      const response = await client.postJson(`${url}/route`, body, { deadlineMs: REQUEST_DEADLINE_MS });
      if (response.status === 200) counters.provisioning += 1;
      else if (new TextDecoder().decode(response.bytes).includes('"no_capacity"')) counters.noCapacity += 1;
      else counters.failed += 1;
    } catch (error) {
      counters.failed += 1;
      log.debug({ error: String(error) }, 'a tenant got no answer');
    }
  };

  const next = (): void => {
    if (stopped) return;
    const now = hostClock.now();
    // Catch up with what has become due, so that the mean rate holds whatever the timers' grain.
    while (dueMs <= now && inFlight.size < MAX_IN_FLIGHT) {
      const sending: Promise<void> = send(item(index)).finally(() => inFlight.delete(sending));
      inFlight.add(sending);
      index += 1;
      dueMs += gapMs(index);
    }
    if (dueMs <= now) dueMs = now;
    cancel = hostClock.after(Math.max(1, dueMs - now), next);
  };
  next();

  return {
    counters,
    async stop() {
      stopped = true;
      cancel();
      await Promise.all(inFlight);
      await client.close();
    },
  };
}
