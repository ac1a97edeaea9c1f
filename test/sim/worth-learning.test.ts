import { describe, expect, it } from 'vitest';
import type { Offer } from '#shared/domain/offer.ts';
import { canonicalWorkloadOf, type Workload } from '#shared/domain/request.ts';
import { RejectedError } from '#shared/errors.ts';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import { createMarket } from '#sim/market/market.ts';
import { uniforms } from '#sim/market/random.ts';
import { arrivalGaps, trafficStream } from '#sim/traffic.ts';
import { runsDear } from '#test/support/dear.ts';
import { START_MS } from './small-market.ts';

const DECISIONS = 2500;
const SEEDS = [1, 2, 3];

type Choose = (offers: readonly Offer[], workload: Workload, index: number) => Offer | undefined;

/** The classic rule score, written out again: this test must not follow a change of the router's. */
const rules: Choose = (offers, { weights }) => {
  const score = (one: Offer): number =>
    weights.price / one.usd_per_gpu_hour +
    weights.latency / (one.latency_ms ?? 350) +
    (weights.reputation * (one.reputation ?? 60)) / 100 +
    weights.availability *
      (one.capacity_gpu_hours === null ? 0.5 : one.capacity_gpu_hours / (one.capacity_total_gpu_hours ?? 1));
  return offers.toSorted((a, b) => score(b) - score(a))[0];
};
const random: Choose = (offers, _workload, index) => offers[Math.floor(uniforms('random', index)() * offers.length)];

/** Mean true utility and completed share of a policy on its own copy of the world. */
function play(name: string, seed: number, choose: Choose | 'oracle'): { utility: number; completed: number } {
  const spec = loadMarketSpec(name);
  const market = createMarket({ spec, seed, deviation: 1 });
  const request = trafficStream({ spec, seed });
  const gap = arrivalGaps({ perSecond: spec.arrivals_per_hour / 3600, seed });
  let nowMs = START_MS;
  let utility = 0;
  let completed = 0;
  for (let index = 0; index < DECISIONS; index++) {
    nowMs += gap(index);
    const { body, request_id } = request(index);
    const workload = canonicalWorkloadOf(body);
    const offers = market
      .offers(nowMs, workload)
      .filter(
        (one) =>
          one.usd_per_gpu_hour <= (workload.max_price ?? Number.POSITIVE_INFINITY) &&
          (one.latency_ms ?? 0) <= (workload.max_latency_ms ?? Number.POSITIVE_INFINITY) &&
          (one.reputation ?? 100) >= (workload.min_reputation ?? 0) &&
          one.gpu_count >= workload.gpu_count &&
          (one.capacity_gpu_hours ?? Number.POSITIVE_INFINITY) >= workload.gpu_hours,
      );
    const ids = offers.map((one) => one.offer_id);
    const offerId =
      choose === 'oracle' ? market.oracle(workload, nowMs, ids)?.offer_id : choose(offers, workload, index)?.offer_id;
    if (offerId === undefined) throw new Error(`request ${index}: expected an eligible offer`);
    const truth = market.trueExpectation(workload, offerId, nowMs);
    utility += truth.expected_utility / DECISIONS;
    completed += truth.completed / DECISIONS;
    try {
      market.deploy({ ...workload, offerId, label: request_id, nowMs });
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error;
    }
  }
  return { utility, completed };
}

const meanOf = (name: string, choose: Choose | 'oracle'): { utility: number; completed: number } => {
  const worlds = SEEDS.map((seed) => play(name, seed, choose));
  const mean = (figure: 'utility' | 'completed'): number =>
    worlds.reduce((sum, world) => sum + world[figure], 0) / worlds.length;
  return { utility: mean('utility'), completed: mean('completed') };
};

describe.skipIf(!runsDear).each(['default', 'second'])('the truth of the %s market', (name) => {
  it('is worth learning: the rules leave a gap to the oracle, and chance completes more than they do', () => {
    const [byRules, byChance, byOracle] = [meanOf(name, rules), meanOf(name, random), meanOf(name, 'oracle')];
    expect(byRules.completed).toBeGreaterThan(0.66);
    expect(byRules.completed).toBeLessThan(0.78);
    expect(byChance.completed).toBeGreaterThan(byRules.completed);
    expect(byOracle.completed).toBeGreaterThan(0.82);
    expect(byOracle.utility - byRules.utility).toBeGreaterThan(0.12);
  });
});
