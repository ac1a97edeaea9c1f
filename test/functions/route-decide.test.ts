import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideRoute, type RouteInput } from '#functions/route/decide.ts';
import { decideScores } from '#functions/score/decide.ts';
import { EXPLORATION_EPSILON, MAX_EVENT_BYTES, POSTERIOR_STALE_LIMIT_MS } from '#shared/defaults.ts';
import type { Control } from '#shared/domain/control.ts';
import type { Decision } from '#shared/domain/decision.ts';
import { deploymentRequested, routingDecision } from '#shared/domain/events/catalogue.ts';
import { decodeEvent, encodeEvent } from '#shared/domain/events/codec.ts';
import { uniformDraw } from '#shared/domain/ids.ts';
import type { Offer } from '#shared/domain/offer.ts';
import { canonicalWorkloadOf, type Workload } from '#shared/domain/request.ts';
import type { ScoreAnswer } from '#shared/domain/score.ts';
import { sampleIndex } from '#shared/learning/policy/chances.ts';
import { replayPolicy } from '#shared/learning/policy/replay.ts';
import { NO_RESTRICTIONS, type Restrictions } from '#shared/rules/restrictions.ts';
import type { Shortfall } from '#shared/rules/shortfall.ts';
import { testCases } from '#test/support/cases.ts';
import { anOffer, offerArbitrary, restrictionsArbitrary, workloadArbitrary } from '#test/support/offers.ts';
import { aRouteRequest, FIVE_OFFERS, NOW, SALT } from '#test/support/route-house.ts';
import { indexed, SCENES, type SceneName } from '#test/support/scenes.ts';

interface Situation {
  readonly workload?: Workload;
  readonly offers?: readonly Offer[];
  /** What score saw; default: the same offers. */
  readonly scoredOffers?: readonly Offer[];
  /** What score answers; undefined: nothing. */
  readonly stage?: SceneName | undefined;
  /** What route has heard; default: the same. */
  readonly control?: Control;
  readonly requestId?: string;
  /** What keeps offers out of which score knows nothing; default: nothing. */
  readonly restrictions?: Restrictions;
}

const WORKLOAD = canonicalWorkloadOf(aRouteRequest());

function scoresOf({ workload = WORKLOAD, offers = FIVE_OFFERS, scoredOffers, stage }: Situation): ScoreAnswer | null {
  if (stage === undefined) return null;
  return decideScores({
    workload,
    offers: indexed(scoredOffers ?? offers),
    generation: 's1',
    decisionId: 'd1',
    ...SCENES[stage],
    staleLimitMs: POSTERIOR_STALE_LIMIT_MS,
    nowMs: NOW,
    includeFeatures: true,
  });
}

function inputOf(situation: Situation): RouteInput {
  return {
    requestId: situation.requestId ?? 'r1',
    workload: situation.workload ?? WORKLOAD,
    offers: indexed(situation.offers ?? FIVE_OFFERS),
    generation: 'g1',
    scores: scoresOf(situation),
    fallbackReason: situation.stage === undefined ? 'deadline_exceeded' : null,
    restrictions: situation.restrictions ?? NO_RESTRICTIONS,
    control: situation.control ?? SCENES[situation.stage ?? 'rules'].control,
    nowMs: NOW,
    salt: SALT,
    scoreMs: 1,
  };
}
const decide = (situation: Situation = {}) => decideRoute(inputOf(situation));

const finalOf = (decision: Decision) =>
  decision.candidates.find((candidate) => candidate.offer_id === decision.final_offer_id);
const mass = (decision: Decision): number => decision.candidates.reduce((sum, { probability }) => sum + probability, 0);

const STAGES = [undefined, 'rules', 'apprentice', 'online', 'linear', 'switchback'] as const;

describe('propensities', () => {
  test('for any request, offers and stage: they sum to 1, and the final one is its own probability', () => {
    const situation = fc.record({
      workload: workloadArbitrary,
      offers: fc.array(offerArbitrary, { maxLength: 20 }),
      scoredOffers: fc.array(offerArbitrary, { maxLength: 10 }),
      shared: fc.nat({ max: 10 }),
      stage: fc.constantFrom(...STAGES),
      restrictions: restrictionsArbitrary,
      requestId: fc.uuid(),
    });
    fc.assert(
      fc.property(situation, ({ shared, scoredOffers, offers, ...rest }) => {
        const { decision, deployment } = decide({
          ...rest,
          offers,
          scoredOffers: [...offers.slice(0, shared), ...scoredOffers],
        });
        const final = finalOf(decision);
        expect(deployment === null).toBe(decision.candidates.length === 0);
        if (decision.candidates.length === 0) {
          expect(decision).toMatchObject({ final_offer_id: null, propensity: null });
          return;
        }
        expect(mass(decision)).toBeCloseTo(1, 12);
        const { barred, maxUsdPerGpuHour, maxUsdPerDeployment } = rest.restrictions;
        for (const option of [deployment?.option, ...(deployment?.fallbacks ?? [])]) {
          expect(barred.has(option?.provider ?? '')).toBe(false);
          const offer = offers.find(({ offer_id: id }) => id === option?.offer_id);
          expect(offer?.usd_per_gpu_hour).toBeLessThanOrEqual(maxUsdPerGpuHour);
          expect((offer?.usd_per_gpu_hour ?? 0) * rest.workload.gpu_hours).toBeLessThanOrEqual(maxUsdPerDeployment);
        }
        expect(decision.propensity).toBe(final?.probability);
        expect(decision.propensity).toBeGreaterThan(0);
        expect(deployment?.propensity).toBe(decision.propensity);
        expect(new Set(decision.candidates.map(({ offer_id: id }) => id)).size).toBe(decision.candidates.length);
        expect(routingDecision.schema.safeParse(decision).error).toBeUndefined();
        expect(deploymentRequested.schema.safeParse(deployment).error).toBeUndefined();
        if (rest.workload.priority === 'critical') expect(decision.propensity).toBe(1);
      }),
      { numRuns: testCases },
    );
  });

  test.each(STAGES)('over many request ids the frequencies are the probabilities (scores: %s)', (stage) => {
    const draws = 4_000;
    const input = inputOf({ stage });
    const counts = new Map<string, number>();
    let decision: Decision | undefined;
    for (let i = 0; i < draws; i++) {
      ({ decision } = decideRoute({ ...input, requestId: `request ${i}` }));
      const id = decision.final_offer_id ?? '';
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    const chi2 = (decision?.candidates ?? [])
      .map(({ offer_id: id, probability }) => ({ got: counts.get(id) ?? 0, expected: draws * probability }))
      .reduce((sum, { got, expected }) => sum + (got - expected) ** 2 / expected, 0);
    if (decision?.policy.kind === 'epsilon_softened')
      expect(decision.candidates.map(({ probability }) => probability)).toContain(EXPLORATION_EPSILON / 5);
    else expect(decision?.policy.kind).toBe('thompson');
    // Four degrees of freedom: 23.5 is passed by chance once in ten thousand; the draws are seeded.
    expect(chi2).toBeLessThan(23.5);
  });

  test('a critical request takes the best, whatever its id', () => {
    for (const stage of STAGES) {
      const workload = { ...WORKLOAD, priority: 'critical' as const };
      const input = inputOf({ workload, stage });
      const finals = Array.from({ length: 500 }, (_, i) => decideRoute({ ...input, requestId: `r${i}` }).decision);
      expect(new Set(finals.map(({ final_offer_id: id }) => id))).toEqual(
        new Set([finals[0]?.candidates[0]?.offer_id]),
      );
      expect(finals[0]).toMatchObject({ propensity: 1, policy: { kind: 'greedy', epsilon: 0 } });
    }
  });

  test('a critical request is not explored on although score says so', () => {
    const scores = scoresOf({ stage: 'online' });
    const workload = { ...WORKLOAD, priority: 'critical' as const };
    const { decision } = decideRoute({ ...inputOf({ workload }), scores, fallbackReason: null });
    expect(decision.candidates.map(({ probability }) => probability)).toEqual([1, 0, 0, 0, 0]);
    expect(decision.policy).toEqual({ kind: 'greedy', epsilon: 0 });
  });
});

describe('replay', () => {
  test.each(STAGES)(
    'the row, through the bus and back, gives the same choice from the same salt (scores: %s)',
    (stage) => {
      for (let i = 0; i < 200; i++) {
        const { decision } = decide({ requestId: `r${i}`, stage });
        const { data, attributes } = encodeEvent(routingDecision, decision);
        const decoded = decodeEvent(data, attributes);
        const row = decoded.ok ? routingDecision.schema.parse(decoded.event.payload) : decision;
        expect(row).toEqual(decision);
        const draw = uniformDraw(SALT.secret, row.decision_id);
        const again =
          row.candidates[
            sampleIndex(
              row.candidates.map(({ probability }) => probability),
              draw,
            )
          ];
        expect(again?.offer_id).toBe(row.final_offer_id);
      }
    },
  );

  test('the whole decision is a function of its input', () => {
    expect(decide({ stage: 'online' })).toEqual(decide({ stage: 'online' }));
  });
});

describe('score and route on different snapshots', () => {
  const ids = (decision: Decision): string[] => decision.candidates.map(({ offer_id: id }) => id);
  const best = decide({ stage: 'rules' }).decision.recommended_offer_id ?? '';

  test('what is no longer eligible here stays in the row and out of everything else; the rest keep their odds', () => {
    const gone = decide({ stage: 'rules' }).decision.candidates[1]?.offer_id ?? '';
    const offers = FIVE_OFFERS.filter(({ offer_id: id }) => id !== gone);
    const { decision, deployment } = decide({ offers, scoredOffers: FIVE_OFFERS, stage: 'rules' });
    expect(decision.candidates[1]).toMatchObject({ offer_id: gone, probability: 0, dropped: true });
    expect(decision.candidates.filter(({ dropped }) => dropped)).toHaveLength(1);
    expect(deployment?.fallbacks).toHaveLength(3);
    expect(deployment?.fallbacks.map(({ offer_id: id }) => id)).not.toContain(gone);
    const [p, , q] = decision.candidates.map(({ probability }) => probability);
    expect((p ?? 0) / (q ?? 0)).toBeCloseTo((0.95 + 0.01) / 0.01, 9);
    expect(mass(decision)).toBeCloseTo(1, 12);
  });

  test('the best is gone: the policy acts anew on the rest; exploration does not become the rule', () => {
    const offers = FIVE_OFFERS.filter(({ offer_id: id }) => id !== best);
    const { decision } = decide({ offers, scoredOffers: FIVE_OFFERS, stage: 'rules' });
    expect(decision.recommended_offer_id).toBe(best);
    expect(decision.candidates[0]).toMatchObject({ offer_id: best, probability: 0, dropped: true });
    expect(decision.candidates[1]?.probability).toBeCloseTo(0.95 + 0.05 / 4, 12);
    const critical = { ...WORKLOAD, priority: 'critical' as const };
    const urgent = decide({ workload: critical, offers, scoredOffers: FIVE_OFFERS, stage: 'rules' }).decision;
    expect(urgent.candidates.map(({ probability }) => probability)).toEqual([0, 1, 0, 0, 0]);
  });

  test('the best of a sampled distribution is gone: the variances against it mean nothing any more, the next is taken', () => {
    const scored = decide({ stage: 'linear' }).decision;
    const [first] = ids(scored);
    expect(scored.candidates[0]?.probability).toBeGreaterThan(0.5);
    const offers = FIVE_OFFERS.filter(({ offer_id: id }) => id !== first);
    const { decision } = decide({ offers, scoredOffers: FIVE_OFFERS, stage: 'linear' });
    expect(decision).toMatchObject({ policy: { kind: 'greedy' }, propensity: 1, mode: 'online' });
    expect(decision.final_offer_id).toBe(ids(scored)[1]);
  });

  test('an offer that only route knows has not been scored and is no candidate', () => {
    const { decision } = decide({
      offers: [...FIVE_OFFERS, anOffer({ offer_id: 'vast:new', usd_per_gpu_hour: 0.01 })],
      scoredOffers: FIVE_OFFERS,
      stage: 'online',
    });
    expect(ids(decision)).not.toContain('vast:new');
  });

  test('nothing that score recommends is left: the rules decide, and say that', () => {
    const { decision } = decide({
      offers: FIVE_OFFERS,
      scoredOffers: [anOffer({ offer_id: 'vast:old', latency_ms: 50 })],
      stage: 'online',
    });
    expect(decision).toMatchObject({
      mode: 'rules',
      fallback_reason: 'recommendations_ineligible',
      model_version: null,
      model_age_s: null,
    });
    expect(decision.candidates).toHaveLength(5);
  });

  test('a provider that score got wrong, or an offer named twice, does not reach a deployment', () => {
    const scores = scoresOf({ stage: 'online' }) as ScoreAnswer;
    const wrong = scores.recommendations.map((one) => ({ ...one, provider: 'elsewhere' }));
    const { decision } = decideRoute({
      ...inputOf({}),
      scores: { ...scores, recommendations: [...wrong, ...wrong] },
      fallbackReason: null,
    });
    expect(decision.candidates).toHaveLength(5);
    expect(mass(decision)).toBeCloseTo(1, 12);
    for (const { provider, offer_id: id } of decision.candidates) expect(id.startsWith(`${provider}:`)).toBe(true);
  });
});

describe('what keeps offers out whatever score says', () => {
  const DOWN = { reason: 'provider_down', needed: 'vast to be up again' } as const;
  const vastIsDown: Restrictions = { ...NO_RESTRICTIONS, barred: new Map([['vast', DOWN]]) };

  test.each(STAGES)('a provider that is down gets nothing, and shows (scores: %s)', (stage) => {
    for (let i = 0; i < 50; i++) {
      const { decision, deployment } = decide({ stage, restrictions: vastIsDown, requestId: `r${i}` });
      expect(decision.final_provider).toBe('akash');
      expect(deployment?.fallbacks.map(({ provider }) => provider)).toEqual(['akash']);
      expect(decision.excluded.map(({ provider, reason }) => [provider, reason])).toEqual([
        ['vast', 'provider_down'],
        ['vast', 'provider_down'],
        ['vast', 'provider_down'],
      ]);
      const out = decision.candidates.filter(({ provider }) => provider === 'vast');
      // Score valued them, so the row keeps them; the rules never did.
      expect(out).toHaveLength(stage === undefined ? 0 : 3);
      expect(out.every(({ dropped, probability }) => dropped && probability === 0)).toBe(true);
      expect(mass(decision)).toBeCloseTo(1, 12);
      expect(decision.propensity).toBe(finalOf(decision)?.probability);
      expect(replayPolicy(decision)).toStrictEqual(decision.candidates.map(({ probability }) => probability));
    }
  });

  test('the price that an offer has now counts, not the one that was scored', () => {
    const dearer = FIVE_OFFERS.map((offer) => ({ ...offer, usd_per_gpu_hour: offer.usd_per_gpu_hour + 0.1 }));
    const restrictions = { ...NO_RESTRICTIONS, maxUsdPerGpuHour: 0.46 };
    const { deployment, decision } = decide({
      stage: 'online',
      offers: dearer,
      scoredOffers: FIVE_OFFERS,
      restrictions,
    });
    expect([deployment?.option, ...(deployment?.fallbacks ?? [])].map((one) => one?.offer_id).sort()).toEqual([
      'akash:1',
      'vast:0',
    ]);
    expect(decision.excluded[0]).toMatchObject({
      reason: 'price',
      needed: 'max_usd_per_gpu_hour of the tenant >= 0.5',
    });
  });

  test.each<[string, Partial<Restrictions>, number | undefined]>([
    ['an hour', { maxUsdPerGpuHour: 0.9 }, 0.9],
    ['a deployment', { maxUsdPerDeployment: 0.8 * WORKLOAD.gpu_hours }, 0.8],
    ['both', { maxUsdPerGpuHour: 0.9, maxUsdPerDeployment: 0.8 * WORKLOAD.gpu_hours }, 0.8],
    ['neither', {}, undefined],
  ])('what its tenant may pay by %s goes with the deployment, which may find another price', (_, limits, usd) => {
    const { deployment } = decide({ restrictions: { ...NO_RESTRICTIONS, ...limits } });
    const options = [deployment?.option, ...(deployment?.fallbacks ?? [])];
    expect(options.length).toBeGreaterThan(1);
    for (const option of options)
      if (usd === undefined) expect(option).not.toHaveProperty('max_usd_per_gpu_hour');
      else expect(option?.max_usd_per_gpu_hour).toBeCloseTo(usd, 12);
  });

  test('everybody out: a refusal that says why', () => {
    const busy = { reason: 'call_rate', needed: 'in 4 s' } as const;
    const barred = new Map<string, Shortfall>([
      ['vast', DOWN],
      ['akash', busy],
    ]);
    const { decision, deployment } = decide({ stage: 'online', restrictions: { ...NO_RESTRICTIONS, barred } });
    expect(deployment).toBeNull();
    expect(decision.excluded.slice(0, 2).map(({ provider, needed }) => [provider, needed])).toEqual([
      ['vast', 'vast to be up again'],
      ['akash', 'in 4 s'],
    ]);
  });
});

describe('scores that are unsure', () => {
  const answer = (): ScoreAnswer => scoresOf({ stage: 'online' }) as ScoreAnswer;
  const recommendations = (change: (one: ScoreAnswer['recommendations'][number], i: number) => object) =>
    answer().recommendations.map((one, i) => ({ ...one, ...change(one, i) }));
  const decided = (changes: Partial<ScoreAnswer>) =>
    decideRoute({ ...inputOf({}), scores: { ...answer(), ...changes }, fallbackReason: null }).decision;

  test.each<[string, Partial<ScoreAnswer>]>([
    ['a value is missing', { recommendations: recommendations((_, i) => (i === 3 ? { expected_utility: null } : {})) }],
    ['nothing says how sure', { recommendations: recommendations((_, i) => (i === 0 ? { lead_variance: null } : {})) }],
    [
      'the chances are not those of all cases',
      { recommendations: recommendations(({ probability }) => ({ probability: probability / 2 })) },
    ],
    ['there are no chances', { recommendations: recommendations(() => ({ probability: 0 })) }],
  ])('%s: the rules decide, and say so', (_, changes) => {
    expect(decided(changes)).toMatchObject({ mode: 'rules', fallback_reason: 'scores_unsure', model_version: null });
    expect(decided(changes).candidates).toEqual(decide({}).decision.candidates);
  });

  test('no model had anything to say: the rules, as score has them', () => {
    const scores = scoresOf({ stage: 'rules' }) as ScoreAnswer;
    expect(scores.model).toBeNull();
    const { decision } = decideRoute({ ...inputOf({}), scores, fallbackReason: null });
    expect(decision).toMatchObject({ mode: 'rules', model_version: null, fallback_reason: null });
  });

  test('as long as they are whole they act', () => {
    expect(decided({})).toMatchObject({ mode: 'online', fallback_reason: null, model_version: 'v1' });
  });
});

describe('what acts', () => {
  test.each([
    ['rules', 'rule_score', 'rules', null],
    ['apprentice', 'rule_score', 'apprentice', 'v1'],
    ['online', 'expected_utility', 'online', 'v1'],
  ] as const)('%s: candidates and fallbacks stand best first by %s', (stage, by, mode, version) => {
    const { decision, deployment } = decide({ stage });
    const values = decision.candidates.map((candidate) => candidate[by] ?? Number.NaN);
    expect(values).toEqual([...values].sort((a, b) => b - a));
    expect(new Set(values).size).toBe(5);
    expect(decision).toMatchObject({ mode, model_version: version, fallback_reason: null });
    const others = decision.candidates.filter(({ offer_id: id }) => id !== decision.final_offer_id);
    expect(deployment?.fallbacks.map(({ offer_id: id }) => id)).toEqual(
      others.slice(0, 3).map(({ offer_id: id }) => id),
    );
  });

  test('an apprentice orders the offers otherwise than the rules, so the test above can tell', () => {
    const { candidates } = decide({ stage: 'apprentice' }).decision;
    const utilities = candidates.map(({ expected_utility: value }) => value ?? Number.NaN);
    expect(utilities).not.toEqual([...utilities].sort((a, b) => b - a));
  });
});

describe('what route has heard and score has not yet', () => {
  const kill = { by: 'ann', reason: 'r', at: new Date(NOW).toISOString() };
  const incident = { id: 'i1', reason: 'r', by: 'ann', from: kill.at, until: new Date(NOW + 1).toISOString() };

  test.each(['online', 'linear', 'switchback'] as const)('the kill switch: the rules decide instead of %s', (stage) => {
    const { decision } = decide({ stage, control: { ...SCENES[stage].control, kill } });
    expect(decision).toMatchObject({
      mode: 'rules',
      arm: null,
      overridden_by: 'kill_switch',
      policy: { kind: 'epsilon_softened' },
      model_version: null,
      fallback_reason: null,
    });
    expect(decision.candidates).toEqual(decide({ stage: 'rules' }).decision.candidates);
  });

  test('the kill switch where the rules act already: nothing to outweigh', () => {
    const { decision } = decide({ stage: 'apprentice', control: { ...SCENES.apprentice.control, kill } });
    expect(decision).toMatchObject({ mode: 'apprentice', overridden_by: null });
  });

  test.each(STAGES)('an incident: the best is taken (scores: %s)', (stage) => {
    const { control } = SCENES[stage ?? 'rules'];
    const { decision } = decide({ stage, control: { ...control, incidents: [incident] } });
    const plain = decide({ stage }).decision;
    expect(decision).toMatchObject({ policy: { kind: 'greedy' }, propensity: 1, mode: plain.mode, arm: plain.arm });
    expect(decision.overridden_by).toBe(stage === undefined ? null : 'incident');
    expect(decision.final_offer_id).toBe(plain.candidates[0]?.offer_id);
  });

  test('without scores the rules stand in for whatever arm it would be, and say so', () => {
    const { control } = SCENES.switchback;
    expect(decide({ control }).decision).toMatchObject({ mode: 'rules', arm: 'rules' });
    expect(decide({ control: { ...SCENES.linear.control, share: 0.5 } }).decision).toMatchObject({ arm: 'rules' });
    expect(decide({ control: SCENES.linear.control }).decision).toMatchObject({ mode: 'rules', arm: null });
  });
});

describe('who acted and why', () => {
  test('is in the row: arm, version, statistics, and what score could not', () => {
    expect(decide({ stage: 'online' }).decision).toMatchObject({ statistics_generation: '9', arm: null });
    const { decision } = decide({ stage: 'switchback' });
    expect(decision).toMatchObject({ mode: 'switchback', arm: expect.stringMatching(/^(linear|v1)$/) });
    expect(decision.model_version).toBe(decision.arm);
    const scores = { ...(scoresOf({ stage: 'rules' }) as ScoreAnswer), fault: 'v1 cannot act' };
    const { decision: missing } = decideRoute({ ...inputOf({}), scores, fallbackReason: null });
    expect(missing).toMatchObject({ mode: 'rules', fallback_reason: 'v1 cannot act' });
  });
});

describe('the size of a decision', () => {
  const many = (count: number, text: (i: number) => string): Offer[] =>
    Array.from({ length: count }, (_, i) =>
      anOffer({
        provider: `${text(i)}p`.slice(-128),
        offer_id: `${text(i)}:${i}`.slice(-256),
        usd_per_gpu_hour: 0.3 + i / 997,
        gpu_type: 'rtx4090',
        region: 'global',
      }),
    );
  const bytesOf = ({ decision }: { decision: Decision }): number => encodeEvent(routingDecision, decision).data.length;

  test('more than 64 fitting offers: the 64 best by the rules are candidates, the next are named as left out', () => {
    const { decision } = decide({ offers: many(100, () => 'plain'), workload: { ...WORKLOAD, max_price: null } });
    expect(decision.candidates).toHaveLength(64);
    expect(decision.excluded_total).toBe(36);
    expect(decision.excluded[0]).toMatchObject({ reason: 'candidate_limit' });
    expect(decision.excluded).toHaveLength(16);
  });

  test.each(STAGES)('64 candidates in plain words fit with room to spare, features and all (scores: %s)', (stage) => {
    const workload = { ...WORKLOAD, max_price: null };
    const situation = { offers: many(100, (i) => `provider-${i}`), workload };
    const routed = decide({ ...situation, stage });
    expect(routed.decision.candidates.every(({ features }) => features !== null)).toBe(true);
    expect(bytesOf(routed)).toBeLessThan(MAX_EVENT_BYTES * 0.6);
  });

  test('with the longest names of another script it is cut to fit: the acted offer keeps its features', () => {
    const long = '界'.repeat(128);
    const workload = { ...WORKLOAD, tenant_id: long, workload_type: long, region: long, max_price: null };
    const offers = many(100, (i) => `${'域'.repeat(250)}${i}`);
    const routed = decide({ offers, workload, stage: 'online' });
    const bytes = bytesOf({ decision: { ...routed.decision, decide_ms: 123.456789012345 } });
    expect(bytes).toBeLessThanOrEqual(MAX_EVENT_BYTES);
    // Not cut further than it must be.
    expect(bytes).toBeGreaterThan(MAX_EVENT_BYTES * 0.95);
    expect(routed.decision.candidates).toHaveLength(64);
    expect(finalOf(routed.decision)?.features).not.toBeNull();
    expect(mass(routed.decision)).toBeCloseTo(1, 12);
    const { deployment } = routed;
    expect([deployment?.option, ...(deployment?.fallbacks ?? [])].every((one) => one?.features !== null)).toBe(true);
  });
});
