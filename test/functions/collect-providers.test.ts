import { describe, expect, test } from 'vitest';
import { createCollect } from '#functions/collect/handler.ts';
import { reportsOf } from '#functions/collect/report.ts';
import { OFFERS_STALE_LIMIT_MS } from '#shared/defaults.ts';
import type { Offer } from '#shared/domain/offer.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { PROVIDERS_OBJECT, type ProviderReport, providersSnapshot } from '#shared/domain/provider-report.ts';
import { RejectedError } from '#shared/errors.ts';
import { OFFERS_OBJECT } from '#shared/serving/offers.ts';
import { fakeClock } from '#test/support/clock.ts';
import { memoryBus } from '#test/support/memory-bus.ts';
import { memoryObjects } from '#test/support/memory-objects.ts';
import { memoryProvider, unavailable } from '#test/support/memory-provider.ts';
import { anOffer } from '#test/support/offers.ts';
import { bodyOf, post } from '#test/support/push.ts';
import { testDeps } from '#test/support/runtime.ts';

const START = Date.UTC(2026, 0, 1);
const at = (minutes: number): string => rfc3339(START + minutes * 60_000);

function aHouse() {
  const clock = fakeClock(START);
  const objects = memoryObjects();
  const bus = memoryBus();
  const vast = memoryProvider('vast');
  const akash = memoryProvider('akash');
  const deps = testDeps(clock);
  const app = createCollect({ ...deps, worldClock: clock, bus, objects, providers: [vast, akash] });
  const offer = (id: string, changes: Partial<Offer> = {}): Offer =>
    anOffer({ provider: id.split(':')[0] ?? '', offer_id: id, observed_at: rfc3339(clock.now()), ...changes });
  const snapshot = async () => {
    const stored = await objects.read(PROVIDERS_OBJECT);
    return stored === null ? null : providersSnapshot.parse(JSON.parse(new TextDecoder().decode(stored.bytes)));
  };
  return {
    clock,
    objects,
    vast,
    akash,
    deps,
    app,
    offer,
    snapshot,
    async run() {
      const response = await post(app, '/run');
      return { status: response.status, ...bodyOf(response) };
    },
    async report(provider = 'vast'): Promise<ProviderReport> {
      const found = (await snapshot())?.providers.find((one) => one.provider === provider);
      if (found === undefined) throw new Error(`no report of ${provider}`);
      return found;
    },
    gauges: async (name: string) =>
      (await deps.metrics.exposition()).split('\n').filter((line) => line.startsWith(`aurora_provider_${name}{`)),
  };
}
type House = ReturnType<typeof aHouse>;

function list(house: House): void {
  house.vast.listed = [
    house.offer('vast:1', { usd_per_gpu_hour: 0.4, latency_ms: 100, reputation: 90, capacity_gpu_hours: 10 }),
    house.offer('vast:2', { usd_per_gpu_hour: 0.2, latency_ms: 300, reputation: null, capacity_gpu_hours: null }),
    house.offer('vast:3', { usd_per_gpu_hour: 0.3, latency_ms: null, reputation: 70, capacity_gpu_hours: 5 }),
    house.offer('vast:4', {
      gpu_type: 'h100',
      usd_per_gpu_hour: 2,
      latency_ms: 200,
      reputation: 80,
      capacity_gpu_hours: 1,
    }),
    house.offer('vast:5', { active: false, usd_per_gpu_hour: 0.01, latency_ms: 1, capacity_gpu_hours: 1_000 }),
  ];
  house.akash.listed = [
    house.offer('akash:1', { latency_ms: null, reputation: null, capacity_gpu_hours: null, usd_per_gpu_hour: 0.5 }),
  ];
}

describe('how a provider stands', () => {
  test('is told of its answer and its active offers', async () => {
    const house = aHouse();
    list(house);
    const { offers } = house.vast;
    house.vast.offers = async (filter, context) => {
      await house.clock.advance(250);
      return offers(filter, context);
    };
    await house.run();
    expect(await house.report()).toEqual({
      provider: 'vast',
      health: 'up',
      error: null,
      since: rfc3339(START + 250),
      offers_at: rfc3339(START + 250),
      answered_ms: 250,
      offers: 5,
      capacity_gpu_hours: 16,
      latency_ms: 200,
      reputation: 80,
      usd_per_gpu_hour: { rtx4090: { min: 0.2, median: 0.3, offers: 3 }, h100: { min: 2, median: 2, offers: 1 } },
      capabilities: { interruptible: true, bids: false, regions: null, create_spacing_ms: 0 },
    });
    expect(await house.report('akash')).toMatchObject({ capacity_gpu_hours: null, latency_ms: null, reputation: null });
  });

  test('failing: its last offers count, with their age; up again: since then', async () => {
    const house = aHouse();
    list(house);
    await house.run();
    house.vast.failure = unavailable();
    for (const minute of [1, 2]) {
      await house.clock.advance(60_000);
      await house.run();
      expect(await house.report()).toMatchObject({
        health: 'failing',
        error: { code: 'provider_unavailable', message: 'the provider is away' },
        since: at(1),
        offers_at: at(0),
        offers: 5,
        usd_per_gpu_hour: { rtx4090: { min: 0.2 } },
      });
      expect(await house.snapshot()).toMatchObject({ observed_at: at(minute) });
    }
    house.vast.failure = null;
    await house.clock.advance(60_000);
    list(house);
    await house.run();
    expect(await house.report()).toMatchObject({ health: 'up', error: null, since: at(3), offers_at: at(3) });
    expect(await house.report('akash')).toMatchObject({ since: at(0) });
  });

  test('down, when its offers are too old; what they were is no longer said, when they were is', async () => {
    const house = aHouse();
    list(house);
    await house.run();
    house.vast.failure = unavailable();
    await house.clock.advance(OFFERS_STALE_LIMIT_MS + 1);
    await house.run();
    expect(await house.report()).toMatchObject({ health: 'down', offers: 0, offers_at: at(0), usd_per_gpu_hour: {} });
  });

  test.each(['provider_unauthorized', 'provider_funds'] as const)(
    'down at once, when it refuses us: %s',
    async (code) => {
      const house = aHouse();
      list(house);
      await house.run();
      house.vast.failure = new RejectedError(code, 'HTTP 40x');
      await house.run();
      expect(await house.report()).toMatchObject({ health: 'down', error: { code }, offers: 5 });
    },
  );

  test('is told although all of them fail', async () => {
    const house = aHouse();
    house.vast.failure = unavailable();
    house.akash.failure = unavailable();
    expect(await house.run()).toMatchObject({ status: 200, generation: null });
    expect(await house.report()).toMatchObject({ health: 'down', offers_at: null, answered_ms: null });
    expect(await house.objects.read(OFFERS_OBJECT)).toBeNull();
  });

  test('is shown under the cluster’s names; what nobody says is no number', async () => {
    const house = aHouse();
    list(house);
    await house.run();
    house.akash.failure = unavailable();
    await house.run();
    expect(await house.gauges('health')).toEqual([
      'aurora_provider_health{provider="vast"} 1',
      'aurora_provider_health{provider="akash"} 0.5',
    ]);
    expect(await house.gauges('latency_ms')).toEqual([
      'aurora_provider_latency_ms{provider="vast"} 200',
      'aurora_provider_latency_ms{provider="akash"} Nan',
    ]);
    expect(await house.gauges('cost_usd')).toEqual([
      'aurora_provider_cost_usd{provider="vast"} 0.725',
      'aurora_provider_cost_usd{provider="akash"} 0.5',
    ]);
    expect(await house.gauges('capacity')).toEqual([
      'aurora_provider_capacity{provider="vast"} 16',
      'aurora_provider_capacity{provider="akash"} Nan',
    ]);
  });
});

describe('a list of which nothing is left is none', () => {
  test.each<[string, (house: House) => readonly Offer[], string]>([
    ['empty', () => [], 'got an empty list'],
    ['of nothing that can be read', ({ offer }) => [offer('vast:9', { usd_per_gpu_hour: 0 })], 'of 1 none can be read'],
    ['of another’s offers', ({ offer }) => [offer('akash:7')], 'of 1 none can be read'],
    ['under another’s ids', ({ offer }) => [{ ...offer('akash:7'), provider: 'vast' }], 'of 1 none can be read'],
  ])('%s: its last offers stay', async (_, listed, reason) => {
    const house = aHouse();
    list(house);
    await house.run();
    house.vast.listed = listed(house);
    expect(await house.run()).toMatchObject({ status: 200, offers: 6, failed_providers: ['vast'] });
    expect(await house.report()).toMatchObject({
      health: 'failing',
      error: { code: 'offers_unreadable', message: expect.stringContaining(reason) },
    });
    expect(house.deps.lines.filter(({ fields }) => fields['code'] === 'offers_unreadable')).toHaveLength(1);
  });

  test('who sells nothing now says so with offers that are not active', async () => {
    const house = aHouse();
    list(house);
    await house.run();
    house.vast.listed = [house.offer('vast:1', { active: false })];
    await house.run();
    expect(await house.report()).toMatchObject({
      health: 'up',
      offers: 1,
      usd_per_gpu_hour: {},
      capacity_gpu_hours: null,
    });
  });
});

describe('the stored reports', () => {
  test('that cannot be read are replaced', async () => {
    const house = aHouse();
    list(house);
    await house.objects.write(PROVIDERS_OBJECT, new TextEncoder().encode('{"providers":1}'), {});
    expect(await house.run()).toMatchObject({ status: 200 });
    expect(await house.report()).toMatchObject({ health: 'up', since: at(0) });
  });

  test('written by another run meanwhile: that is no error', async () => {
    const house = aHouse();
    list(house);
    const reports = await Promise.all([house.run(), house.run()]);
    expect(reports.map(({ status }) => status)).toEqual([200, 200]);
    expect(await house.report()).toMatchObject({ health: 'up' });
  });
});

test('medians of few prices', () => {
  const median = (...prices: number[]): number | undefined =>
    reportsOf({
      previous: null,
      polled: [{ provider: 'vast', offers: [], error: null, answeredMs: 1 }],
      capabilities: new Map(),
      offers: prices.map((usd_per_gpu_hour, i) => anOffer({ offer_id: `vast:${i}`, usd_per_gpu_hour })),
      nowMs: START,
    }).providers[0]?.usd_per_gpu_hour['rtx4090']?.median;
  expect(median(3)).toBe(3);
  expect(median(3, 1)).toBe(2);
  expect(median(5, 1, 2)).toBe(2);
  expect(median(4, 1, 3, 10)).toBe(3.5);
});

test('the drain closes the providers', async () => {
  const house = aHouse();
  await house.app.drain();
  expect([house.vast.closed, house.akash.closed]).toEqual([1, 1]);
});
