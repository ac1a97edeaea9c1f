import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Explanation, explanationOf } from '#cli/explain/explanation.ts';
import { explanationText } from '#cli/explain/words.ts';
import { decideRoute } from '#functions/route/decide.ts';
import { decideScores } from '#functions/score/decide.ts';
import { POSTERIOR_STALE_LIMIT_MS } from '#shared/defaults.ts';
import type { Control } from '#shared/domain/control.ts';
import { type Decision, decision } from '#shared/domain/decision.ts';
import type { Offer } from '#shared/domain/offer.ts';
import { canonicalWorkloadOf } from '#shared/domain/request.ts';
import { ERROR_CATALOGUE } from '#shared/errors.ts';
import { expectedUtility } from '#shared/learning/expected-utility.ts';
import { replayPolicy } from '#shared/learning/policy/replay.ts';
import { decisionById, decisionOf } from '#shared/queries/decisions.ts';
import { defineQuery } from '#shared/queries/fragments.ts';
import { NO_RESTRICTIONS } from '#shared/rules/restrictions.ts';
import { apprenticePolicy } from '#shared/serving/acting-policy.ts';
import { runsDear } from '#test/support/dear.ts';
import { anOutcome } from '#test/support/outcomes.ts';
import { aRouteRequest, FIVE_OFFERS, NOW, SALT } from '#test/support/route-house.ts';
import { indexed, SCENES, type SceneName } from '#test/support/scenes.ts';
import { launchUp, untilUp } from '#test/system/running-stack.ts';
import { emptyState, run, runJson, temporary } from './run.ts';
import { withPlatform } from './with-platform.ts';

/** So many decisions of the run at least are the learner's: on a busy machine those of the traffic may be few. */
const LEARNERS = 10;
const WORKLOAD = canonicalWorkloadOf(aRouteRequest());

interface Situation {
  readonly scene?: SceneName;
  /** What route finds; default: what score found. */
  readonly offers?: readonly Offer[];
  readonly control?: Partial<Control>;
  readonly priority?: 'normal' | 'critical';
}

function decided({
  scene = 'linear',
  offers = FIVE_OFFERS,
  control = {},
  priority = 'normal',
}: Situation = {}): Decision {
  const workload = { ...WORKLOAD, priority };
  const input = { workload, nowMs: NOW, generation: '1' };
  const scores = decideScores({
    ...input,
    decisionId: 'd1',
    offers: indexed(FIVE_OFFERS),
    control: SCENES[scene].control,
    company: SCENES[scene].company,
    staleLimitMs: POSTERIOR_STALE_LIMIT_MS,
    includeFeatures: true,
  });
  return decideRoute({
    ...input,
    requestId: 'r1',
    offers: indexed(offers),
    scores,
    fallbackReason: null,
    restrictions: NO_RESTRICTIONS,
    control: { ...SCENES[scene].control, ...control },
    salt: SALT,
    scoreMs: 1,
  }).decision;
}

const explained = (situation: Situation = {}): Explanation => explanationOf(decided(situation), []);
const text = (situation: Situation = {}): string => explanationText(explained(situation));

describe('an explanation', () => {
  it('names who acted, in every scene, and finds that the row replays', () => {
    const actors = (Object.keys(SCENES) as SceneName[]).map((scene) => [scene, explained({ scene })] as const);
    expect(actors.map(([scene, { actor }]) => [scene, actor])).toEqual([
      ['rules', 'rules'],
      ['apprentice', 'rules'],
      ['online', 'v1'],
      ['linear', 'linear'],
      ['switchback', decided({ scene: 'switchback' }).arm],
    ]);
    for (const [, { replays }] of actors) expect(replays).toBe(true);
    const decision = decided();
    const tampered = { ...decision, candidates: decision.candidates.map((one) => ({ ...one, probability: 0.2 })) };
    expect(explanationOf(tampered, []).replays).toBe(false);
    const elsewhere: Decision = { ...decision, mode: 'recorded', policy: { kind: 'recorded', epsilon: 0 } };
    expect(explanationOf(elsewhere, [])).toMatchObject({ actor: 'recorded', replays: null });
  });

  it('tells of each that lost the change that would have made it first', () => {
    const { candidates, decision } = explained();
    const [first, ...others] = candidates;
    expect(first?.why_not).toBeNull();
    expect(others.some(({ why_not: why }) => why !== null)).toBe(true);
    for (const { why_not: why, predicted } of others) {
      if (why?.of !== 'price' || predicted === null) continue;
      const at = (usd_per_gpu_hour: number) => expectedUtility(decision.request, { ...predicted, usd_per_gpu_hour });
      expect(at(why.to)).toBeGreaterThan(first?.expected_utility ?? Number.NaN);
    }
    const byRules = explained({ scene: 'rules' }).candidates;
    // The five differ in their price alone.
    expect(byRules.map(({ why_not: why }) => why?.of)).toEqual([undefined, 'price', 'price', 'price', 'price']);
    for (const { why_not: why } of byRules.slice(1)) expect(why?.to).toBeCloseTo(0.3, 9);
  });

  it('of what was gone says that, and lets the best of the rest be first', () => {
    const best = decided().candidates[0]?.offer_id ?? '';
    const offers = FIVE_OFFERS.filter(({ offer_id: id }) => id !== best);
    const gone = explained({ offers });
    expect(gone.candidates[0]).toMatchObject({ offer_id: best, dropped: true, why_not: null });
    expect(gone.candidates[1]?.why_not).toBeNull();
    expect(gone.replays).toBe(true);
    expect(text({ offers })).toContain(`${best}: it was gone, or did not fit any more, when it was decided`);
  });
});

describe('its text', () => {
  it('says what was asked, who acted and why, how it was drawn', () => {
    const linear = text();
    expect(linear).toMatch(
      /^decision +[0-9a-f]{32}, 2026-01-01T09:00:00.000Z, request r1 of default\nasked +llm_inference: 8 GPU-hours on 2 rtx4090 in us-west\n/,
    );
    expect(linear).toMatch(/\nacted +the fast learner \(linear\), who is online \(mode online\)\n/);
    expect(linear).toMatch(/\ndrawn +\S+ with probability [\d.]+: by the chance that it is the best, within /);
    expect(linear).toMatch(/\nreplay +the row gives the logged probabilities again, bit for bit\n/);
    expect(linear).toMatch(/\n# +OFFER +PROBABILITY +UTILITY +SPREAD +RULES +READY +COMPLETED /);
    expect(linear).toMatch(/\n {2}\S+: it was first/);
    expect(linear).toMatch(/\n {2}\S+: (at|ready|getting|completing) .* instead of .* it would have been first/);
    expect(linear).toContain('\nWhat it looked like:\n  - rtx4090 of ');
    expect(linear).toMatch(/Nothing has become of it yet\.$/);
    const lent: Decision = { ...decided({ scene: 'apprentice' }), policy: apprenticePolicy() };
    expect(explanationText(explanationOf(lent, []))).toContain(
      ': the best by the rules but for 5 %, of which 80 % as the apprentice would choose, the rest spread evenly\n',
    );
    expect(text({ scene: 'apprentice' })).toMatch(
      /\nacted +the rules, for nobody else may act \(mode apprentice\)\nshown beside +version v1\n/,
    );
    expect(text({ scene: 'switchback' })).toMatch(
      /, whose turn it was in a trial \(mode switchback, arm (linear|v1)\)\n/,
    );
    expect(text({ priority: 'critical' })).toContain('the best was taken, for it was critical');
    const at = new Date(NOW).toISOString();
    const kill = { by: 'ann', reason: 'r', at };
    expect(text({ control: { kill } })).toMatch(/\nacted +the rules, for the kill switch was pulled \(mode rules\)\n/);
    const incident = { id: 'i1', reason: 'r', by: 'ann', from: at, until: new Date(NOW + 1).toISOString() };
    expect(text({ control: { incidents: [incident] } })).toContain('the best was taken, in an incident');
  });

  it('rounds a change to the side on which it is enough', () => {
    const decision = { ...explained(), candidates: explained().candidates.slice(0, 2) };
    const [first, second] = decision.candidates;
    if (first === undefined || second === undefined) throw new Error('expected two candidates');
    const said = (why_not: NonNullable<typeof second.why_not>, actor = 'linear'): string =>
      explanationText({ ...decision, actor, candidates: [first, { ...second, why_not }] });
    expect(said({ of: 'price', from: 0.38, to: 0.31666 }, 'rules')).toContain(
      'at 0.316 USD/GPU-hour instead of 0.38 it would have been first',
    );
    expect(said({ of: 'completed', from: 0.8, to: 0.90111 })).toContain(
      'completing 90.2 % of such runs instead of 80 it',
    );
    expect(said({ of: 'ready_time', from: 300_000, to: 123_456 })).toContain(
      'ready in an expected 123 s instead of 300 it would',
    );
  });

  it('tells what became of it', () => {
    const outcomes = [
      anOutcome({ sequence: 0, status: 'ready', final: false, request: WORKLOAD }),
      anOutcome({ request: WORKLOAD }),
    ];
    const explanation = explanationOf(decided(), outcomes);
    expect(explanation.outcomes.map(({ utility }) => utility)).toEqual([null, expect.any(Number)]);
    expect(explanationText(explanation)).toMatch(
      /What became of it:\nATTEMPT +OFFER .*\n +0 +vast:1 +ready .*\n +0 +vast:1 +completed .* 0\.\d{3}$/,
    );
  });

  it('of a refusal names the nearest misses', () => {
    const dear = FIVE_OFFERS.map((offer) => ({ ...offer, usd_per_gpu_hour: 10, gpu_count: 1 }));
    expect(text({ offers: dear })).toMatch(
      /drawn +nothing: no offer was eligible\n[\s\S]*None of 5 offers was eligible; the nearest:\n {2}- \S+: gpu_count, gpu_count <= 1/,
    );
  });
});

describe('vm explain', () => {
  it.skipIf(!runsDear)(
    'of a decision made a moment ago, beside the stack and without it; every row of the run replays',
    {
      timeout: 120_000,
    },
    async () => {
      const directory = await temporary();
      const launched = launchUp(directory, { speed: '20000', traffic: '20/s', stage: 'online' });
      let id: string;
      let running: Explanation;
      try {
        const stack = await untilUp(launched);
        await stack.status(({ decisions, outcomes }) => decisions.distinct >= 60 && outcomes.distinct >= 20);
        for (let asked = 1; asked < LEARNERS; asked++) await decidedOnline(stack.url);
        id = await decidedOnline(stack.url);
        const given = await runJson<Explanation>('explain', id, '--dir', directory);
        expect(given.code).toBe(0);
        running = given.value;
        expect(running).toMatchObject({ actor: 'linear', replays: true, decision: { decision_id: id } });
        expect(running.candidates.filter(({ chosen }) => chosen)).toHaveLength(1);
        expect(await stack.stop()).toBe(0);
      } finally {
        await launched.kill();
      }
      const { value: quiet } = await runJson<Explanation>('explain', id, '--dir', directory);
      expect({ ...quiet, outcomes: [] }).toEqual({ ...running, outcomes: [] });
      expect((await run('explain', id, '--dir', directory)).out).toContain('bit for bit');

      const rows = await decisionsIn(directory);
      for (const { policy, candidates } of rows)
        expect(replayPolicy({ policy, candidates })).toStrictEqual(candidates.map(({ probability }) => probability));
      const kinds = Map.groupBy(rows, ({ policy }) => policy.kind);
      expect(kinds.get('thompson')?.length).toBeGreaterThanOrEqual(LEARNERS);
      expect(kinds.get('epsilon_softened')?.length, 'until the learner knows something').toBeGreaterThan(0);
    },
  );

  it('of no decision says so', { timeout: 60_000 }, async () => {
    const directory = await temporary();
    await emptyState(directory);
    for (const id of ['f00', ''])
      expect(await run('explain', id, '--dir', directory)).toEqual({
        code: 2,
        out: '',
        err: `vm: no decision "${id}" is on record\n    decision_unknown: ${ERROR_CATALOGUE.decision_unknown.remedy}\n`,
      });
  });
});

/** One that the learner decides; on a machine that is busy with other tests score may be late, and the rules decide. */
async function decidedOnline(url: string): Promise<string> {
  const body = JSON.stringify({ workload_type: 'llm_inference', gpu_type: 'a100', region: 'us-west', gpu_hours: 4 });
  for (;;) {
    const answer = await (await fetch(`${url}/route`, { method: 'POST', body })).json();
    const { mode, decision_id: id } = answer as { mode: string; decision_id: string };
    if (mode === 'online') return id;
  }
}

const everyDecision = defineQuery({
  name: 'every_decision',
  params: z.strictObject({}),
  row: decisionById.row,
  sql: (dialect) =>
    `SELECT ${Object.keys(decision.shape).join(', ')} FROM ${dialect.table('routing_decisions_distinct')}`,
});

/** Every decision on record. */
const decisionsIn = (directory: string): Promise<Decision[]> =>
  withPlatform(directory, async (platform) =>
    (await (await platform.warehouse()).query(everyDecision, {})).map(decisionOf),
  );
