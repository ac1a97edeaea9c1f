import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { regionOfName } from '#shared/domain/places.ts';
import { chosen } from '#shared/providers/akash/bids.ts';
import { isDearer, uactPerBlock, usdPerHour } from '#shared/providers/akash/money.ts';
import { offerIdOf, offersOf, placeOf } from '#shared/providers/akash/offers.ts';
import { bidsAnswer, pricesAnswer, providersAnswer } from '#shared/providers/akash/wire.ts';
import { card, OWNER, price, priced, seller } from '#test/support/akash-answers.ts';

const AT = '2026-11-30T12:00:00.000Z';
const OTHER = `akash1${'p'.repeat(38)}`;

const offersFrom = (sellers: readonly unknown[], models: readonly unknown[]) =>
  offersOf(providersAnswer.parse(sellers), pricesAnswer.parse({ models }).models, AT);

describe('offers of Akash', () => {
  test('in the words of this house', () => {
    expect(offersFrom([seller()], [priced(card('rtx4090'))])).toEqual([
      {
        provider: 'akash',
        offer_id: `akash:${OWNER}:rtx4090`,
        gpu_type: 'rtx4090',
        gpu_count: 5,
        gpu_count_min: null,
        region: 'eu-central',
        active: true,
        usd_per_gpu_hour: 0.41,
        latency_ms: null,
        latency_source: 'advertised',
        reputation: 98.7,
        reputation_source: 'advertised',
        capacity_gpu_hours: null,
        capacity_total_gpu_hours: null,
        observed_at: AT,
      },
    ]);
  });

  test.each<[string, unknown, unknown, unknown]>([
    ['the average where there is no median', {}, { price: price({ med: null }) }, { usd_per_gpu_hour: 0.45 }],
    [
      'the plain one where nothing else is said',
      {},
      { price: price({ med: undefined, weightedAverage: null }) },
      { usd_per_gpu_hour: 0.5 },
    ],
    ['a month where a week is not said', { uptime7d: null }, {}, { reputation: 90 }],
    ['nothing where neither is', { uptime7d: null, uptime30d: undefined }, {}, { reputation: null }],
    ['no more than all of the time', { uptime7d: 1.2 }, {}, { reputation: 100 }],
    ['as many as a node has', {}, { availability: { total: 90, available: 60 } }, { gpu_count: 8, active: true }],
    ['nothing free', {}, { availability: { total: 9, available: 0 } }, { gpu_count: 1, active: false }],
    ['where its address stands', { locationRegion: 'the lab' }, {}, { region: 'eu-central' }],
    [
      'in which state',
      { locationRegion: null, ipRegion: 'California', ipCountryCode: 'US' },
      {},
      { region: 'us-west' },
    ],
    ['in which country only', { locationRegion: null, ipCountryCode: 'US' }, {}, { region: 'us' }],
    ['nowhere', { locationRegion: null, ipRegion: 'California', ipCountryCode: null }, {}, { region: 'unknown' }],
  ])('%s', (_, sold, model, expected) =>
    expect(
      offersFrom(
        [seller(sold as Record<string, unknown>)],
        [priced(card('rtx4090'), model as Record<string, unknown>)],
      ),
    ).toMatchObject([expected]),
  );

  test.each<[string, unknown, readonly unknown[]]>([
    ['offline', { isOnline: false }, [priced(card('rtx4090'))]],
    ['without GPUs', { gpuModels: [] }, [priced(card('rtx4090'))]],
    ['of another maker', { gpuModels: [{ ...card('mi300x'), vendor: 'amd' }] }, [priced(card('mi300x'))]],
    ['a name that is none', { gpuModels: [card('a b:c')] }, [priced(card('a b:c'))]],
    ['on which nobody has bid', {}, [priced(card('rtx4090'), { price: null })]],
    ['at no price', {}, [priced(card('rtx4090'), { price: price({ med: 0 }) })]],
    ['in another coin', {}, [priced(card('rtx4090'), { price: price({ currency: 'uakt' }) })]],
    ['that nobody prices', {}, [priced(card('h100'))]],
  ])('no offer: %s', (_, sold, models) =>
    expect(offersFrom([seller(sold as Record<string, unknown>)], models)).toEqual([]),
  );

  test('one of each GPU type, whatever buses it comes on; two cards of one name are told apart by their memory', () => {
    const cards = [
      card('h100', '80Gi', 'sxm5'),
      card('h100', '80Gi', 'pcie'),
      card('a100', '80Gi'),
      card('a100', '40Gi'),
    ];
    const offers = offersFrom(
      [seller({ gpuModels: cards })],
      [
        priced(card('h100', '80Gi', 'sxm5'), { price: price({ med: 2 }) }),
        priced(card('h100', '80Gi', 'pcie'), { price: price({ med: 1.5 }), availability: { total: 1, available: 1 } }),
        priced(card('a100', '80Gi'), { price: price({ med: 0.9 }) }),
        priced(card('a100', '40Gi'), { price: price({ med: 0.7 }), availability: { total: 4, available: 2 } }),
      ],
    );
    expect(offers.map((one) => [one.offer_id, one.gpu_type, one.usd_per_gpu_hour, one.gpu_count])).toEqual([
      [`akash:${OWNER}:h100`, 'h100', 1.5, 6],
      [`akash:${OWNER}:a100:80Gi`, 'a100', 0.9, 5],
      [`akash:${OWNER}:a100:40Gi`, 'a10040gb', 0.7, 2],
    ]);
  });

  test.each([
    [`akash:${OWNER}:rtx4090`, { owner: OWNER, card: { model: 'rtx4090', ram: null } }],
    [`akash:${OWNER}:a100:40Gi`, { owner: OWNER, card: { model: 'a100', ram: '40Gi' } }],
    [`akash:${OWNER}:a100:much`, null],
    [`akash:${OWNER}`, null],
    [`akash:${OWNER}:../x`, null],
    [`vast:${OWNER}:rtx4090`, null],
    ['akash:12345', null],
    ['', null],
  ])('%s leads to %j', (id, place) => {
    expect(placeOf(id)).toEqual(place);
    if (place !== null) expect(offerIdOf(place)).toBe(id);
  });
});

describe('regions by name', () => {
  test.each([
    ['us-west', 'us-west'],
    ['us-west-2', 'us-west'],
    ['na-us-southwest', 'us-west'],
    ['us-northwest', 'us-west'],
    ['us-midwest', 'us-east'],
    ['na-us-southeast', 'us-east'],
    ['US-Central', 'us-east'],
    ['na-ca-central', 'ca-central'],
    ['eu-west', 'eu-west'],
    ['eu-east', null],
    ['as-south', 'ap-south'],
    ['any', null],
    ['westcoast', null],
    ['', null],
    [null, null],
    [undefined, null],
  ])('%j is %j', (name, region) => expect(regionOfName(name)).toBe(region));
});

describe('money of Akash', () => {
  test.each([
    [{ denom: 'uact', amount: 1_000 }, null, 0.6],
    [{ denom: 'uact', amount: 0.5 }, 3, 0.0003],
    [{ denom: 'uakt', amount: 1_000 }, 3, 1.8],
    [{ denom: 'uakt', amount: 1_000 }, null, null],
    [{ denom: 'ibc/170C', amount: 1_000 }, 3, null],
  ])('%j with AKT at %j costs %j an hour', (given, akt, usd) => {
    const found = usdPerHour(given, akt);
    if (usd === null) expect(found).toBeNull();
    else expect(found).toBeCloseTo(usd, 12);
  });

  test('a price comes back from the chain as no dearer than it went', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-4, max: 1e3, noNaN: true }), (usd) => {
        const amount = uactPerBlock(usd);
        expect(Number.isInteger(amount) && amount >= 1).toBe(true);
        expect(usdPerHour({ denom: 'uact', amount }, null)).toBeGreaterThanOrEqual(usd * (1 - 1e-12));
        const asked = { denom: 'uact', amount: Number(((usd * 1e6) / 600).toFixed(12)) };
        expect(isDearer(usdPerHour(asked, null) ?? Number.NaN, usd)).toBe(false);
        expect(isDearer(usd * 1.001, usd)).toBe(true);
      }),
    );
  });
});

describe('the bid that is taken', () => {
  const bid = (provider: string, amount: number, more: Readonly<Record<string, unknown>> = {}) =>
    bidsAnswer.parse({
      data: [
        {
          bid: {
            id: { owner: 'akash1tenant', dseq: '7', gseq: 1, oseq: 1, provider, bseq: 0 },
            state: 'open',
            price: { denom: 'uact', amount: `${amount}.000000000000000000` },
            ...more,
          },
        },
      ],
    }).data[0]?.bid as Parameters<typeof chosen>[0][number];
  const wanted = { owner: OWNER, gpuCount: 2, limitUsd: 0.4, aktUsd: null };

  test('is that of the offer, however cheap the others are', () => {
    const own = bid(OWNER, 1_000);
    expect(chosen([bid(OTHER, 1), own], wanted)).toBe(own);
    expect(chosen([bid(OTHER, 1)], wanted)).toBeNull();
    expect(chosen([], wanted)).toBeNull();
  });

  test('is the cheapest that is open', () => {
    const cheap = bid(OWNER, 900);
    expect(chosen([bid(OWNER, 1_000), bid(OWNER, 500, { state: 'closed' }), cheap], wanted)).toBe(cheap);
  });

  test('may cost as much as was said, and no more', () => {
    expect(chosen([bid(OWNER, 1_333)], wanted)).not.toBeNull();
    expect(() => chosen([bid(OWNER, 1_334)], wanted)).toThrow(/at most 0.4 USD per GPU-hour/);
    expect(() => chosen([bid(OWNER, 1_400)], wanted)).toThrow(/it asks 0.42$/);
  });

  test.each([
    ['closed', { state: 'closed' }, /expected it to be open, it is closed/],
    ['lost', { state: 'lost' }, /it is lost/],
    ['in a coin of which nobody knows the price', { price: { denom: 'uakt', amount: '1' } }, /got uakt/],
  ])('is none that is %s', (_, more, words) => {
    const refused = () => chosen([bid(OWNER, 1_000, more)], wanted);
    expect(refused).toThrow(words);
    expect(refused).toThrow(expect.objectContaining({ code: 'offer_gone' }));
  });

  test('in AKT, where its price is known', () => {
    const akt = bid(OWNER, 0, { price: { denom: 'uakt', amount: '400' } });
    expect(chosen([akt], { ...wanted, aktUsd: 3 })).toBe(akt);
    expect(() => chosen([akt], { ...wanted, aktUsd: 4 })).toThrow(/it asks 0.48/);
  });
});
