/** The marketplaces that have an adapter, as servers on loopback over one market. */
import type { Market } from '../market/market.ts';
import { startFakeAkash } from './akash/index.ts';
import type { FakeProvider, FakeServerOptions } from './kit/fake-server.ts';
import { startFakeRender } from './render/index.ts';
import { startFakeVast } from './vast/index.ts';

export const FAKE_NAMES = ['akash', 'render', 'vast'] as const;
export type FakeName = (typeof FAKE_NAMES)[number];

export interface RunningFake {
  readonly name: FakeName;
  /** What its adapter is configured with. */
  readonly account: { readonly url: string; readonly key: string };
  readonly fake: FakeProvider;
}

export interface FakesOptions extends Omit<FakeServerOptions, 'port'> {
  readonly market: Market;
  /** Port of a fake; 0: any. */
  readonly portOf: (name: FakeName) => number;
  /** Not those whose real API is asked. */
  readonly names: readonly FakeName[];
}

const START = { akash: startFakeAkash, render: startFakeRender, vast: startFakeVast };
/** They open nothing but these fakes, which listen on loopback. */
const KEYS: Readonly<Record<FakeName, string>> = {
  akash: 'simulated-akash-key',
  render: 'pk_simulated:sk_simulated-render-key',
  vast: 'simulated-vast-key',
};

/** @throws RejectedError port_unavailable; then none runs */
export async function startFakes({ market, portOf, names, ...server }: FakesOptions): Promise<readonly RunningFake[]> {
  const running: RunningFake[] = [];
  try {
    for (const name of names.filter((known) => market.providers.includes(known))) {
      const key = KEYS[name];
      const fake = await START[name]({ ...server, market, key, port: portOf(name) });
      running.push({ name, account: { url: fake.url, key }, fake });
    }
    return running;
  } catch (error) {
    await Promise.allSettled(running.map(({ fake }) => fake.close()));
    throw error;
  }
}
