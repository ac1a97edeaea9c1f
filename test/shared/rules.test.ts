import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_CANDIDATES, MAX_EXCLUDED_LISTED } from '#shared/defaults.ts';
import { exclusion } from '#shared/domain/decision.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { bestOf } from '#shared/rules/best-of.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import { eligibleOffers, indexOffers } from '#shared/rules/eligibility.ts';
import { testCases } from '#test/support/cases.ts';
import { anOffer, aWorkload, offerArbitrary, workloadArbitrary } from '#test/support/offers.ts';

const numRuns = testCases;

describe('the classic score', () => {
  it('is the four terms of the formula', () => {
    const weights = { price: 0.35, latency: 0.3, reputation: 0.2, availability: 0.15 };
    const offer = anOffer({ usd_per_gpu_hour: 0.4, latency_ms: 100, reputation: 90, capacity_gpu_hours: 50 });
    expect(classicScore(weights, offer)).toBeCloseTo(0.35 / 0.4 + 0.3 / 100 + (0.2 * 90) / 100 + (0.15 * 50) / 100, 12);
  });

  it.each([
    ['latency 350 ms', { latency_ms: null }, { latency: 700 }, 2],
    ['reputation 60', { reputation: null }, { reputation: 10 }, 6],
    ['half free when the rest is unknown', { capacity_gpu_hours: null }, { availability: 3 }, 1.5],
    ['half free when the total is unknown', { capacity_total_gpu_hours: null }, { availability: 3 }, 1.5],
  ])('imputes %s', (_, changes, weights, expected) => {
    const none = { price: 0, latency: 0, reputation: 0, availability: 0 };
    expect(classicScore({ ...none, ...weights }, anOffer(changes))).toBeCloseTo(expected, 12);
  });

  it('is a finite number for any offer and weights', () => {
    fc.assert(
      fc.property(workloadArbitrary, offerArbitrary, ({ weights }, offer) => {
        expect(Number.isFinite(classicScore(weights, offer))).toBe(true);
      }),
      { numRuns },
    );
  });
});

describe('the hard filter', () => {
  const table: [string, Partial<Offer>, Partial<Workload>, string, string][] = [
    ['switched off', { active: false }, {}, 'inactive', 'active = true'],
    ['another region', { region: 'eu-west' }, {}, 'region', 'region = eu-west'],
    ['another GPU', { gpu_type: 'h100' }, {}, 'gpu_type', 'gpu_type = h100'],
    [
      'another GPU elsewhere',
      { gpu_type: 'h100', region: 'eu-west' },
      {},
      'gpu_type',
      'gpu_type = h100 and region = eu-west',
    ],
    ['too few GPUs', { gpu_count: 4 }, { gpu_count: 8 }, 'gpu_count', 'gpu_count <= 4'],
    ['sold as a whole', { gpu_count: 4, gpu_count_min: 4 }, { gpu_count: 2 }, 'gpu_count', 'gpu_count >= 4'],
    ['too slow', { latency_ms: 250.5 }, {}, 'latency', 'max_latency_ms >= 250.5'],
    ['too slow as imputed', { latency_ms: null }, {}, 'latency', 'max_latency_ms >= 350'],
    ['too dear', { usd_per_gpu_hour: 1.87 }, {}, 'price', 'max_price >= 1.87'],
    ['not trusted', { reputation: 79 }, {}, 'reputation', 'min_reputation <= 79'],
    ['not trusted as imputed', { reputation: null }, {}, 'reputation', 'min_reputation <= 60'],
    ['too small', { capacity_gpu_hours: 7.5 }, {}, 'capacity', 'gpu_hours <= 7.5'],
    [
      'too small as imputed',
      { capacity_gpu_hours: null, capacity_total_gpu_hours: 10 },
      {},
      'capacity',
      'gpu_hours <= 5',
    ],
    ['sold out', { capacity_gpu_hours: 0 }, {}, 'capacity', 'capacity_gpu_hours >= 8'],
    [
      'several limits at once',
      { usd_per_gpu_hour: 0.6, capacity_gpu_hours: 4 },
      {},
      'price',
      'max_price >= 0.6 and gpu_hours <= 4',
    ],
    [
      'elsewhere and too dear',
      { region: 'eu-west', usd_per_gpu_hour: 0.6 },
      {},
      'region',
      'region = eu-west and max_price >= 0.6',
    ],
  ];

  it.each(table)('excludes an offer that is %s, and says what is needed', (_, offer, workload, reason, needed) => {
    expect(eligibleOffers(aWorkload(workload), [anOffer(offer)])).toEqual({
      eligible: [],
      excluded: [{ provider: 'vast', offer_id: 'vast:1', reason, needed }],
      excludedTotal: 1,
    });
  });

  it('has a case here for every reason that it gives', () => {
    // `blocked` is given where incidents are known, `candidate_limit` has its own test below, restrictions have a file of theirs.
    const others = ['candidate_limit', 'blocked', 'call_rate', 'provider_down'];
    const given = new Set([...table.map(([, , , reason]) => reason), ...others]);
    expect([...given].sort()).toEqual([...exclusion.shape.reason.options].sort());
  });

  it.each<[string, Partial<Offer>, Partial<Workload>]>([
    [
      'every limit met exactly',
      { latency_ms: 200, usd_per_gpu_hour: 0.5, reputation: 80, capacity_gpu_hours: 8, gpu_count: 2 },
      {},
    ],
    ['a global offer', { region: 'global' }, {}],
    ['a request for any region', { region: 'eu-west' }, { region: 'global' }],
    [
      'no limits',
      { latency_ms: 1e6, usd_per_gpu_hour: 1e3, reputation: 0 },
      { max_latency_ms: null, max_price: null, min_reputation: null },
    ],
    ['unknown capacity', { capacity_gpu_hours: null, capacity_total_gpu_hours: null }, { gpu_hours: 1e6 }],
  ])('takes %s', (_, offer, workload) => {
    const wanted = anOffer(offer);
    expect(eligibleOffers(aWorkload(workload), [wanted])).toEqual({
      eligible: [wanted],
      excluded: [],
      excludedTotal: 0,
    });
  });

  it('lists other GPU types where the tenant is before those elsewhere', () => {
    const offers = [
      anOffer({ offer_id: 'far-b', gpu_type: 'b200', region: 'eu-west' }),
      anOffer({ offer_id: 'same-gpu', region: 'eu-west' }),
      anOffer({ offer_id: 'far-a', gpu_type: 'a100', region: 'eu-west' }),
      anOffer({ offer_id: 'here', gpu_type: 'a100' }),
      anOffer({ offer_id: 'anywhere', gpu_type: 'b200', region: 'global' }),
    ];
    const { excluded } = eligibleOffers(aWorkload(), offers);
    expect(excluded.map(({ offer_id, needed }) => `${offer_id}: ${needed}`)).toEqual([
      'same-gpu: region = eu-west',
      'anywhere: gpu_type = b200',
      'here: gpu_type = a100',
      'far-b: gpu_type = b200 and region = eu-west',
      'far-a: gpu_type = a100 and region = eu-west',
    ]);
  });

  it('lists the nearest misses first, switched-off ones after them, other regions and GPU types last', () => {
    const offers = [
      anOffer({ offer_id: 'gpu', gpu_type: 'h100' }),
      anOffer({ offer_id: 'region', region: 'eu-west' }),
      anOffer({ offer_id: 'off', active: false }),
      anOffer({ offer_id: 'far', usd_per_gpu_hour: 5 }),
      anOffer({ offer_id: 'near', usd_per_gpu_hour: 0.51 }),
      anOffer({ offer_id: 'middle', latency_ms: 300 }),
    ];
    const listed = eligibleOffers(aWorkload(), offers).excluded.map((entry) => entry.offer_id);
    expect(listed).toEqual(['near', 'middle', 'far', 'off', 'region', 'gpu']);
  });

  it('keeps the best by rule score at the candidate limit and says what was needed', () => {
    const offers = Array.from({ length: 100 }, (_, i) =>
      anOffer({ offer_id: `o${i}`, usd_per_gpu_hour: 0.3 + ((i * 37) % 100) / 1000 }),
    );
    const { eligible, excluded, excludedTotal } = eligibleOffers(aWorkload(), offers);
    const ranked = [...offers].sort((a, b) => a.usd_per_gpu_hour - b.usd_per_gpu_hour);
    expect(eligible).toEqual(ranked.slice(0, MAX_CANDIDATES));
    expect(excludedTotal).toBe(100 - MAX_CANDIDATES);
    expect(excluded.map((entry) => entry.offer_id)).toEqual(
      ranked.slice(MAX_CANDIDATES, MAX_CANDIDATES + MAX_EXCLUDED_LISTED).map((offer) => offer.offer_id),
    );
    const lowest = classicScore(aWorkload().weights, eligible[MAX_CANDIDATES - 1] as Offer);
    expect(excluded[0]).toMatchObject({ reason: 'candidate_limit', needed: `rule_score > ${lowest}` });
  });

  it('looks only at the offers that can fit: 10,000 offers, 100 of the GPU type and region', () => {
    let looked = 0;
    const watched = (offer: Offer): Offer =>
      Object.defineProperty({ ...offer }, 'active', {
        get() {
          looked += 1;
          return true;
        },
      });
    const offers = Array.from({ length: 10_000 }, (_, i) =>
      watched(anOffer({ offer_id: `o${i}`, gpu_type: `g${i % 10}`, region: `r${Math.floor(i / 10) % 10}` })),
    );
    const index = indexOffers({ offers });
    const { eligible, excludedTotal } = eligibleOffers(aWorkload({ gpu_type: 'g3', region: 'r4' }), index);
    expect(eligible).toHaveLength(MAX_CANDIDATES);
    expect(excludedTotal).toBe(10_000 - MAX_CANDIDATES);
    expect(looked).toBeLessThanOrEqual(100 + MAX_EXCLUDED_LISTED);
  });

  it('agrees with the plain filter, in any order of arrival, indexed or not', () => {
    fc.assert(
      fc.property(workloadArbitrary, fc.array(offerArbitrary, { maxLength: 30 }), (workload, offers) => {
        const found = eligibleOffers(workload, offers);
        expect(new Set(found.eligible)).toEqual(new Set(offers.filter((offer) => fits(workload, offer))));
        expect(found.excludedTotal).toBe(offers.length - found.eligible.length);
        expect(found.excluded).toHaveLength(Math.min(MAX_EXCLUDED_LISTED, found.excludedTotal));
        const scores = found.eligible.map((offer) => classicScore(workload.weights, offer));
        expect(scores).toEqual([...scores].sort((a, b) => b - a));
        const reversed = eligibleOffers(workload, indexOffers({ offers: [...offers].reverse() }));
        expect(reversed.eligible).toEqual(found.eligible);
      }),
      { numRuns },
    );
  });

  it('names a change that makes the offer eligible', () => {
    fc.assert(
      fc.property(workloadArbitrary, fc.array(offerArbitrary, { maxLength: 8 }), (workload, offers) => {
        const { excluded } = eligibleOffers(workload, offers);
        for (const { offer_id, needed } of excluded) {
          const offer = offers.find((one) => one.offer_id === offer_id) as Offer;
          const [changedWorkload, changedOffer] = applied(needed, workload, offer);
          expect([needed, eligibleOffers(changedWorkload, [changedOffer]).eligible]).toEqual([needed, [changedOffer]]);
        }
      }),
      { numRuns },
    );
  });
});

describe('best of', () => {
  it('is the head of the sorted list', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 })), fc.integer({ min: 1, max: 10 }), (items, limit) => {
        const best = bestOf<number>(limit, (a, b) => a - b);
        for (const item of items) best.offer(item);
        expect(best.items).toEqual([...items].sort((a, b) => a - b).slice(0, limit));
      }),
      { numRuns },
    );
  });
});

/** The rules read out of the design, one by one: the oracle of the property above. */
function fits(workload: Workload, offer: Offer): boolean {
  const latency = offer.latency_ms ?? 350;
  const reputation = offer.reputation ?? 60;
  const total = offer.capacity_total_gpu_hours;
  const capacity = offer.capacity_gpu_hours ?? (total === null ? Number.POSITIVE_INFINITY : total / 2);
  return [
    offer.active,
    offer.gpu_type === workload.gpu_type,
    [workload.region, offer.region].includes('global') || workload.region === offer.region,
    offer.gpu_count >= workload.gpu_count && workload.gpu_count >= (offer.gpu_count_min ?? 1),
    latency <= (workload.max_latency_ms ?? Number.POSITIVE_INFINITY),
    offer.usd_per_gpu_hour <= (workload.max_price ?? Number.POSITIVE_INFINITY),
    reputation >= (workload.min_reputation ?? 0),
    capacity >= workload.gpu_hours,
  ].every(Boolean);
}

/** Does what `needed` says, to the request or to the offer. */
function applied(needed: string, workload: Workload, offer: Offer): [Workload, Offer] {
  const ofOffer = ['active', 'capacity_gpu_hours'];
  const request: Record<string, unknown> = { ...workload };
  const changed: Record<string, unknown> = { ...offer };
  for (const change of needed.split(' and ')) {
    const [, field = '', value = ''] = /^(\w+) (?:=|>=|<=) (.*)$/s.exec(change) ?? [];
    const typed = field === 'active' ? true : ['region', 'gpu_type'].includes(field) ? value : Number(value);
    (ofOffer.includes(field) ? changed : request)[field] = typed;
  }
  return [request as Workload, changed as Offer];
}
