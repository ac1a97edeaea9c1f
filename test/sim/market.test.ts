import { describe, expect, it } from 'vitest';
import { offer } from '#shared/domain/offer.ts';
import { RejectedError } from '#shared/errors.ts';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import { createMarket, type Market } from '#sim/market/market.ts';
import { HOUR_MS, order, START_MS, smallOffer, smallSpec, smallWorkload } from './small-market.ts';

const MARKETS = ['default', 'second'] as const;
/** Long enough for any run of these tests to have ended. */
const LATER_MS = 1000 * HOUR_MS;

/** Everything that can be seen of a deployment, its refusal included. */
function tried(market: Market, label: string, offerId: string, nowMs: number): unknown {
  try {
    const { instance_id } = market.deploy(order(label, nowMs, offerId));
    return market.status(instance_id, nowMs + LATER_MS);
  } catch (error) {
    if (error instanceof RejectedError) return error.message;
    throw error;
  }
}

describe.each(MARKETS)('the %s market', (name) => {
  const spec = loadMarketSpec(name);

  it('is the same world for the same seed, and another for another', () => {
    const world = (seed: number): unknown => {
      const market = createMarket({ spec, seed, deviation: 1 });
      const offers = market.offers(START_MS);
      return [offers, offers.slice(0, 40).map((one) => tried(market, `run ${one.offer_id}`, one.offer_id, START_MS))];
    };
    expect(world(7)).toEqual(world(7));
    expect(world(7)).not.toEqual(world(8));
  });

  it('throws the dice of a deployment by label and offer, not by the order of calls', () => {
    const ids = createMarket({ spec, seed: 3, deviation: 1 })
      .offers(START_MS)
      .map((one) => one.offer_id);
    const run = (sequence: readonly string[]): Map<string, unknown> => {
      const market = createMarket({ spec, seed: 3, deviation: 1 });
      return new Map(sequence.map((id) => [id, tried(market, 'one label', id, START_MS)]));
    };
    const forwards = run(ids);
    const backwards = run([...ids].reverse());
    expect(ids.length).toBeGreaterThan(50);
    for (const id of ids) expect(backwards.get(id)).toEqual(forwards.get(id));
  });

  it('keeps every promise at deviation 0', () => {
    const market = createMarket({ spec: { ...spec, tenant_fault_share: 0 }, seed: 5, deviation: 0 });
    for (const promised of market.offers(START_MS)) {
      const { instance_id } = market.deploy(order(`promise ${promised.offer_id}`, START_MS, promised.offer_id));
      const status = market.status(instance_id, START_MS + LATER_MS);
      expect(status).toMatchObject({ state: 'completed', billed_gpu_hours: 4, useful_gpu_hours: 4 });
      expect(status?.cost_usd).toBeCloseTo(4 * promised.usd_per_gpu_hour, 9);
      if (promised.latency_ms !== null) expect(status?.latency_ms).toBeCloseTo(promised.latency_ms, 9);
    }
  });

  it('lists offers that the domain accepts, under unique ids, several for each thing that is asked for', () => {
    const market = createMarket({ spec, seed: 1, deviation: 1 });
    const offers = market.offers(START_MS);
    for (const one of offers) expect(offer.parse(one)).toEqual(one);
    expect(new Set(offers.map((one) => one.offer_id)).size).toBe(offers.length);
    for (const { gpu_type, region } of offers.filter((one) => one.region !== 'global')) {
      const rivals = market.offers(START_MS, { gpu_type, region });
      expect(rivals.length).toBeGreaterThanOrEqual(4);
      expect(rivals).toEqual(
        offers.filter((one) => one.gpu_type === gpu_type && [region, 'global'].includes(one.region)),
      );
    }
  });
});

describe('a market', () => {
  it('refuses a deviation outside 0..1', () => {
    expect(() => createMarket({ spec: smallSpec(), seed: 1, deviation: Number.NaN })).toThrow(
      'deviation: expected a number from 0 to 1, got NaN',
    );
  });

  it('numbers offers of one provider, GPU type and region, whatever their spelling', () => {
    const spec = smallSpec([
      smallOffer(),
      smallOffer({ provider: 'Alpha', gpu_type: 'RTX 4090', usd_per_gpu_hour: 0.5 }),
      smallOffer({ provider: 'Vast.ai', region: 'Rio de la Plata' }),
    ]);
    const offers = createMarket({ spec, seed: 1, deviation: 1 }).offers(START_MS);
    expect(offers.map((one) => [one.offer_id, one.usd_per_gpu_hour])).toEqual([
      ['alpha:rtx4090-us-east', 0.4],
      ['alpha:rtx4090-us-east-2', 0.5],
      ['vast:rtx4090-rio-de-la-plata', 0.4],
    ]);
  });

  it.each([
    ['an unknown offer', 'alpha:h100-us-east', {}, 'offer alpha:h100-us-east: not sold here'],
    [
      'more than is free',
      undefined,
      { gpu_hours: 101 },
      'offer alpha:rtx4090-us-east: 100.0 GPU-hours free, asked for 101',
    ],
    [
      'a larger instance than is sold',
      undefined,
      { gpu_count: 9 },
      'offer alpha:rtx4090-us-east: at most 8 GPUs, asked for 9',
    ],
  ])('answers offer_gone for %s', (_what, offerId, fields, message) => {
    const market = createMarket({ spec: smallSpec(), seed: 1, deviation: 0 });
    const deploy = (): unknown => market.deploy({ ...order('x', START_MS, offerId), ...fields });
    expect(deploy).toThrow(RejectedError);
    expect(deploy).toThrow(message);
    expect(market.instances(START_MS)).toEqual([]);
  });

  it('loses an offer to other customers as often as its truth says, for one label always or never', () => {
    const spec = smallSpec([smallOffer({ capacity_gpu_hours: 1e6 }, { gone: 0.3 })]);
    const market = createMarket({ spec, seed: 1, deviation: 1 });
    const gone = (label: string): boolean =>
      typeof tried(market, label, 'alpha:rtx4090-us-east', START_MS) === 'string';
    const first = Array.from({ length: 2000 }, (_, index) => gone(`label ${index}`));
    const share = first.filter(Boolean).length / first.length;
    // Four standard errors of a share of .3 over 2,000.
    expect(Math.abs(share - 0.3)).toBeLessThan(0.041);
    expect(first.every((was, index) => gone(`label ${index}`) === was)).toBe(true);
  });

  it('blames the tenant wherever a faulty label runs', () => {
    const offers = [smallOffer(), smallOffer({ provider: 'beta' })];
    const market = createMarket({ spec: smallSpec(offers, { tenant_fault_share: 1 }), seed: 1, deviation: 0 });
    for (const id of ['alpha:rtx4090-us-east', 'beta:rtx4090-us-east'])
      expect(tried(market, 'faulty', id, START_MS)).toMatchObject({
        state: 'failed_to_start',
        blame: 'tenant',
        cost_usd: 0,
      });
  });

  it('gets worse with load: latency rises, start success falls', () => {
    const spec = smallSpec([smallOffer({}, { start_load_penalty: 0.5, latency_load: 0.6 })]);
    const market = createMarket({ spec, seed: 1, deviation: 1 });
    const seen = () => market.trueExpectation(smallWorkload(), 'alpha:rtx4090-us-east', START_MS);
    const idle = seen();
    for (let index = 0; index < 20; index++) market.deploy(order(`load ${index}`, START_MS));
    const loaded = seen();
    expect(loaded.ready).toBeCloseTo(0.7 * (1 - 0.5 * 0.8 ** 2), 9);
    expect(idle.ready).toBeCloseTo(0.7, 9);
    expect(loaded.latency_ms / idle.latency_ms).toBeCloseTo(Math.exp(0.6 * 0.8), 9);
  });

  it('picks the best of those it is shown, and null when nothing is admitted', () => {
    const spec = smallSpec([
      smallOffer({ provider: 'good' }, { start: 1 }),
      smallOffer({ provider: 'bad' }, { start: 0.1 }),
    ]);
    const market = createMarket({ spec, seed: 1, deviation: 1 });
    expect(market.oracle(smallWorkload(), START_MS)?.offer_id).toBe('good:rtx4090-us-east');
    expect(market.oracle(smallWorkload(), START_MS, ['bad:rtx4090-us-east'])?.offer_id).toBe('bad:rtx4090-us-east');
    expect(market.oracle(smallWorkload({ max_price: 0.1 }), START_MS)).toBeNull();
    expect(market.oracle(smallWorkload({ gpu_type: 'h100' }), START_MS)).toBeNull();
  });
});
