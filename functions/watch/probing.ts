import { LATENCY_PROBE_MS } from '#shared/defaults.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { LatencyProbe } from '#shared/providers/latency-probe.ts';
import type { Address, CallContext, InstanceStatus } from '#shared/providers/provider.ts';
import { atMost } from '#shared/runtime/at-most.ts';
import type { Live } from './live.ts';

/** Measured at a time at one provider: each is three small requests and mostly waiting. */
const AT_ONCE = 16;
/** Host milliseconds until an address that did not answer is tried again: most that do not, never will. */
const AGAIN_MS = 60_000;
/** Addresses that did not answer, remembered. */
const REMEMBERED = 10_000;

export interface Probing {
  /** Where to measure what nobody has measured yet; null: nothing to do now. */
  dueAt(live: Live, status: InstanceStatus): Address | null;
  /** Milliseconds by key; null: no answer, or no time left. */
  measure(
    due: readonly { readonly key: string; readonly address: Address }[],
    context: CallContext,
  ): Promise<ReadonlyMap<string, number | null>>;
}

type ProbingDeps = { readonly probe: LatencyProbe; readonly hostClock: Pick<HostClock, 'now'>; readonly log: Log };

export function probing({ probe, hostClock, log }: ProbingDeps): Probing {
  /** Key of a deployment -> when its address may be tried again, host milliseconds. Oldest first. */
  const later = new Map<string, number>();
  const remember = (key: string): void => {
    later.delete(key);
    later.set(key, hostClock.now() + AGAIN_MS);
    const oldest = later.keys().next().value;
    if (later.size > REMEMBERED && oldest !== undefined) later.delete(oldest);
  };
  return {
    dueAt({ index, record }, status) {
      if (status.state !== 'running' || status.latency_ms !== null || record.seen?.latency_ms != null) return null;
      // A run was killed between its words and its record: they are said again as they were.
      if (record.ready_at !== null && !record.ready_published) return null;
      if ((later.get(index.key) ?? 0) > hostClock.now()) return null;
      return status.address ?? record.seen?.address ?? null;
    },
    async measure(due, context) {
      const found = new Map<string, number | null>();
      await atMost(AT_ONCE, due, async ({ key, address }) => {
        const deadline = hostClock.now() + LATENCY_PROBE_MS;
        if (deadline > context.deadline) return;
        const result = await probe(address, { ...context, deadline });
        found.set(key, result.ms);
        if (result.ms !== null) return void later.delete(key);
        remember(key);
        log.debug({ deployment: key, reason: result.reason }, 'latency not measured now');
      });
      return found;
    },
  };
}
