import { describe, expect, test } from 'vitest';
import { POLL_INTERVAL_MS, POSTERIOR_STALE_LIMIT_MS } from '#shared/defaults.ts';
import type { Control, Trial } from '#shared/domain/control.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { posteriorObject } from '#shared/learning/fast/learned-objects.ts';
import { EXPLORATION } from '#shared/learning/policy/thompson.ts';
import { armOf } from '#shared/learning/switchback/schedule.ts';
import { CONTROL_OBJECT } from '#shared/serving/control.ts';
import { servedPosterior } from '#test/support/learned.ts';
import { aModel } from '#test/support/model.ts';
import { FIVE_OFFERS, NOW } from '#test/support/route-house.ts';
import { scoreHouse } from '#test/support/score-house.ts';

const HOUR_MS = 3_600_000;
const TRIAL: Trial = {
  challenger: 'v1',
  start: rfc3339(NOW + HOUR_MS),
  block_ms: HOUR_MS,
  washout_ms: 0,
  seed: 3,
  arms: ['rules', 'v1'],
};
const THOMPSON = { kind: 'thompson', ...EXPLORATION };
const GREEDY = { kind: 'greedy', epsilon: 0 };

type House = Awaited<ReturnType<typeof scoreHouse>>;

/** A house with a version and both posteriors, that has heard of the control. */
async function under(changes: Partial<Control>, { aliased = null as 'champion' | 'apprentice' | null } = {}) {
  const house = await scoreHouse();
  await house.publish(aModel());
  await house.learned('linear', 'v1');
  if (aliased !== null) await house.name(aliased, 'v1');
  await house.control(changes);
  await house.app.start();
  return house;
}

/** To this instant, with offers of then; a look that the way there has begun ends first. */
async function goTo(house: House, atMs: number): Promise<void> {
  await house.clock.advance(atMs - house.clock.now() - 2 * POLL_INTERVAL_MS);
  await house.poll();
  await house.offer(FIVE_OFFERS);
  await house.poll();
}

const gauges = async ({ deps }: House): Promise<string> => deps.metrics.exposition();

describe('the learner on its own', () => {
  test('is shown beside the rules as soon as it knows something', async () => {
    const house = await scoreHouse();
    await house.app.start();
    expect(await house.ask()).toMatchObject({ mode: 'rules', model: null });
    await house.learned('linear');
    await house.poll();
    expect(await house.ask()).toMatchObject({
      mode: 'apprentice',
      model: { version: 'linear', stage: 'apprentice', statistics_age_s: POLL_INTERVAL_MS / 1000 },
      statistics_generation: '7',
      policy: { kind: 'for_apprentice' },
      fault: null,
    });
    await house.close();
  });

  test('acts in the stage online, from its first posterior on; until then the rules, who say why', async () => {
    const house = await scoreHouse({ stage: 'online' });
    await house.app.start();
    expect(await house.ask()).toMatchObject({
      mode: 'rules',
      model: null,
      fault: 'linear cannot act: the posterior of linear: it has not been written yet',
    });
    await house.learned('linear');
    await house.poll();
    const answer = await house.ask();
    expect(answer).toMatchObject({
      mode: 'online',
      arm: null,
      model: { version: 'linear', stage: 'online', age_s: POLL_INTERVAL_MS / 1000 },
      policy: THOMPSON,
      fault: null,
    });
    const utilities = answer.recommendations.map((one) => one.expected_utility ?? Number.NaN);
    expect(utilities).toEqual(utilities.toSorted((a, b) => b - a));
    expect(answer.recommendations[0]?.lead_variance).toBe(0);
    for (const one of answer.recommendations) expect(one.utility_variance).toBeGreaterThan(0);
    await house.close();
  });

  test('acts as the champion that the alias names', async () => {
    const house = await under({}, {});
    await house.name('champion', 'linear');
    await house.poll();
    expect(await house.ask()).toMatchObject({ mode: 'online', model: { version: 'linear' }, fault: null });
    await house.close();
  });
});

describe('what a person says', () => {
  test('stage apprentice: the rules act beside the champion', async () => {
    const house = await under({ stage: 'apprentice' }, { aliased: 'champion' });
    expect(await house.ask()).toMatchObject({ mode: 'apprentice', model: { version: 'v1', stage: 'apprentice' } });
    await house.close();
  });

  test('the kill switch: within one poll the rules act, alone; lifted, the champion acts again', async () => {
    const house = await under({}, { aliased: 'champion' });
    expect((await house.ask()).mode).toBe('online');
    await house.control({ kill: { by: 'ann', reason: 'a test', at: rfc3339(NOW) } });
    await house.poll();
    const answer = await house.ask();
    expect(answer).toMatchObject({ mode: 'rules', model: null, policy: { kind: 'epsilon_softened' }, fault: null });
    expect(await house.serving()).toMatchObject({ mode: 'rules', actor: 'rules', kill: { by: 'ann' } });
    expect(await gauges(house)).toContain('aurora_control_kill_switch 1');
    await house.control({});
    await house.poll();
    expect((await house.ask()).mode).toBe('online');
    await house.close();
  });

  test('a share: by the id of the decision, the others by the rules, with the figures of who is shown', async () => {
    const house = await under({ stage: 'online', share: 0.5 });
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => house.ask({ request_id: `r${i}`, include_features: true })),
    );
    const by = Map.groupBy(answers, ({ arm }) => arm);
    expect([...by.keys()].toSorted()).toEqual(['linear', 'rules']);
    expect(by.get('linear')?.length).toBeGreaterThan(70);
    expect(by.get('rules')?.length).toBeGreaterThan(70);
    for (const answer of by.get('linear') ?? []) expect(answer).toMatchObject({ mode: 'online', policy: THOMPSON });
    for (const answer of by.get('rules') ?? [])
      expect(answer).toMatchObject({ mode: 'rules', model: { version: 'linear', stage: 'apprentice' } });
    expect((await house.ask({ request_id: 'r7' })).arm).toBe(answers[7]?.arm);
    await house.close();
  });

  test('an incident: the best is taken while it is open, no longer', async () => {
    const until = NOW + 2 * HOUR_MS;
    const incident = { id: 'i1', reason: 'r', by: 'ann', from: rfc3339(NOW), until: rfc3339(until) };
    const house = await under({ stage: 'online', incidents: [incident] });
    const answer = await house.ask();
    expect(answer).toMatchObject({ mode: 'online', policy: GREEDY });
    expect(answer.recommendations.map(({ probability }) => probability)).toEqual([1, 0, 0, 0, 0]);
    expect(await gauges(house)).toContain('aurora_control_explore 0');
    await goTo(house, until - 1);
    expect((await house.ask()).policy).toEqual(GREEDY);
    await house.clock.advance(1);
    expect((await house.ask()).policy).toEqual(THOMPSON);
    expect(await gauges(house)).toContain('aurora_control_explore 1');
    await house.close();
  });

  test('what cannot be read changes nothing, and shows', async () => {
    const house = await under({ stage: 'online' });
    await house.objects.write(CONTROL_OBJECT, new TextEncoder().encode('{"stage":"apprentice"}'), {});
    await house.poll();
    expect((await house.ask()).mode).toBe('online');
    expect(await house.serving()).toMatchObject({ mode: 'online', fault: expect.stringContaining(CONTROL_OBJECT) });
    expect(await gauges(house)).toContain('aurora_score_model_faults 1');
    await house.control({ stage: 'apprentice' });
    await house.poll();
    expect(await house.serving()).toMatchObject({ mode: 'apprentice', fault: null });
    await house.close();
  });

  test('what cannot be read at the start may have pulled the kill switch: the rules act', async () => {
    const house = await scoreHouse({ stage: 'online' });
    await house.learned('linear');
    await house.objects.write(CONTROL_OBJECT, new TextEncoder().encode('{'), {});
    await house.app.start();
    expect(await house.ask()).toMatchObject({ mode: 'apprentice', model: { version: 'linear' } });
    expect(await house.serving()).toMatchObject({ actor: 'rules', fault: expect.stringContaining('control_invalid') });
    await house.close();
  });
});

describe('a trial', () => {
  test('begins at its instant, and its arms take turns by the block; who does not act is shown', async () => {
    const house = await under({ trial: TRIAL });
    expect(await house.ask()).toMatchObject({ mode: 'apprentice', arm: null });
    expect(await gauges(house)).toContain('aurora_control_trial_block -1');
    const arms: (string | null)[] = [];
    for (let block = 0; block < 8; block++) {
      await goTo(house, NOW + HOUR_MS * (block + 1));
      const answer = await house.ask();
      const { arm } = armOf(TRIAL, house.clock.now());
      expect(answer).toMatchObject({ mode: 'switchback', arm, model: { version: 'v1' }, fault: null });
      expect(answer.model?.stage).toBe(arm === 'v1' ? 'online' : 'apprentice');
      expect(answer.policy.kind).toBe(arm === 'v1' ? 'thompson' : 'epsilon_softened');
      expect(await house.serving()).toMatchObject({ mode: 'switchback', trial: { challenger: 'v1', arm, block } });
      arms.push(arm);
    }
    expect(await gauges(house)).toContain('aurora_control_trial_block 7');
    expect(await gauges(house)).toContain('aurora_score_mode_info{mode="switchback"} 1');
    expect(arms.filter((arm) => arm === 'v1')).toHaveLength(4);
    await house.close();
  });

  test('of a version that is not there: the rules act in its blocks and say why', async () => {
    const house = await under({ trial: { ...TRIAL, start: rfc3339(NOW - 1), arms: ['v9', 'v9'] } });
    expect(await house.ask()).toMatchObject({
      mode: 'apprentice',
      arm: 'rules',
      model: { version: 'linear', stage: 'apprentice' },
      fault: expect.stringMatching(/^v9 cannot act: v9: version_unknown: /),
    });
    expect(house.errors()).toHaveLength(1);
    await house.close();
  });
});

describe('a version without its posterior', () => {
  test('is shown by its network alone, and acts from its posterior on', async () => {
    const house = await scoreHouse();
    await house.publish(aModel());
    await house.name('champion', 'v1');
    await house.app.start();
    const before = await house.ask();
    expect(before).toMatchObject({
      mode: 'apprentice',
      model: { version: 'v1', stage: 'apprentice', statistics_age_s: null },
      statistics_generation: null,
      fault: 'v1 cannot act: the posterior of v1: it has not been written yet',
    });
    for (const one of before.recommendations)
      expect([one.utility_variance, one.lead_variance, typeof one.expected_utility]).toEqual([null, null, 'number']);
    await house.learned('v1');
    await house.poll();
    expect(await house.ask()).toMatchObject({ mode: 'online', model: { version: 'v1' }, fault: null });
    await house.close();
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['a damaged one', servedPosterior('v1').slice(0, -9), /artefact_corrupt|expected JSON/],
    ["another's", servedPosterior('linear'), /it is that of linear/],
  ])('%s is as good as none', async (_, bytes, why) => {
    const house = await scoreHouse();
    await house.publish(aModel());
    await house.name('champion', 'v1');
    await house.objects.write(posteriorObject('v1'), bytes, {});
    await house.app.start();
    expect(await house.ask()).toMatchObject({ mode: 'apprentice', fault: expect.stringMatching(why) });
    expect(await house.serving()).toMatchObject({ actor: 'rules', fault: expect.stringMatching(why) });
    await house.close();
  });

  test('a damaged newer one: the last valid one acts on', async () => {
    const house = await under({ stage: 'online' });
    await house.objects.write(posteriorObject('linear'), new TextEncoder().encode('{}'), {});
    await house.poll();
    expect(await house.ask()).toMatchObject({ mode: 'online', statistics_generation: '7' });
    await house.close();
  });
});

test('a posterior that nobody has renewed for a day does not act any more', async () => {
  const house = await under({ stage: 'online' });
  await goTo(house, NOW + POSTERIOR_STALE_LIMIT_MS);
  expect((await house.ask()).mode).toBe('online');
  await house.clock.advance(1);
  expect(await house.ask()).toMatchObject({
    mode: 'apprentice',
    model: { version: 'linear' },
    fault: `linear cannot act: its posterior is from ${rfc3339(NOW)}, the limit is ${rfc3339(NOW + 1)}`,
  });
  await house.learned('linear');
  await house.poll();
  expect((await house.ask()).mode).toBe('online');
  await house.close();
});
