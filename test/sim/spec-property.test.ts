import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { offer } from '#shared/domain/offer.ts';
import { routeRequest } from '#shared/domain/request.ts';
import { RejectedError } from '#shared/errors.ts';
import { loadMarketSpec, loadScenarioSpec, parseMarketSpec, parseScenarioSpec } from '#sim/market/load-spec.ts';
import { createMarket } from '#sim/market/market.ts';
import { weatherOf } from '#sim/market/scenario.ts';
import { trafficStream } from '#sim/traffic.ts';
import { testCases } from '#test/support/cases.ts';
import { mutated } from '#test/support/json-mutation.ts';
import { smallOffer, smallSpec } from './small-market.ts';

const numRuns = testCases;
const SOURCE = 'given.json';

/** What came out, or null when it was refused as it should be: under its code, naming the source and where in it. */
function read<T>(parse: (value: unknown, source: string) => T, value: unknown): T | null {
  try {
    return parse(value, SOURCE);
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    expect(error.code).toBe('config_invalid');
    expect(error.message).toMatch(
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? /^given\.json: ([a-z_]+.*?: |Unrecognized key)/s
        : /^given\.json: Invalid input: expected object/,
    );
    return null;
  }
}

describe('any JSON', () => {
  const small = JSON.parse(JSON.stringify(smallSpec([smallOffer(), smallOffer({ region: 'eu-north' })]))) as unknown;
  const catalogue = JSON.parse(JSON.stringify(loadMarketSpec('default'))) as unknown;
  const storm = JSON.parse(JSON.stringify(loadScenarioSpec('storm'))) as unknown;

  it('is no market, or one that is refused by its place', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), mutated({})), (value) => void read(parseMarketSpec, value)),
      { numRuns },
    );
  });

  it.each([
    ['small', small, testCases],
    // Thirty times as large.
    ['default', catalogue, testCases / 10],
  ])(
    'near the market %s is a market that works, or is refused by its place',
    { timeout: 120_000 },
    (_, near, numRuns) => {
      let worked = 0;
      fc.assert(
        fc.property(mutated(near), fc.nat(1000), (value, seed) => {
          const spec = read(parseMarketSpec, value);
          if (spec === null) return;
          worked += 1;
          const market = createMarket({ spec, seed, deviation: 1 });
          for (const one of market.offers(market.startMs + seed * 3_600_000)) expect(offer.parse(one)).toEqual(one);
          const { body } = trafficStream({ spec, seed })(seed);
          expect(routeRequest.safeParse(body).error).toBeUndefined();
        }),
        { numRuns },
      );
      // Not all were refused.
      expect(worked).toBeGreaterThan(numRuns / 50);
    },
  );

  it('near a scenario is a scenario with finite weather, or is refused by its place', () => {
    const target = { provider: 'vast', gpu_type: 'a100', region: 'us-west' };
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), mutated(storm)), fc.nat(400), (value, hours) => {
        const scenario = read(parseScenarioSpec, value);
        if (scenario === null) return;
        for (const figure of Object.values(weatherOf(scenario.events, target)(hours)))
          expect(typeof figure === 'boolean' || Number.isFinite(figure)).toBe(true);
      }),
      { numRuns },
    );
  });
});
