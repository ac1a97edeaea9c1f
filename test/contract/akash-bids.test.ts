import { beforeEach, describe, expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { akashProvider } from '#shared/providers/akash/index.ts';
import { isOver } from '#shared/providers/provider.ts';
import { createMarket } from '#sim/market/market.ts';
import { startFakeAkash } from '#sim/providers/akash/index.ts';
import { smallOffer, smallSpec } from '#test/sim/small-market.ts';
import { akash } from './akash-subject.ts';
import { calls, choose, deploy, house, move, moveForEach, provider } from './provider-house.ts';
import {
  billsOf,
  deployOn,
  errorOf,
  HELD_UP_MS,
  type House,
  makeHouse,
  offerOf,
  soon,
  specOf,
  statusWhen,
  WAYS,
} from './providers-world.ts';

// Patient with the line, which is not what is tested here, and not long with bids.
moveForEach(akash, { attemptMs: 1_000, deployMs: 1_500 });

describe('a market of bids', () => {
  test('a deployment is created, bid for and leased, one call each but for the bids', async () => {
    await deploy('b-1');
    expect(calls('create', 'lease').map(({ operation, status }) => [operation, status])).toEqual([
      ['create', 201],
      ['lease', 200],
    ]);
    expect(calls('close', 'deployment')).toEqual([]);
    const at = calls('bids').map(({ world_ms }) => world_ms);
    expect((at.at(-1) ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual((at.length - 1) * 3_000 - HELD_UP_MS);
  });

  test.each([
    ['no_bids', 'create', 'has not bid on it'],
    ['bids_closed', 'bids', 'expected it to be open, it is closed'],
    ['bid_closes', 'lease', 'no longer open'],
    ['deployment_closed', 'lease', 'Deployment closed'],
    ['dear_bids', 'create', 'expected at most 0.8 USD per GPU-hour'],
    ['uakt_bids', 'create', 'got uakt'],
  ])('%s: the offer is gone, and nothing stays open', async (fault, operation, words) => {
    house.fake.faults.set([{ fault, operation }]);
    const error = await errorOf(deploy('b-2'));
    expect(error).toMatchObject({ code: 'offer_gone', message: expect.stringContaining(words) });
    expect(house.fake.bills()).toEqual([]);
    expect(calls('create')).toHaveLength(1);
    house.fake.faults.set([]);
    await deploy('b-2');
    expect(billsOf(house.fake, 'b-2')).toHaveLength(1);
  });

  test('a bid of ten times what is usual is not taken of a caller who would pay it, nor is escrow made for it', async () => {
    house.fake.faults.set([{ fault: 'dear_bids', operation: 'create' }]);
    const error = await errorOf(deploy('b-2', provider, { max_usd_per_gpu_hour: 1_000 }));
    expect(error).toMatchObject({ code: 'offer_gone', message: expect.stringContaining('at most 0.8 USD') });
    expect(house.fake.bills()).toEqual([]);
  });

  test('who does not bid is waited for as long as the vendor says, and not longer', async () => {
    house.fake.faults.set([{ fault: 'no_bids' }]);
    await errorOf(deploy('b-3', provider, {}, 6_000));
    expect(calls('bids').length).toBeGreaterThanOrEqual(5);
    const waitedMs = (calls('close')[0]?.world_ms ?? 0) - (calls('create')[0]?.world_ms ?? 0);
    expect(waitedMs).toBeGreaterThan(30_000 - 3_000 - 8 * 400);
    // The caller would have waited four seconds, at this speed 1,600.
    expect(waitedMs).toBeLessThan(800_000);
  });

  test('bids in AKT are taken where the price of AKT is known', async () => {
    house.fake.faults.set([{ fault: 'uakt_bids' }]);
    const rich = akashProvider({ ...connectionOf(house), aktUsd: 1 });
    await deploy('b-4', rich);
    expect(billsOf(house.fake, 'b-4')).toHaveLength(1);
    await rich.close();
  });

  test.each([
    ['402', 'create', 'provider_funds', false],
    ['insufficient_funds', 'create', 'provider_funds', false],
    ['validation', 'create', 'provider_refused', false],
    ['503_wallet', 'create', 'provider_unavailable', true],
    ['503_wallet', 'lease', 'provider_unavailable', true],
    ['insufficient_funds', 'lease', 'provider_funds', false],
    ['validation', 'bids', 'provider_refused', false],
  ])('%s at %s is %s, and nothing stays open', async (fault, operation, code, retryable) => {
    house.fake.faults.set([{ fault, operation }]);
    expect(await errorOf(deploy('b-5'))).toMatchObject({ code, retryable });
    expect(house.fake.bills()).toEqual([]);
    expect(calls('create')).toHaveLength(1);
  });

  test('no money for the escrow of a long run is no word on the account: the next offer, not the end of them', async () => {
    house.fake.faults.set([{ fault: '402', operation: 'create' }]);
    const error = await errorOf(deploy('b-15', provider, { gpu_hours: 10_000 }));
    expect(error).toMatchObject({ code: 'offer_gone', message: expect.stringMatching(/402 .*USD of escrow/) });
  });

  test.each(['reset_after_effect', '500_after_effect', 'malformed_json'])(
    '%s at create: what was made unheard is closed before anybody hears of it',
    async (fault) => {
      house.fake.faults.set([{ fault, operation: 'create' }]);
      expect(await errorOf(deploy('b-14'))).toMatchObject({ retryable: true });
      expect(calls('create')).toHaveLength(1);
      expect(house.fake.bills()).toEqual([]);
    },
  );

  test('a refusal for the rate is waited out and asked again', async () => {
    house.fake.faults.set([{ fault: 'rate_limited', operation: 'create', times: 1 }]);
    await deploy('b-6');
    const [first, second, ...more] = calls('create').map(({ world_ms }) => world_ms);
    expect(more).toEqual([]);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(3_000 - HELD_UP_MS);
  });

  test('a manifest that was lost is sent again; if it stays lost the lease is known all the same', async () => {
    house.fake.faults.set([{ fault: 'manifest_lost', operation: 'lease', times: 1 }]);
    const id = await deployOn(provider, WAYS.runs, 'b-7');
    expect(calls('lease').map(({ status }) => status)).toEqual([502, 200]);
    await statusWhen(house, provider, id, ({ state }) => state === 'running');

    house.fake.faults.set([{ fault: 'manifest_lost' }]);
    const lost = await deployOn(provider, WAYS.runs, 'b-8');
    expect(await statusWhen(house, provider, lost, isOver)).toMatchObject({
      state: 'failed_to_start',
      blame: 'provider',
    });
    expect(billsOf(house.fake, 'b-8')).toHaveLength(1);
  });

  test('too little time for bids: nothing is begun', async () => {
    const slow = await makeHouse(akash, { speed: 20 });
    const one = slow.connect();
    const there = await offerOf(one, WAYS.runs);
    const asked = one.deploy(there, specOf(WAYS.runs), { ...soon(700), requestId: 'b-9' });
    expect(await errorOf(asked)).toMatchObject({
      code: 'deadline_exceeded',
      message: expect.stringContaining('for bids'),
    });
    expect(slow.fake.log().filter(({ operation }) => operation === 'create')).toEqual([]);
    await slow.close();
  });

  test('escrow lasts for the run and what comes before it', async () => {
    const id = await deployOn(provider, WAYS.runs, 'b-10', { gpu_count: 4, gpu_hours: 80 });
    const over = await statusWhen(house, provider, id, isOver).catch(async () => {
      house.skip(20 * 3_600_000);
      return await statusWhen(house, provider, id, isOver);
    });
    expect(over).toMatchObject({ state: 'exited', gpu_count: 4 });
    // 20 hours of four GPUs at .4 USD, and half a minute.
    expect(over.cost_usd).toBeCloseTo(32, 0);
    expect(over.billed_gpu_hours).toBeCloseTo(80, 0);
    expect(over.cost_usd).toBeCloseTo(billsOf(house.fake, 'b-10')[0]?.usd ?? Number.NaN, 9);
  });

  test.each([
    ['lease_closed_tenant', 'exited', 'failed_to_start', 'tenant'],
    ['lease_closed_provider', 'preempted', 'failed_to_start', 'provider'],
    ['lease_closed_network', 'failed', 'failed', 'network'],
  ])('%s: %s if it was seen ready, else %s', async (fault, seen, unseen, blame) => {
    house.fake.faults.set([{ fault, operation: 'lease' }]);
    const watched = await deployOn(provider, WAYS.runs, 'b-11');
    house.skip(35_000);
    expect(await provider.status(watched, soon())).toMatchObject({ state: 'running' });
    const other = await deployOn(provider, WAYS.runs, 'b-12');
    house.skip(6 * 60_000);
    expect(await provider.status(watched, soon())).toMatchObject({
      state: seen,
      blame: seen === 'exited' ? null : blame,
    });
    expect(await provider.status(other, soon())).toMatchObject({ state: unseen, blame });
  });

  test('logs are not to be had, and the reason is', async () => {
    const id = await deploy('b-13');
    expect(await errorOf(provider.logs(id.instance_id, soon()))).toMatchObject({
      code: 'logs_unavailable',
      message: expect.stringContaining('its provider keeps the log'),
    });
  });

  test.each([
    ['empty_list', 'providers'],
    ['empty_list', 'prices'],
    ['null_fields', 'prices'],
  ])('%s of %s is no statement about capacity', async (fault, operation) => {
    house.fake.faults.set([{ fault, operation }]);
    expect((await errorOf(provider.offers({}, soon()))).code).toBe('offers_unreadable');
  });

  test('what may be missing of a provider may be missing', async () => {
    house.fake.faults.set([{ fault: 'null_fields', operation: 'providers' }]);
    for (const given of await provider.offers({}, soon()))
      expect(given).toMatchObject({ region: 'unknown', reputation: null });
  });
});

describe('where several providers sell a model', () => {
  beforeEach(async () => {
    await house.close();
    const places = [
      smallOffer({ provider: 'akash', region: 'us-east', usd_per_gpu_hour: 0.4 }, { start: 1 }),
      smallOffer({ provider: 'akash', region: 'eu-north', usd_per_gpu_hour: 0.2, capacity_gpu_hours: 3 }, { start: 1 }),
    ];
    const market = createMarket({ spec: smallSpec(places), seed: 3, deviation: 0 });
    await move({ ...akash, startFake: (world) => startFakeAkash({ ...world, market }) });
  });

  test('each has an offer of its own, at what the network says', async () => {
    const offers = await provider.offers({}, soon());
    expect(offers.map(({ region }) => region).sort()).toEqual(['eu-north', 'us-east']);
    expect(offers.map(({ usd_per_gpu_hour }) => usd_per_gpu_hour)).toEqual([0.3, 0.3]);
    expect(new Set(offers.map(({ offer_id }) => offer_id)).size).toBe(2);
  });

  test('the one whose offer it is gets it, though another is cheaper', async () => {
    const [east] = await provider.offers({ region: 'us-east' }, soon());
    choose(east);
    const { instance_id: id } = await deploy('s-1');
    expect(await provider.status(id, soon())).toMatchObject({ usd_per_hour: expect.closeTo(0.4, 6) });
  });

  test('one that has not enough free does not bid, and another’s bid is no answer', async () => {
    const [north] = await provider.offers({ region: 'eu-north' }, soon());
    choose(north);
    expect((await errorOf(deploy('s-2', provider, { gpu_hours: 4 }))).code).toBe('offer_gone');
    await deploy('s-3', provider, { gpu_hours: 2 });
  });

  test('what is dearer than may be paid is not bid at all', async () => {
    const [east] = await provider.offers({ region: 'us-east' }, soon());
    choose(east);
    expect((await errorOf(deploy('s-4', provider, { max_usd_per_gpu_hour: 0.35 }))).code).toBe('offer_gone');
    expect(house.fake.bills()).toEqual([]);
  });
});

/** What `connect` gives its adapters. */
function connectionOf({ fake, metrics, worldClock }: House) {
  return {
    baseUrl: fake.url,
    key: akash.key,
    fleet: '0123abcd',
    hostClock,
    worldClock,
    random: () => 0.01,
    metrics,
    pace: { reserve: async () => undefined, penalise: async () => undefined, waitMs: async () => 0 },
    attemptMs: 1_000,
  };
}
