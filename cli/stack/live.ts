/**
 * What `vm up` shows while it runs. Clock, backlog and what serves are looked at each time; counting the record costs more as it
 * grows, so it goes on beside and is shown as of when it was done.
 */
import { LIVE_PREFIX } from '#shared/domain/deployment.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import { latestRunOf, type RunReport, runReport } from '#shared/probes/run.ts';
import { isCorrupt, parseObject, readObject } from '#shared/registry/object-json.ts';
import { poll } from '#shared/runtime/poller.ts';
import { type Counts, countsOf, currentOf } from '../ops/status.ts';
import type { LiveView } from './live-line.ts';
import type { Stack } from './stack.ts';
import type { Traffic } from './traffic.ts';
import { trialNews } from './trial-news.ts';

/** Counting may take a twentieth of the time. */
const COUNTING_PAUSE_FACTOR = 20;
/** More live deployments than a machine of this size can follow; the line then says so many. */
const MAX_LIVE_COUNTED = 100_000;

export interface LiveOptions {
  readonly stack: Pick<Stack, 'platform' | 'functions'>;
  readonly traffic: Pick<Traffic, 'counters'> | null;
  readonly everyMs: number;
  readonly hostClock: HostClock;
  readonly log: Log;
  readonly show: (view: LiveView) => void;
  /** What happens between two views and a line cannot hold. */
  readonly note: (text: string) => void;
}

/** Shows a view each `everyMs`, from then on; `stop` resolves when nothing is under way any more. */
export function startLive({ stack, traffic, everyMs, hostClock, log, show, note }: LiveOptions): {
  stop(): Promise<void>;
} {
  const counts = counting(stack, hostClock, log);
  // So that the first line has them.
  counts.refresh();
  const news = trialNews(stack);
  const bornMs = hostClock.now();
  let before = { at: hostClock.now(), sent: traffic?.counters.sent ?? 0 };
  const poller = poll({
    name: 'live-line',
    everyMs,
    hostClock,
    log,
    run: async () => {
      counts.refresh();
      const current = await currentOf(stack);
      const live = await (await stack.platform.state()).list(LIVE_PREFIX, { limit: MAX_LIVE_COUNTED });
      const now = { at: hostClock.now(), sent: traffic?.counters.sent ?? 0 };
      const perSecond = ((now.sent - before.sent) * 1000) / Math.max(1, now.at - before.at);
      before = now;
      for (const text of await news(current.control.control.trial)) note(text);
      show({
        current,
        counts: counts.latest(),
        traffic: traffic === null ? null : { ...traffic.counters },
        live: live.length,
        perSecond,
        probes: await lastProbes(stack, bornMs),
      });
    },
  });
  return {
    async stop() {
      await poller.stop();
      await counts.settled();
    },
  };
}

/** Null: none since then, or one that cannot be read: the next run writes another. */
async function lastProbes({ platform }: Pick<Stack, 'platform'>, sinceMs: number): Promise<RunReport | null> {
  const name = latestRunOf('local');
  try {
    const stored = await readObject(await platform.objects(), name);
    if (stored === null) return null;
    const report = parseObject(name, stored.bytes, runReport);
    return Date.parse(report.started_at) >= sinceMs ? report : null;
  } catch (error) {
    if (isCorrupt(error)) return null;
    throw error;
  }
}

/** States: idle -> counting -> resting (in proportion to what the count took) -> idle. */
function counting(stack: Pick<Stack, 'platform'>, hostClock: HostClock, log: Log) {
  let latest: { readonly counts: Counts; readonly atMs: number } | null = null;
  let running: Promise<void> | null = null;
  let restUntilMs = 0;

  const count = async (): Promise<void> => {
    const startedMs = hostClock.now();
    try {
      const counts = await countsOf(stack);
      latest = { counts, atMs: hostClock.now() };
    } catch (error) {
      log.warn({ error }, 'the record could not be counted; it is tried again');
    }
    const endedMs = hostClock.now();
    restUntilMs = endedMs + (endedMs - startedMs) * COUNTING_PAUSE_FACTOR;
    running = null;
  };
  return {
    refresh(): void {
      if (running === null && hostClock.now() >= restUntilMs) running = count();
    },
    latest: (): LiveView['counts'] =>
      latest === null ? null : { ...latest.counts, age_s: Math.max(0, (hostClock.now() - latest.atMs) / 1000) },
    settled: async (): Promise<void> => {
      await running;
    },
  };
}
