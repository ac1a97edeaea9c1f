import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Closer } from '#shared/runtime/closing.ts';
import { type CronJob, httpJob, startCron } from './cron.ts';
import { trimmedLine, trimRecord } from './retention.ts';
import type { Stack } from './stack.ts';

const COLLECT_EVERY_MS = 2_000;
const WATCH_EVERY_MS = 1_000;
const TRAIN_EVERY_MS = 5_000;
/** How long an alias may name a version that does not load, and the time between two steps of the stages. */
const PROMOTE_EVERY_MS = 5_000;
/** A step may judge the whole record. */
const PROMOTE_DEADLINE_MS = 120_000;
const PROBE_EVERY_MS = 30_000;
const RETENTION_EVERY_MS = 5 * 60_000;

/** What the scheduler does in production: collect, watch, the looks whether a training is worth it, whether the aliases name what loads and whether all works; and retention. */
export function startClockwork(
  stack: Stack,
  options: {
    readonly keepDays: number;
    /** What it turns beside. */
    readonly more: readonly CronJob[];
    readonly hostClock: HostClock;
    readonly log: Log;
    readonly note: (text: string) => void;
    readonly defer: (close: Closer) => void;
  },
): void {
  const { keepDays, more, hostClock, log, note, defer } = options;
  const urlOf = (name: 'collect' | 'watch' | 'train' | 'promote' | 'probe'): string =>
    stack.functions.get(name)?.url ?? '';
  const collect = httpJob('collect', urlOf('collect'), COLLECT_EVERY_MS, hostClock);
  const watch = httpJob('watch', urlOf('watch'), WATCH_EVERY_MS, hostClock);
  const promote = httpJob('promote', urlOf('promote'), PROMOTE_EVERY_MS, hostClock, PROMOTE_DEADLINE_MS);
  const train = httpJob('train', urlOf('train'), TRAIN_EVERY_MS, hostClock);
  const probe = httpJob('probe', urlOf('probe'), PROBE_EVERY_MS, hostClock);
  const retention: CronJob = {
    name: 'retention',
    everyMs: RETENTION_EVERY_MS,
    run: async () => {
      const line = trimmedLine(await trimRecord(stack.platform, keepDays));
      if (line !== null) note(line);
    },
  };
  const cron = startCron([collect, watch, train, promote, probe, retention, ...more], { hostClock, log });
  for (const job of [collect, watch, train, promote, probe]) defer(() => job.close());
  defer(() => cron.stop());
}
