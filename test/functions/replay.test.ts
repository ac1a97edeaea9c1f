import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideRoute } from '#functions/route/decide.ts';
import { decideScores } from '#functions/score/decide.ts';
import { POSTERIOR_STALE_LIMIT_MS } from '#shared/defaults.ts';
import type { Control } from '#shared/domain/control.ts';
import type { Decision } from '#shared/domain/decision.ts';
import { routingDecision } from '#shared/domain/events/catalogue.ts';
import { decodeEvent, encodeEvent } from '#shared/domain/events/codec.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { canonicalWorkloadOf } from '#shared/domain/request.ts';
import { replayPolicy } from '#shared/learning/policy/replay.ts';
import { NO_RESTRICTIONS } from '#shared/rules/restrictions.ts';
import { testCases } from '#test/support/cases.ts';
import { aCandidate, aDecision } from '#test/support/events.ts';
import { offerArbitrary, restrictionsArbitrary, workloadArbitrary } from '#test/support/offers.ts';
import { aRouteRequest, FIVE_OFFERS, NOW, SALT } from '#test/support/route-house.ts';
import { indexed, SCENES, type SceneName } from '#test/support/scenes.ts';

/** Cases in which every kind of policy comes up. */
const ENOUGH_TO_SEE_ALL = 1_000;

/** Through the bus and back, as the row that anybody reads later. */
function rowOf(decision: Decision): Decision {
  const { data, attributes } = encodeEvent(routingDecision, decision);
  const decoded = decodeEvent(data, attributes);
  if (!decoded.ok) throw new Error(decoded.reason);
  return routingDecision.schema.parse(decoded.event.payload);
}

const probabilitiesOf = ({ candidates }: Decision): readonly number[] =>
  candidates.map(({ probability }) => probability);

const incident = { id: 'i1', reason: 'r', by: 'ann', from: rfc3339(NOW - 1), until: rfc3339(NOW + 1) };
const kill = { by: 'ann', reason: 'r', at: rfc3339(NOW) };
/** What either side may have heard beside the scene. */
const said: fc.Arbitrary<Partial<Control>> = fc.constantFrom(
  {},
  {},
  { kill },
  { incidents: [incident] },
  { share: 0.5 },
  { stage: 'apprentice' },
);
const fitting = workloadArbitrary.map((workload) => ({
  ...workload,
  gpu_type: 'rtx4090',
  region: 'us-west',
  gpu_hours: 1,
  gpu_count: 1,
  max_price: null,
  max_latency_ms: null,
  min_reputation: null,
}));
const fittingOffer = offerArbitrary.map((offer) => ({
  ...offer,
  gpu_type: 'rtx4090',
  region: 'global',
  active: true,
  capacity_gpu_hours: null,
  capacity_total_gpu_hours: null,
}));
const situation = fc.record({
  scene: fc.constantFrom(...(Object.keys(SCENES) as SceneName[])),
  workload: fc.oneof({ weight: 1, arbitrary: workloadArbitrary }, { weight: 9, arbitrary: fitting }),
  offers: fc.oneof(
    { weight: 1, arbitrary: fc.array(offerArbitrary, { maxLength: 12 }) },
    { weight: 9, arbitrary: fc.array(fittingOffer, { maxLength: 64 }) },
  ),
  /** Which offers route does not find any more: half of them, so that the leader goes too, or a few. */
  gone: fc.infiniteStream(fc.nat(99)),
  goes: fc.constantFrom(0, 0, 10, 50),
  score: said,
  route: said,
  /** What keeps offers out of which score knows nothing. */
  restrictions: restrictionsArbitrary,
  requestId: fc.uuid(),
});

describe('the policy of a decision', () => {
  test('replays from its row, bit for bit, whoever acted and whatever was dropped', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(situation, ({ scene, workload, offers, gone, goes, score, route, restrictions, requestId }) => {
        const { company, control } = SCENES[scene];
        const input = { workload, nowMs: NOW, generation: '1' };
        const scores = decideScores({
          ...input,
          decisionId: requestId,
          offers: indexed(offers),
          control: { ...control, ...score },
          company,
          staleLimitMs: POSTERIOR_STALE_LIMIT_MS,
          includeFeatures: true,
        });
        const { decision } = decideRoute({
          ...input,
          requestId,
          offers: indexed(offers.filter(() => gone.next().value >= goes)),
          // As route reads it.
          scores: JSON.parse(JSON.stringify(scores)),
          fallbackReason: null,
          restrictions,
          control: { ...control, ...route },
          salt: SALT,
          scoreMs: 1,
        });
        const row = rowOf(decision);
        const replayed = replayPolicy(row);
        expect(replayed).toStrictEqual(probabilitiesOf(row));
        expect(probabilitiesOf(row)).toStrictEqual(probabilitiesOf(decision));
        for (const { provider, probability, usd_per_gpu_hour: usd } of row.candidates)
          if (restrictions.barred.has(provider) || usd > restrictions.maxUsdPerGpuHour) expect(probability).toBe(0);
        const dropped = row.candidates.some((candidate) => candidate.dropped);
        const kind = `${row.mode} ${row.policy.kind}${dropped ? ' dropped' : ''}`;
        if (row.candidates.length > 1) seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }),
      { numRuns: Math.max(ENOUGH_TO_SEE_ALL, testCases) },
    );
    // Vacuous unless every kind occurred.
    const every = ['rules', 'apprentice'].flatMap((mode) => [`${mode} epsilon_softened`, `${mode} greedy`]);
    const models = ['online', 'switchback'].flatMap((mode) => [`${mode} thompson`, `${mode} greedy`]);
    for (const kind of [...every, ...models, 'online thompson dropped', 'apprentice epsilon_softened dropped'])
      expect([...seen.keys()]).toContain(kind);
  });

  test('was exactly as score gave it when nothing was dropped', () => {
    const { company, control } = SCENES.linear;
    const workload = canonicalWorkloadOf(aRouteRequest());
    const input = { workload, nowMs: NOW, generation: '1', control, offers: indexed(FIVE_OFFERS) };
    const scores = decideScores({
      ...input,
      decisionId: 'd1',
      company,
      staleLimitMs: POSTERIOR_STALE_LIMIT_MS,
      includeFeatures: true,
    });
    const { decision } = decideRoute({
      ...input,
      requestId: 'r1',
      scores,
      fallbackReason: null,
      restrictions: NO_RESTRICTIONS,
      salt: SALT,
      scoreMs: 1,
    });
    expect(probabilitiesOf(decision)).toStrictEqual(scores.recommendations.map(({ probability }) => probability));
    expect(decision).toMatchObject({ mode: 'online', model_version: 'linear', statistics_generation: '7', arm: null });
  });

  test('that was imported is not known', () => {
    expect(replayPolicy(aDecision({ policy: { kind: 'recorded', epsilon: 0 } }))).toBeNull();
  });

  test('whose figures are missing does not replay', () => {
    const candidates = [aCandidate({ lead_variance: null }), aCandidate({ offer_id: 'vast:2' })];
    const policy = { kind: 'thompson', budget: 0.1, share: 0.1, floor: 0 } as const;
    expect(replayPolicy(aDecision({ candidates, policy }))).toBeNull();
  });
});

test('a row from before lead variances, dropped candidates and policies other than these is read as it was', () => {
  const { lead_variance: _none, dropped: _neither, ...old } = aCandidate({ probability: 1 });
  const { data, attributes } = encodeEvent(routingDecision, aDecision());
  const payload = { ...JSON.parse(new TextDecoder().decode(data)), candidates: [old] };
  const decoded = decodeEvent(new TextEncoder().encode(JSON.stringify(payload)), attributes);
  expect(decoded.ok && decoded.event.payload).toEqual(aDecision());
  expect(replayPolicy(aDecision())).toEqual([1]);
});
