import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_CANDIDATES, MAX_EXCLUDED_LISTED } from '#shared/defaults.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import { eligibleOffers, indexOffers } from '#shared/rules/eligibility.ts';
import { NO_RESTRICTIONS, type Restrictions } from '#shared/rules/restrictions.ts';
import type { Shortfall } from '#shared/rules/shortfall.ts';
import { testCases } from '#test/support/cases.ts';
import { anOffer, aWorkload, offerArbitrary, workloadArbitrary } from '#test/support/offers.ts';

const DOWN: Shortfall = { reason: 'provider_down', needed: 'vast to be up again' };
const BUSY: Shortfall = { reason: 'call_rate', needed: 'in 4 s' };
const restricted = (changes: Partial<Restrictions>): Restrictions => ({ ...NO_RESTRICTIONS, ...changes });
const barred = (...pairs: [string, Shortfall][]): Restrictions => restricted({ barred: new Map(pairs) });

describe('restrictions', () => {
  test.each<[string, Restrictions, string, string]>([
    ['of a provider that is down', barred(['vast', DOWN]), 'provider_down', 'vast to be up again'],
    ['of a provider whose queue is long', barred(['vast', BUSY]), 'call_rate', 'in 4 s'],
    [
      'dearer than its tenant may pay an hour',
      restricted({ maxUsdPerGpuHour: 0.39 }),
      'price',
      'max_usd_per_gpu_hour of the tenant >= 0.4',
    ],
    [
      'dearer than its tenant may pay a run',
      restricted({ maxUsdPerDeployment: 3.19 }),
      'price',
      'max_usd_per_deployment of the tenant >= 3.2',
    ],
  ])('exclude an offer %s, and say what is needed', (_, restrictions, reason, needed) => {
    expect(eligibleOffers(aWorkload(), [anOffer()], restrictions)).toEqual({
      eligible: [],
      excluded: [{ provider: 'vast', offer_id: 'vast:1', reason, needed }],
      excludedTotal: 1,
    });
  });

  test('at the very limit exclude nothing', () => {
    const exact = restricted({ maxUsdPerGpuHour: 0.4, maxUsdPerDeployment: 0.4 * 8 });
    expect(eligibleOffers(aWorkload(), [anOffer()], exact).eligible).toHaveLength(1);
  });

  test('stand beside what the request itself misses', () => {
    const dear = anOffer({ usd_per_gpu_hour: 0.6 });
    const far = anOffer({ offer_id: 'vast:2', region: 'eu-west' });
    expect(eligibleOffers(aWorkload(), [dear, far], barred(['vast', DOWN])).excluded).toEqual([
      { provider: 'vast', offer_id: 'vast:1', reason: 'price', needed: 'max_price >= 0.6 and vast to be up again' },
      { provider: 'vast', offer_id: 'vast:2', reason: 'region', needed: 'region = eu-west and vast to be up again' },
    ]);
  });

  test('show for every provider, however many offers another has', () => {
    const many = (provider: string, count: number) =>
      Array.from({ length: count }, (_, i) =>
        anOffer({ provider, offer_id: `${provider}:${i}`, usd_per_gpu_hour: 0.4 - i / 1000 }),
      );
    const offers = [...many('akash', 40), ...many('vast', 40), anOffer({ provider: 'render', offer_id: 'render:1' })];
    const { eligible, excluded, excludedTotal } = eligibleOffers(
      aWorkload(),
      offers,
      barred(['akash', BUSY], ['vast', DOWN]),
    );
    expect(eligible.map(({ offer_id: id }) => id)).toEqual(['render:1']);
    // The best of each first.
    expect(excluded.slice(0, 2).map(({ offer_id: id, reason }) => [id, reason])).toEqual([
      ['akash:39', 'call_rate'],
      ['vast:39', 'provider_down'],
    ]);
    expect([excluded.length, excludedTotal]).toEqual([MAX_EXCLUDED_LISTED, 80]);
    expect(new Set(excluded.map(({ offer_id: id }) => id)).size).toBe(MAX_EXCLUDED_LISTED);
  });

  test('law: what is left is what there was, in its order, less what they name', () => {
    const limit = fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.double({ min: 0, max: 100, noNaN: true }));
    const any = fc.record({
      barred: fc
        .uniqueArray(fc.constantFrom('vast', 'akash', 'render'))
        .map((names) => new Map<string, Shortfall>(names.map((name) => [name, DOWN]))),
      maxUsdPerGpuHour: limit,
      maxUsdPerDeployment: limit,
    });
    fc.assert(
      fc.property(workloadArbitrary, fc.array(offerArbitrary, { maxLength: 30 }), any, (workload, offers, given) => {
        const free = eligibleOffers(workload, offers);
        const found = eligibleOffers(workload, indexOffers({ offers }), given);
        expect(found.eligible).toEqual(
          free.eligible.filter(
            ({ provider, usd_per_gpu_hour: usd }) =>
              !given.barred.has(provider) &&
              usd <= given.maxUsdPerGpuHour &&
              usd * workload.gpu_hours <= given.maxUsdPerDeployment,
          ),
        );
        expect(found.excludedTotal).toBe(offers.length - found.eligible.length);
        expect(found.excluded).toHaveLength(Math.min(MAX_EXCLUDED_LISTED, found.excludedTotal));
      }),
      { numRuns: testCases },
    );
  });

  test('make room under the candidate limit', () => {
    const offers = Array.from({ length: MAX_CANDIDATES + 10 }, (_, i) =>
      anOffer({ provider: i < 10 ? 'vast' : 'akash', offer_id: `o${i}`, usd_per_gpu_hour: 0.3 + i / 1000 }),
    );
    const { eligible } = eligibleOffers(aWorkload(), offers, barred(['vast', DOWN]));
    expect(eligible).toHaveLength(MAX_CANDIDATES);
    const scores = eligible.map((offer) => classicScore(aWorkload().weights, offer));
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
  });
});
