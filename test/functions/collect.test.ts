import { describe, expect, test } from 'vitest';
import { createCollect } from '#functions/collect/handler.ts';
import { OFFERS_STALE_LIMIT_MS } from '#shared/defaults.ts';
import { type Offer, offersSnapshot } from '#shared/domain/offer.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { OFFERS_OBJECT } from '#shared/serving/offers.ts';
import { fakeClock } from '#test/support/clock.ts';
import { memoryBus } from '#test/support/memory-bus.ts';
import { memoryObjects } from '#test/support/memory-objects.ts';
import { type MemoryProvider, memoryProvider, unavailable } from '#test/support/memory-provider.ts';
import { anOffer } from '#test/support/offers.ts';
import { bodyOf, post } from '#test/support/push.ts';
import { testDeps } from '#test/support/runtime.ts';

const START = Date.UTC(2026, 0, 1);

function collectHouse() {
  const clock = fakeClock(START);
  const bus = memoryBus();
  const objects = memoryObjects();
  const vast = memoryProvider('vast');
  const akash = memoryProvider('akash');
  const deps = testDeps(clock);
  const of = ({ id }: MemoryProvider, native: string, changes: Partial<Offer> = {}): Offer =>
    anOffer({ provider: id, offer_id: `${id}:${native}`, observed_at: rfc3339(clock.now()), ...changes });
  const house = {
    clock,
    bus,
    objects,
    vast,
    akash,
    deps,
    of,
    /** Both providers list anew, at the present instant. */
    list(changes: Partial<Offer> = {}): void {
      vast.listed = [of(vast, '1', changes), of(vast, '2')];
      akash.listed = [of(akash, '1')];
    },
    app: () => createCollect({ ...deps, worldClock: clock, bus, objects, providers: [vast, akash] }),
    async run() {
      const response = await post(house.app(), '/run');
      return { status: response.status, ...bodyOf(response) };
    },
    async snapshot() {
      const stored = await objects.read(OFFERS_OBJECT);
      return stored === null ? null : offersSnapshot.parse(JSON.parse(new TextDecoder().decode(stored.bytes)));
    },
    async seen(): Promise<string[]> {
      return ((await house.snapshot())?.offers ?? []).map(
        ({ offer_id: id, observed_at: at }) => `${id} ${at.slice(11, 19)}`,
      );
    },
    warnings: () => deps.lines.filter(({ level }) => level !== 'info').map(({ message }) => message),
  };
  house.list();
  return house;
}

describe('a run', () => {
  test('writes what all providers offer, and tells of each offer once', async () => {
    const house = collectHouse();
    expect(await house.run()).toMatchObject({ status: 200, offers: 3, changed: 3, refused: 0, failed_providers: [] });
    expect(await house.seen()).toEqual(['vast:1 00:00:00', 'vast:2 00:00:00', 'akash:1 00:00:00']);
    expect(house.bus.distinct('provider-offer')).toHaveLength(3);
    expect(house.clock.pending()).toBe(0);
  });

  test('tells only of what changed; time and remaining capacity alone are no change', async () => {
    const house = collectHouse();
    await house.run();
    await house.clock.advance(60_000);
    house.list({ capacity_gpu_hours: 1 });
    expect(await house.run()).toMatchObject({ changed: 0 });
    expect((await house.snapshot())?.offers[0]).toMatchObject({ capacity_gpu_hours: 1 });
    await house.clock.advance(60_000);
    house.list({ usd_per_gpu_hour: 0.41 });
    expect(await house.run()).toMatchObject({ changed: 1 });
    expect(house.bus.payloads('provider-offer').at(-1)).toMatchObject({ offer_id: 'vast:1', usd_per_gpu_hour: 0.41 });
  });

  test('an adapter that orders its fields otherwise has changed nothing', async () => {
    const house = collectHouse();
    await house.run();
    const turned = (offer: Offer): Offer => Object.fromEntries(Object.entries(offer).reverse()) as unknown as Offer;
    house.vast.listed = house.vast.listed.map(turned);
    expect(await house.run()).toMatchObject({ changed: 0 });
  });

  test('an offer that is no longer listed is gone', async () => {
    const house = collectHouse();
    await house.run();
    house.vast.listed = [house.of(house.vast, '2')];
    await house.run();
    expect(await house.seen()).toEqual(['vast:2 00:00:00', 'akash:1 00:00:00']);
  });

  test('the bus is away: nothing is written, so the next run tells the same', async () => {
    const house = collectHouse();
    house.bus.failNext(1);
    expect(await house.run()).toMatchObject({ status: 503 });
    expect(await house.snapshot()).toBeNull();
    expect(await house.run()).toMatchObject({ status: 200, changed: 3 });
  });
});

describe('a provider that fails', () => {
  test.each([
    ['is away', unavailable()],
    ['has a bug', new TypeError('x is undefined')],
  ])('and %s keeps its last offers with their age; the others are fresh', async (_, failure) => {
    const house = collectHouse();
    await house.run();
    await house.clock.advance(60_000);
    house.list();
    house.vast.failure = failure;
    expect(await house.run()).toMatchObject({ status: 200, offers: 3, failed_providers: ['vast'] });
    expect(await house.seen()).toEqual(['vast:1 00:00:00', 'vast:2 00:00:00', 'akash:1 00:01:00']);
    expect(house.warnings()).toEqual(['provider gave no offers; its last ones stay']);
  });

  test('for longer than offers are good for loses them', async () => {
    const house = collectHouse();
    await house.run();
    house.vast.failure = unavailable();
    await house.clock.advance(OFFERS_STALE_LIMIT_MS);
    house.akash.listed = [house.of(house.akash, '1')];
    await house.run();
    expect(await house.seen()).toHaveLength(3);
    await house.clock.advance(1);
    await house.run();
    expect(await house.seen()).toEqual(['akash:1 00:30:00']);
  });

  test('and so do all: the snapshot stays as it is, its age says so', async () => {
    const house = collectHouse();
    await house.run();
    const before = await house.objects.read(OFFERS_OBJECT);
    await house.clock.advance(60_000);
    house.vast.failure = unavailable();
    house.akash.failure = unavailable();
    expect(await house.run()).toMatchObject({ generation: before?.generation, failed_providers: ['vast', 'akash'] });
    expect(await house.objects.read(OFFERS_OBJECT)).toEqual(before);
  });

  test('from the very first: no snapshot at all rather than an empty one', async () => {
    const house = collectHouse();
    house.vast.failure = unavailable();
    house.akash.failure = unavailable();
    expect(await house.run()).toMatchObject({ status: 200, offers: 0, generation: null });
    expect(await house.snapshot()).toBeNull();
  });

  test('by taking its time must stop before the run does', async () => {
    const house = collectHouse();
    const deadlines: number[] = [];
    const offers = house.vast.offers;
    house.vast.offers = (filter, context) => {
      deadlines.push(context.deadline);
      return offers(filter, context);
    };
    await house.run();
    expect(deadlines).toEqual([START + 23_000]);
  });
});

describe('offers that are none', () => {
  test.each<[string, (house: ReturnType<typeof collectHouse>) => Offer, string]>([
    ['without a price', ({ of, vast }) => of(vast, '9', { usd_per_gpu_hour: 0 }), 'usd_per_gpu_hour'],
    ['of another provider', ({ of, akash }) => of(akash, '9'), 'provider: expected vast, got akash'],
    ['a second time', ({ of, vast }) => of(vast, '1'), 'it was offered twice'],
    ['without a date', ({ of, vast }) => of(vast, '9', { observed_at: 'soon' }), 'observed_at'],
  ])('%s: left out alone, and said so', async (_, make, reason) => {
    const house = collectHouse();
    house.vast.listed = [...house.vast.listed, make(house)];
    expect(await house.run()).toMatchObject({ status: 200, offers: 3, refused: 1 });
    expect(await house.seen()).toEqual(['vast:1 00:00:00', 'vast:2 00:00:00', 'akash:1 00:00:00']);
    const [line] = house.deps.lines.filter(({ level }) => level === 'warn');
    expect(line?.fields).toMatchObject({ refused: 1, first: [{ reason: expect.stringContaining(reason) }] });
  });
});

describe('the stored snapshot', () => {
  test.each([
    ['is no JSON', '{"observed_at":'],
    ['has another shape', '{"offers":1}'],
    ['is empty', ''],
  ])('%s: it is replaced', async (_, text) => {
    const house = collectHouse();
    await house.objects.write(OFFERS_OBJECT, new TextEncoder().encode(text), {});
    expect(await house.run()).toMatchObject({ status: 200, offers: 3 });
    expect(await house.seen()).toHaveLength(3);
    expect(house.warnings()).toEqual(['the last snapshot cannot be read; it is replaced']);
  });

  test('two runs at once: one writes, the other sees that it was late; neither fails', async () => {
    const house = collectHouse();
    const reports = await Promise.all([house.run(), house.run()]);
    expect(reports.map(({ status }) => status)).toEqual([200, 200]);
    expect(reports.filter((report) => (report as { generation?: unknown }).generation === null)).toHaveLength(1);
    expect(await house.seen()).toHaveLength(3);
    expect(house.bus.distinct('provider-offer')).toHaveLength(3);
  });
});
