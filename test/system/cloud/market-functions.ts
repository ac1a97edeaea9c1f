/** Collect, deploy and watch over a market of the test, in this process, on the ports of the cloud. */
import { httpJob, runOnce, startCron } from '#cli/stack/cron.ts';
import { compose as composeCollect } from '#functions/collect/index.ts';
import { compose as composeDeploy } from '#functions/deploy/index.ts';
import { compose as composeWatch } from '#functions/watch/index.ts';
import { routingOutcome } from '#shared/domain/events/catalogue.ts';
import type { Platform } from '#shared/platform.ts';
import type { Bus } from '#shared/ports/bus.ts';
import { type Closer, closeTogether } from '#shared/runtime/closing.ts';
import { serveLean } from '#shared/runtime/hosts/lean.ts';
import type { QuickMarket } from './market.ts';

export interface MarketFunctions {
  /** Where its pushes go. */
  readonly deployUrl: string;
  /** Event ids of the outcomes that were published. */
  readonly published: ReadonlySet<string>;
  /** The first offers are there; from now on collect and watch have their turns. */
  start(): Promise<void>;
}

const WATCH_EVERY_MS = 500;
const COLLECT_EVERY_MS = 10_000;

export async function serveMarket(
  platform: Platform,
  { providers }: QuickMarket,
  defer: (closer: Closer) => void,
): Promise<MarketFunctions> {
  const { hostClock, log } = platform;
  const published = new Set<string>();
  const noted: Platform = { ...platform, bus: async () => noting(await platform.bus(), published) };
  const apps = [
    await composeCollect(noted, providers),
    await composeDeploy(noted, providers),
    await composeWatch(noted, providers),
  ];
  const { url, close } = await serveLean(apps, { port: 0, hostClock });
  defer(close);
  return {
    deployUrl: `${url}/deploy`,
    published,
    async start() {
      await runOnce('collect', `${url}/collect`, hostClock);
      const jobs = [
        httpJob('collect', `${url}/collect`, COLLECT_EVERY_MS, hostClock),
        httpJob('watch', `${url}/watch`, WATCH_EVERY_MS, hostClock),
      ];
      const cron = startCron(jobs, { hostClock, log });
      defer(async () => {
        await cron.stop();
        await closeTogether(jobs.map((job) => () => job.close()));
      });
    },
  };
}

const noting = (bus: Bus, published: Set<string>): Bus => ({
  ...bus,
  async publish(topic, messages) {
    const ids = await bus.publish(topic, messages);
    if (topic === routingOutcome.topic)
      for (const { attributes } of messages) published.add(attributes['event_id'] ?? '');
    return ids;
  },
});
