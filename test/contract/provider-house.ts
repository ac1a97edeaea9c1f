/** Where the tests of one provider live: a house of its own for each, with an adapter and an offer. */
import { afterEach, beforeEach } from 'vitest';
import type { OfferToDeploy, Provider } from '#shared/providers/provider.ts';
import {
  type House,
  makeHouse,
  offerOf,
  PATIENCE_MS,
  type ProviderSubject,
  soon,
  specOf,
  WAYS,
} from './providers-world.ts';

export let house: House;
export let provider: Provider;
export let offer: OfferToDeploy;

type Connection = NonNullable<Parameters<House['connect']>[0]>;
/** How patient its adapters and whoever asks them are, host milliseconds. */
interface Patience {
  readonly attemptMs?: number;
  readonly deployMs?: number;
}
let patience: Patience = {};

/** Said once by whoever has such tests. */
export function moveForEach(subject: ProviderSubject, given: Patience = {}): void {
  beforeEach(() => {
    patience = given;
    return move(subject);
  });
  afterEach(() => house.close());
}

export async function move(subject: ProviderSubject): Promise<void> {
  house = await makeHouse(subject);
  provider = connect();
  offer = await offerOf(provider, WAYS.runs);
}

/** From now on what is deployed on. */
export function choose(given: OfferToDeploy | undefined): void {
  if (given === undefined) throw new Error('expected an offer, got none');
  offer = given;
}

/** Another adapter, which remembers nothing. */
export const connect = (overrides: Connection = {}): Provider => {
  const { attemptMs } = patience;
  return house.connect({ ...(attemptMs === undefined ? {} : { attemptMs }), ...overrides });
};

export const deploy = (
  requestId: string,
  from = provider,
  more: Parameters<typeof specOf>[1] = {},
  patienceMs = patience.deployMs ?? PATIENCE_MS,
) => from.deploy(offer, specOf(WAYS.runs, more), { ...soon(patienceMs), requestId });

/** Calls of these operations that its fake has heard. */
export const calls = (...operations: readonly string[]) =>
  house.fake.log().filter(({ operation }) => operations.includes(operation));
