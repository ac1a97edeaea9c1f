/** Where the tests of what Akash alone does live: a house of its own for each, with an adapter and an offer. */
import { afterEach, beforeEach } from 'vitest';
import type { OfferToDeploy, Provider } from '#shared/providers/provider.ts';
import { akash } from './akash-subject.ts';
import { type House, makeHouse, offerOf, type ProviderSubject, soon, specOf, WAYS } from './providers-world.ts';

export let house: House;
export let provider: Provider;
export let offer: OfferToDeploy;

/** Said once by a file of tests. */
export function moveForEach(): void {
  beforeEach(() => move());
  afterEach(() => house.close());
}

export async function move(subject: ProviderSubject = akash): Promise<void> {
  house = await makeHouse(subject);
  provider = connect();
  offer = await offerOf(provider, WAYS.runs);
}

/** From now on what is deployed on. */
export function choose(given: OfferToDeploy | undefined): void {
  if (given === undefined) throw new Error('expected an offer, got none');
  offer = given;
}

/** Patient: what is tested here is not the line. */
export const connect = (overrides: Parameters<House['connect']>[0] = {}): Provider =>
  house.connect({ attemptMs: 1_000, ...overrides });

export const deploy = (
  requestId: string,
  from = provider,
  more: Parameters<typeof specOf>[1] = {},
  patienceMs = 1_500,
) => from.deploy(offer, specOf(WAYS.runs, more), { ...soon(patienceMs), requestId });

export const calls = (...operations: readonly string[]) =>
  house.fake.log().filter(({ operation }) => operations.includes(operation));
