import { describe, expect, test } from 'vitest';
import { TransientError } from '#shared/errors.ts';
import type { CheckKind } from '#shared/probes/check.ts';
import { canaryDecisionCheck } from '#shared/probes/checks/canary-decision.ts';
import { canaryScoreCheck } from '#shared/probes/checks/canary-score.ts';
import { championAgeCheck } from '#shared/probes/checks/champion-age.ts';
import { deadLettersCheck } from '#shared/probes/checks/dead-letters.ts';
import { offersAgeCheck } from '#shared/probes/checks/offers-age.ts';
import type { HttpSeen, LoopReader } from '#shared/probes/tools.ts';
import { fakeClock } from '#test/support/clock.ts';
import { answered, loopThat, toldHttp, toolsOf, within } from '#test/support/probe-tools.ts';

const NOW = Date.UTC(2026, 0, 1);
const LOOP: CheckKind[] = [canaryDecisionCheck, championAgeCheck, deadLettersCheck, offersAgeCheck];

async function look(check: CheckKind, spec: object, loop: Partial<LoopReader> | null, deadlineMs = 60_000) {
  const clock = fakeClock(NOW);
  const tools = toolsOf(clock, { loop: loop === null ? null : loopThat(loop) });
  const context = { deadline: NOW + deadlineMs, signal: new AbortController().signal };
  const pending = check.bind(spec, {})(tools, context);
  const settled = pending.then(
    () => undefined,
    () => undefined,
  );
  for (let ms = 0; ms < 20_000; ms += 100) await clock.advance(100);
  await settled;
  expect(clock.pending()).toBe(0);
  return pending;
}

describe('a decision that is published', () => {
  const published: string[] = [];
  const canary = (hasAfter: number): Partial<LoopReader> => {
    let looks = 0;
    return {
      publishCanary: async (id) => void published.push(id),
      hasCanary: async (id) => id === 'canary-1' && ++looks > hasAfter,
    };
  };

  test.each([
    ['at once', 0, 0, 1],
    ['after a while', 3, 1_500, 4],
    ['at the last look', 16, 8_000, 17],
  ])('comes out of the warehouse %s', async (_, after, waited, looks) => {
    published.length = 0;
    expect(await look(canaryDecisionCheck, {}, canary(after))).toEqual({
      status: 'pass',
      evidence: { decision: 'canary-1', waited_ms: waited, looks, within_s: 8 },
      remedy: null,
    });
    expect(published).toEqual(['canary-1']);
  });

  test('and does not', async () => {
    expect(await look(canaryDecisionCheck, { within_s: 2, look_every_ms: 400 }, canary(99))).toEqual({
      status: 'fail',
      evidence: { decision: 'canary-1', waited_ms: 2_000, looks: 6, within_s: 2 },
      remedy: expect.stringMatching(/backlog of ingest/),
    });
  });

  test('nothing is known of it before its time where the attempt ends earlier', async () => {
    await expect(look(canaryDecisionCheck, { within_s: 8 }, canary(99), 3_000)).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
  });

  test.each<[string, Partial<LoopReader>]>([
    ['the bus', { publishCanary: () => Promise.reject(new TransientError('bus_unavailable', 'away')) }],
    [
      'the warehouse',
      { ...canary(0), hasCanary: () => Promise.reject(new TransientError('warehouse_unavailable', 'away')) },
    ],
  ])('nor where %s cannot be asked', async (_, loop) => {
    await expect(look(canaryDecisionCheck, {}, loop)).rejects.toMatchObject({
      code: expect.stringMatching(/unavailable/),
    });
  });

  test('whoever gives up waits no longer', async () => {
    const clock = fakeClock(NOW);
    const controller = new AbortController();
    const tools = toolsOf(clock, { loop: loopThat(canary(99)) });
    const context = { deadline: NOW + 60_000, signal: controller.signal };
    const ends = expect(canaryDecisionCheck.bind({}, {})(tools, context)).rejects.toThrow('enough');
    await clock.advance(600);
    controller.abort(new Error('enough'));
    await ends;
    expect(clock.pending()).toBe(0);
  });
});

test.each<[number, object, string | null, boolean]>([
  [0, {}, null, true],
  [1, {}, 'alerts-dead-letter', false],
  [1, {}, null, false],
  [5, { max: 5 }, 'alerts-dead-letter', true],
  [6, { max: 5 }, 'alerts-dead-letter', false],
])('%i dead letters, allowed %o, the most in %s: %s', async (count, spec, fullest, passes) => {
  const counted = { count, lookedAt: 'a bus', ageMs: 90_012, fullest };
  const verdict = await look(deadLettersCheck, spec, { deadLetters: async () => counted });
  const evidence = { dead_letters: count, max: { max: 0, ...spec }.max, looked_at: 'a bus', counted_s_ago: 90 };
  expect(verdict).toEqual({
    status: passes ? 'pass' : 'fail',
    evidence: passes || fullest === null ? evidence : { ...evidence, fullest },
    remedy: passes ? null : expect.stringMatching(/vm dlq replay/),
  });
});

describe.each([
  ['champion', championAgeCheck, 'championAgeMs', 604_800, /no champion/],
  ['offers', offersAgeCheck, 'offersAgeMs', 900, /no offers/],
] as const)('the age of the %s', (_, check, reader, limit, none) => {
  const aged = (ageMs: number | null): Partial<LoopReader> => ({ [reader]: async () => ageMs });

  test.each<[string, object, number | null, boolean, RegExp | null]>([
    ['young', {}, limit * 1_000, true, null],
    ['old', {}, limit * 1_000 + 1_000, false, /old/],
    ['old for who says so', { max_age_s: 10 }, 11_000, false, /old/],
    ['none', {}, null, false, none],
    ['none where there may be none', { required: false }, null, true, null],
    ['from the future, by a clock that is off', {}, -5_000, true, null],
  ])('%s', async (__, spec, ageMs, passes, remedy) => {
    expect(await look(check, spec, aged(ageMs))).toEqual({
      status: passes ? 'pass' : 'fail',
      evidence: { age_s: ageMs === null ? null : ageMs / 1_000, max_age_s: { max_age_s: limit, ...spec }.max_age_s },
      remedy: remedy === null ? null : expect.stringMatching(remedy),
    });
  });
});

test.each(LOOP.map((check) => [check.kind, check] as const))('%s: no loop within reach', async (_, check) => {
  await expect(look(check, {}, null)).rejects.toMatchObject({ code: 'loop_unreachable' });
});

describe('score', () => {
  const TARGET = { url: 'http://score.example', reach: { private: true, loopback: false } };
  async function ask(spec: object, answers: readonly HttpSeen[]) {
    const { http, asked } = toldHttp(answers);
    return {
      verdict: await canaryScoreCheck.bind(spec, TARGET)(toolsOf(fakeClock(), { http }), within(10_000)),
      asked,
    };
  }
  const told = (more: object = {}, ms = 20): HttpSeen =>
    answered(
      {
        model: { version: 'v7', stage: 'online', age_s: 3_600, statistics_age_s: 5 },
        mode: 'online',
        fault: null,
        recommendations: [{ provider: 'akash' }],
        data_age_s: 30,
        ...more,
      },
      { ms },
    );
  const FACTS = { model: 'v7', model_age_s: 3_600, mode: 'online', data_age_s: 30 };

  test('answers fast, with a young model', async () => {
    const { verdict, asked } = await ask({ headers: { 'x-a': 'b' } }, [told()]);
    expect(verdict).toEqual({ status: 'pass', evidence: { requests: 5, p95_ms: 20, ...FACTS }, remedy: null });
    expect(asked).toHaveLength(5);
    expect(asked[0]).toMatchObject({
      url: 'http://score.example/agent/route',
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-a': 'b' },
      reach: TARGET.reach,
    });
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      workload_type: 'llm_inference',
      gpu_type: 'a100',
      region: 'global',
      gpu_hours: 1,
    });
  });

  test('without a model, where there may be none yet', async () => {
    const { verdict } = await ask({ model: 'optional' }, [told({ model: null })]);
    expect(verdict).toMatchObject({ status: 'pass', evidence: { model: null, model_age_s: null } });
  });

  test.each<[string, object, HttpSeen, object, RegExp]>([
    ['slowly', {}, told({}, 200.1), { requests: 5, p95_ms: 200.1, ...FACTS, max_ms: 200 }, /too slowly/],
    ['without a model', {}, told({ model: null }), { model: null, mode: 'online' }, /No model is served/],
    [
      'with an old one',
      { max_model_age_s: 3_599 },
      told(),
      { requests: 5, p95_ms: 20, ...FACTS, max_model_age_s: 3_599 },
      /The model is an old one/,
    ],
    ['of old offers', { max_data_age_s: 29 }, told(), { ...FACTS, max_data_age_s: 29 }, /old offers/],
    [
      'by the rules, where a model should act',
      {},
      told({ fault: 'posterior_stale' }),
      { fault: 'posterior_stale' },
      /The rules act/,
    ],
    ['with nothing', {}, told({ recommendations: [] }), { ...FACTS, recommendations: 0 }, /recommends nothing/],
    [
      'with an error of its own',
      {},
      answered({ error: { code: 'offers_unavailable', message: 'x' } }, { status: 503 }),
      { status: 503, code: 'offers_unavailable' },
      /look at its log/,
    ],
    ['as somebody else', {}, answered({ status: 'ok' }), { content_type: 'application/json' }, /not the one of score/],
    ['in no JSON', {}, answered('<html>'), { content_type: 'application/json' }, /not the one of score/],
    [
      'not at all',
      {},
      { answered: false, reason: 'timeout', detail: 'as told', ms: 9 },
      { reason: 'timeout', requests: 1 },
      /in time/,
    ],
  ])('answers %s', async (_, spec, seen, expected, remedy) => {
    const { verdict } = await ask(spec, [seen]);
    expect(verdict).toMatchObject({ status: 'fail', evidence: expected, remedy: expect.stringMatching(remedy) });
  });

  test('one slow answer of five is the 95th percentile, one of twenty is not', async () => {
    const one = [told({}, 900), told()];
    expect((await ask({}, one)).verdict.status).toBe('fail');
    expect((await ask({ requests: 20 }, one)).verdict.status).toBe('pass');
  });

  test('a request that no router would send is refused when the suite is read', () => {
    expect(() => canaryScoreCheck.bind({ request: { gpu: 'a100' } }, TARGET)).toThrow();
  });
});
