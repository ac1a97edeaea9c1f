import { describe, expect, it } from 'vitest';
import { loadMarketSpec, loadScenarioSpec } from '#sim/market/load-spec.ts';
import { createMarket } from '#sim/market/market.ts';
import type { ScenarioEvent } from '#sim/market/scenario.ts';
import { HOUR_MS, order, START_MS, smallOffer, smallSpec, smallWorkload } from './small-market.ts';

const spec = smallSpec([smallOffer(), smallOffer({ region: 'eu-north' }), smallOffer({ provider: 'beta' })]);
const ALPHA = 'alpha:rtx4090-us-east';
const span = { provider: 'alpha', from_h: 10, to_h: 20 };

function world(...scenario: ScenarioEvent[]) {
  const market = createMarket({ spec, seed: 1, deviation: 1, scenario });
  const at = (hour: number): number => START_MS + hour * HOUR_MS;
  return {
    market,
    at,
    seen: (hour: number, offerId = ALPHA) => ({
      offer: market.offers(at(hour)).find((one) => one.offer_id === offerId),
      truth: market.trueExpectation(smallWorkload(), offerId, at(hour)),
    }),
  };
}
const calm = world();

/** What an event multiplies, as seen through the market; `truth` also moves where the paid or measured figure follows. */
const CASES: readonly [ScenarioEvent, (see: ReturnType<typeof calm.seen>) => number | null | undefined, number][] = [
  [{ type: 'price_spike', ...span, factor: 1.6 }, (see) => see.offer?.usd_per_gpu_hour, 1.6],
  [{ type: 'price_spike', ...span, factor: 1.6 }, (see) => see.truth.usd_per_gpu_hour, 1.6],
  [{ type: 'latency_spike', ...span, factor: 2 }, (see) => see.offer?.latency_ms, 2],
  [{ type: 'latency_spike', ...span, factor: 2 }, (see) => see.truth.latency_ms, 2],
  [{ type: 'capacity_surge', ...span, factor: 1.5 }, (see) => see.offer?.capacity_total_gpu_hours, 1.5],
  [{ type: 'reputation_drop', ...span, factor: 0.5 }, (see) => see.offer?.reputation, 0.5],
  [{ type: 'silent_degradation', ...span, factor: 0.3 }, (see) => see.truth.ready, 0.3],
];

describe('a scenario event', () => {
  it.each(CASES)('%j takes effect from from_h and ends at to_h', (event, figure, factor) => {
    const { seen } = world(event);
    const usual = figure(calm.seen(0)) ?? Number.NaN;
    expect(figure(seen(9.99))).toBeCloseTo(usual, 9);
    expect(figure(seen(10))).toBeCloseTo(usual * factor, 9);
    expect(figure(seen(19.99))).toBeCloseTo(usual * factor, 9);
    expect(figure(seen(20))).toBeCloseTo(usual, 9);
    expect(figure(seen(15, 'beta:rtx4090-us-east'))).toBeCloseTo(usual, 9);
  });

  it('outage makes offers inactive, refuses orders and leaves the oracle the others', () => {
    const { market, seen, at } = world({ type: 'outage', ...span });
    expect([9, 10, 19, 20].map((hour) => seen(hour).offer?.active)).toEqual([true, false, false, true]);
    expect(() => market.deploy(order('a', at(12)))).toThrow(`offer ${ALPHA}: inactive`);
    expect(seen(12).truth.completed).toBe(0);
    expect(market.oracle(smallWorkload(), at(12))?.offer_id).toBe('beta:rtx4090-us-east');
    expect(market.deploy(order('a', at(20)))).toEqual({ instance_id: expect.any(String) });
  });

  it('silent degradation advertises nothing and hits the runs themselves', () => {
    const { market, seen, at } = world({ type: 'silent_degradation', ...span, factor: 0.3 });
    expect(seen(15).offer).toEqual(calm.seen(15).offer);
    const completed = (hour: number): number => {
      const ends = Array.from({ length: 20 }, (_, index) => market.deploy(order(`${hour}-${index}`, at(hour))));
      return ends.filter(({ instance_id }) => market.status(instance_id, at(1000))?.state === 'completed').length;
    };
    // Expected 9.4 of 20 in calm, 1.1 of 20 in the event.
    expect(completed(0)).toBeGreaterThan(5);
    expect(completed(15)).toBeLessThan(5);
  });

  it('can be narrowed to a region and a GPU type, in any spelling', () => {
    const { seen } = world({ type: 'price_spike', ...span, region: 'EU North', gpu_type: 'RTX 4090', factor: 2 });
    expect(seen(15, 'alpha:rtx4090-eu-north').offer?.usd_per_gpu_hour).toBe(0.8);
    expect(seen(15).offer?.usd_per_gpu_hour).toBe(0.4);
  });

  it('multiplies with events that overlap it', () => {
    const spike = { type: 'price_spike', ...span, factor: 2 } as const;
    expect(world(spike, { ...spike, from_h: 15 }).seen(16).offer?.usd_per_gpu_hour).toBeCloseTo(1.6, 9);
  });

  it('counts its hours from the start of the market', () => {
    const startMs = START_MS + 1000 * HOUR_MS;
    const market = createMarket({ spec, seed: 1, deviation: 1, startMs, scenario: [{ type: 'outage', ...span }] });
    const active = (hour: number): boolean | undefined => market.offers(startMs + hour * HOUR_MS)[0]?.active;
    expect([9, 10, 20].map(active)).toEqual([true, false, true]);
  });

  it('storm is a scenario of the default market', () => {
    const { providers } = createMarket({ spec: loadMarketSpec('default'), seed: 1, deviation: 1 });
    const { events } = loadScenarioSpec('storm');
    for (const event of events) expect(providers).toContain(event.provider);
    expect(new Set(events.map((event) => event.type)).size).toBe(6);
  });
});
