import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { status } from '#cli/ops/status.ts';
import { httpJob, startCron } from '#cli/stack/cron.ts';
import { type Stack, startStack } from '#cli/stack/stack.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { parseConfig } from '#shared/config.ts';
import { LIVE_PREFIX } from '#shared/domain/deployment.ts';
import { TransientError } from '#shared/errors.ts';
import type { Provider } from '#shared/providers/provider.ts';
import { createLog } from '#shared/telemetry/log.ts';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import { createMarket } from '#sim/market/market.ts';
import { uniforms } from '#sim/market/random.ts';
import { sqliteStore } from '#sim/market/store.ts';
import { simProviders } from '#sim/providers.ts';
import { runsDear } from '#test/support/dear.ts';
import { audit } from './audit.ts';
import { createTenants } from './tenants.ts';

const SEED = 99;
const REQUESTS = 60;
const LOOK_EVERY_MS = 200;
/** Of the deployments. */
const LOST_SHARE = 0.2;

test.skipIf(!runsDear)(
  'a bus that delivers twice and out of order, and providers whose answers get lost, change nothing',
  {
    timeout: 120_000,
  },
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'aurora-chaos-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const spec = loadMarketSpec('default');
    const tenants = createTenants({ spec, seed: SEED });
    const store = sqliteStore(join(directory, 'market.sqlite'));
    const log = createLog({ level: 'silent' });
    const stack = await startStack({
      config: { ...parseConfig({ AURORA_DIR: directory }), speed: 20_000 },
      hostClock,
      log,
      port: 0,
      providers: (platform) =>
        simProviders(
          createMarket({ spec, seed: SEED, deviation: 1, store, startMs: platform.worldClock.now() }),
          platform,
        ).map((provider) => answersLost(provider)),
      chaos: { seed: SEED, duplicate: 0.5, reorder: 0.5 },
    });
    const jobs = (['collect', 'watch'] as const).map((name) => httpJob(name, urlOf(stack, name), 1_000, hostClock));
    const cron = startCron(jobs, { hostClock, log });
    try {
      await tenants.work(urlOf(stack, 'route'), tenants.reached(REQUESTS));
      await tenants.settle(urlOf(stack, 'route'));
      await untilQuiet(stack);
      expect(await status.run(stack, {})).toMatchObject({ rejected: 0, dead_letters: 0, backlog: 0 });
    } finally {
      await cron.stop();
      for (const job of jobs) await job.close();
      await stack.close();
      store.close();
    }

    const books = await audit({ directory, spec, tenants });
    expect(books.findings).toEqual([]);
    expect(books.ended).toBe(tenants.acknowledged.size);
    // The chaos was there.
    expect(books.duplicates).toBeGreaterThan(books.decisions / 10);
  },
);

/** Some first deployments are made and nobody is told: what a kill, or a cut connection, leaves behind. */
function answersLost(provider: Provider): Provider {
  const asked = new Set<string>();
  return {
    ...provider,
    async deploy(offer, spec, context) {
      const made = await provider.deploy(offer, spec, context);
      const first = !asked.has(context.requestId);
      asked.add(context.requestId);
      if (first && uniforms(SEED, 'lost', context.requestId)() < LOST_SHARE)
        throw new TransientError('provider_unavailable', `${provider.id}: the answer was lost`);
      return made;
    },
  };
}

const urlOf = (stack: Stack, name: 'route' | 'collect' | 'watch'): string => stack.functions.get(name)?.url ?? '';

/** Every message is delivered and every run has come to its end. */
async function untilQuiet(stack: Stack): Promise<void> {
  for (;;) {
    // In this order: what waits may still begin to live, and to count the record is the dearer look.
    const quiet = async (): Promise<boolean> => (await status.run(stack, {})).backlog === 0;
    const live = async (): Promise<number> =>
      (await (await stack.platform.state()).list(LIVE_PREFIX, { limit: 1 })).length;
    if ((await live()) === 0 && (await quiet()) && (await live()) === 0) return;
    await sleep(LOOK_EVERY_MS);
  }
}
