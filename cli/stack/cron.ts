import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import { createHttpClient } from '#shared/runtime/http-client.ts';
import { type Poller, poll } from '#shared/runtime/poller.ts';

export interface CronJob {
  readonly name: string;
  readonly everyMs: number;
  readonly run: () => Promise<void>;
}

/** The local scheduler: what Cloud Scheduler does in production. A run that fails is logged and tried at its next turn. */
export function startCron(
  jobs: readonly CronJob[],
  deps: { readonly hostClock: HostClock; readonly log: Log },
): { stop(): Promise<void> } {
  const pollers: readonly Poller[] = jobs.map((job) =>
    poll({ name: `cron-${job.name}`, everyMs: job.everyMs, run: job.run, ...deps }),
  );
  return {
    stop: async () => {
      await Promise.all(pollers.map((poller) => poller.stop()));
    },
  };
}

/** POST {url}/run, as the scheduler does. */
export function httpJob(
  name: string,
  url: string,
  everyMs: number,
  hostClock: HostClock,
  deadlineMs = 30_000,
): CronJob & { close(): Promise<void> } {
  const client = createHttpClient({ hostClock });
  return {
    name,
    everyMs,
    run: async () => {
      const response = await client.postJson(`${url}/run`, {}, { deadlineMs });
      if (response.status !== 200)
        throw new Error(
          `${name} answered HTTP ${response.status}: ${new TextDecoder().decode(response.bytes).slice(0, 500)}`,
        );
    },
    close: () => client.close(),
  };
}

export async function runOnce(name: string, url: string, hostClock: HostClock): Promise<void> {
  const job = httpJob(name, url, 0, hostClock);
  try {
    await job.run();
  } finally {
    await job.close();
  }
}
