/**
 * The providers that the configuration has an account of. Each adapter is loaded only when it is asked for. In the cloud every
 * process that holds a key takes its turns from the state store; on one machine there is one such process.
 */
import { PROVIDER_NAMES, type ProviderAccount, type ProviderName } from '#shared/config.ts';
import { sha256Hex } from '#shared/domain/ids.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Platform } from '#shared/platform.ts';
import type { AdapterOptions } from './adapter.ts';
import { createPace, memoryTurns } from './pace.ts';
import type { Provider } from './provider.ts';
import { sharedTurns } from './shared-turns.ts';

export type Accounts = Readonly<Record<ProviderName, ProviderAccount | null>>;

export interface ConfiguredOptions {
  readonly accounts: Accounts;
  /** Uniform in [0, 1): jitter. */
  readonly random: () => number;
}

const ADAPTERS: Readonly<Record<ProviderName, (options: AdapterOptions) => Promise<Provider>>> = {
  akash: async (options) => (await import('./akash/index.ts')).akashProvider({ ...options, aktUsd: null }),
  render: async (options) => (await import('./render/index.ts')).renderProvider(options),
  vast: async (options) => (await import('./vast/index.ts')).vastProvider(options),
};

/** In the order of their names. */
export async function configuredProviders(
  platform: Platform,
  { accounts, random }: ConfiguredOptions,
): Promise<readonly Provider[]> {
  const { config, hostClock, worldClock, metrics } = platform;
  const fleet = fleetOf((await platform.salt()).id);
  const state = config.google === null ? null : await platform.state();
  return Promise.all(
    PROVIDER_NAMES.flatMap((name) => {
      const account = accounts[name];
      if (account === null) return [];
      const turns = state === null ? memoryTurns() : sharedTurns(name, state, worldClock);
      return ADAPTERS[name]({
        baseUrl: account.url,
        key: account.key,
        fleet,
        hostClock,
        worldClock,
        random,
        metrics,
        pace: createPace(name, turns, { hostClock, worldClock }),
      });
    }),
  );
}

/** For a function that has nothing to do without one. @throws RejectedError config_invalid */
export async function requiredProviders(platform: Platform, random: () => number): Promise<readonly Provider[]> {
  const accounts = platform.config.providers;
  if (PROVIDER_NAMES.every((name) => accounts[name] === null)) {
    const variables = PROVIDER_NAMES.map((name) => `AURORA_PROVIDER_${name.toUpperCase()}_KEY`).join(', ');
    throw new RejectedError('config_invalid', `no provider has an account: set at least one of ${variables}`);
  }
  return configuredProviders(platform, { accounts, random });
}

/** One installation's mark on its instances: as lasting as its salt, and as its own. */
const fleetOf = (saltId: string): string => sha256Hex(`fleet ${saltId}`).slice(0, 8);
