/** What `vm up` runs the loop on: the simulated market with its marketplaces, or accounts at real ones. */
import { join } from 'node:path';
import { type Config, PROVIDER_NAMES, type ProviderAccount } from '#shared/config.ts';
import type { Stage } from '#shared/domain/control.ts';
import { RejectedError } from '#shared/errors.ts';
import type { LocalPlatform } from '#shared/platform-embedded.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import { type Accounts, configuredProviders } from '#shared/providers/configured.ts';
import type { Provider } from '#shared/providers/provider.ts';
import type { Closer } from '#shared/runtime/closing.ts';
import { isThisMachine } from '#shared/runtime/this-machine.ts';
import { createMarket, type Market } from '#sim/market/market.ts';
import type { ScenarioSpec } from '#sim/market/scenario.ts';
import type { MarketSpec } from '#sim/market/spec.ts';
import { sqliteStore } from '#sim/market/store.ts';
import { type RunningFake, startFakes } from '#sim/providers/index.ts';
import { simProviders } from '#sim/providers.ts';
import { whoOf } from '../commands/who.ts';
import { type ClusterDoors, type LocalCluster, startLocalCluster } from './cluster.ts';
import type { CronJob } from './cron.ts';
import { jobFeed } from './jobs.ts';
import { fakePortOf } from './ports.ts';
import { type Stack, startStack } from './stack.ts';

export interface WorldSettings {
  readonly spec: MarketSpec;
  readonly seed: number;
  readonly deviation: number;
  readonly scenario: ScenarioSpec | null;
  readonly port: number;
  /** Null: nobody said one. */
  readonly stage: Stage | null;
}

export interface World {
  readonly stack: Stack;
  readonly market: Market;
  /** The simulated one. */
  readonly cluster: ClusterDoors | null;
  /** Of jobs for what runs there. */
  readonly feed: CronJob | null;
  readonly marketplaces: readonly { readonly name: string; readonly url: string; readonly simulated: boolean }[];
}

export interface WorldOptions {
  readonly config: Config;
  readonly directory: string;
  readonly log: Log;
  readonly hostClock: HostClock;
  readonly defer: (close: Closer) => void;
  readonly scoreElsewhere?: boolean;
}

/** The market, and the whole loop on its providers. */
export async function startWorld(settings: WorldSettings, options: WorldOptions): Promise<World> {
  const { config, directory, log, hostClock, defer } = options;
  const { port, stage } = settings;
  const store = sqliteStore(join(directory, 'market.sqlite'));
  defer(() => store.close());
  const near: { cluster: LocalCluster | null; feed: CronJob | null } = { cluster: null, feed: null };
  // A market begins at an instant of world time, which is the platform's to tell.
  const made = Promise.withResolvers<Pick<World, 'market' | 'marketplaces'>>();
  const stack = await startStack({
    config,
    hostClock,
    log,
    port,
    loopback: !PROVIDER_NAMES.some((name) => isReal(config.providers[name])),
    scoreElsewhere: options.scoreElsewhere ?? false,
    stage: stage === null ? null : { stage, by: whoOf({}), reason: `vm up --stage ${stage}` },
    providers: async (platform) => {
      const market = createMarket({
        spec: settings.spec,
        seed: settings.seed,
        deviation: settings.deviation,
        store,
        startMs: platform.worldClock.now(),
        ...(settings.scenario === null ? {} : { scenario: settings.scenario.events }),
      });
      const { providers, marketplaces } = await tradeOn(market, platform, { ...options, port });
      made.resolve({ market, marketplaces });
      return providers;
    },
    nearby: async (routeUrl, platform) => {
      const { backlog } = platform;
      near.feed = jobFeed(platform, () => near.cluster?.hasNoWork() ?? false);
      // There is work before KEDA looks for the first time: else it would put all to sleep.
      await near.feed.run();
      const { seed } = settings;
      near.cluster = await startLocalCluster({ hostClock, seed, port, routeUrl, backlog, directory });
      return near.cluster.nearby;
    },
  });
  defer(() => stack.close());
  return { stack, cluster: near.cluster?.doors ?? null, feed: near.feed, ...(await made.promise) };
}

/**
 * Marketplaces with an adapter are asked over HTTP, the real ones where there is an account, else their simulations; the others are
 * the market itself. Beside real ones nothing is simulated: a tenant would not know what is there.
 */
async function tradeOn(
  market: Market,
  platform: LocalPlatform,
  { config, hostClock, defer, port }: WorldOptions & { readonly port: number },
): Promise<Pick<World, 'marketplaces'> & { readonly providers: readonly Provider[] }> {
  const given = config.providers;
  const random = Math.random;
  const real = PROVIDER_NAMES.some((name) => isReal(given[name]));
  const fakes = await startFakes({
    market,
    hostClock,
    worldClock: platform.worldClock,
    seed: market.seed,
    portOf: (name) => fakePortOf(port, name),
    names: real ? [] : PROVIDER_NAMES.filter((name) => given[name] === null),
  });
  for (const { fake } of fakes) defer(() => fake.close());
  const accounts: Accounts = {
    akash: given.akash ?? accountOf(fakes, 'akash'),
    render: given.render ?? accountOf(fakes, 'render'),
    vast: given.vast ?? accountOf(fakes, 'vast'),
  };
  const adapters = await configuredProviders(platform, { accounts, random });
  const asked = new Set(adapters.map(({ id }) => id));
  const inProcess = real ? [] : simProviders(market, platform).filter(({ id }) => !asked.has(id));
  return {
    providers: [...adapters, ...inProcess],
    marketplaces: PROVIDER_NAMES.flatMap((name) => {
      const account = accounts[name];
      return account === null ? [] : [{ name, url: account.url, simulated: !isReal(account) }];
    }),
  };
}

const accountOf = (fakes: readonly RunningFake[], wanted: RunningFake['name']): ProviderAccount | null =>
  fakes.find(({ name }) => name === wanted)?.account ?? null;

/** On this machine nobody sends a bill. */
const isReal = (account: ProviderAccount | null): boolean =>
  account !== null && !isThisMachine(new URL(account.url).hostname);

/** @throws RejectedError config_invalid: simulated tenants, or a world that runs fast, would spend real money */
export function refuseSpending(
  { perSecond, speed }: { readonly perSecond: number; readonly speed: number },
  accounts: Accounts,
): void {
  const real = PROVIDER_NAMES.filter((name) => isReal(accounts[name]));
  if (real.length === 0 || (perSecond === 0 && speed === 1)) return;
  throw new RejectedError(
    'config_invalid',
    `AURORA_PROVIDER_${real[0]?.toUpperCase()}_KEY opens a real account, and simulated tenants would spend its money: run with --traffic 0 --speed 1, or unset it`,
  );
}
