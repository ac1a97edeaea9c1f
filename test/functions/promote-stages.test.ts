import { beforeAll, describe, expect, test } from 'vitest';
import { LINEAR, RULES } from '#shared/domain/actor.ts';
import type { Trial } from '#shared/domain/control.ts';
import type { Decision } from '#shared/domain/decision.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { posteriorObject } from '#shared/learning/fast/learned-objects.ts';
import { armOf } from '#shared/learning/switchback/schedule.ts';
import { addLearnerVerdict, learnerVerdicts } from '#shared/registry/learner-verdicts.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { changeControl, controlHistory, readControl } from '#shared/serving/change-control.ts';
import { aModel, type ModelFixture } from '#test/support/model.ts';
import { anOutcome } from '#test/support/outcomes.ts';
import { MANY, promoteHouse, RECORD } from '#test/support/promote-house.ts';
import { decisionBehind, maturedMs } from '#test/support/record.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NOW = maturedMs(MANY) + 1_000;

/** Where it does not matter what there is to learn. */
const SOME = RECORD.slice(0, 320);

const said = (verdict: Verdict['verdict']): Verdict => ({
  verdict,
  reasons: ['so it is'],
  checks: [],
  metrics: {},
  decided_at: rfc3339(NOW),
  compared_with: null,
});

let v2: ModelFixture;
beforeAll(() => {
  v2 = aModel({ version: 'v2', hidden: [2] });
});

type House = ReturnType<typeof promoteHouse>;

/** A version that passed the gate, heard of in stage auto. */
async function passed(record = SOME): Promise<House> {
  const house = promoteHouse(record, 'auto');
  await house.publish(v2);
  await house.registry.writeVerdict('v2', said('promote'));
  await learnt(house, 'v2');
  expect(await house.hear(v2)).toBe(204);
  return house;
}
/** That a learner could act is all that promote wants to know of it. */
const learnt = (house: House, name: string) => house.objects.write(posteriorObject(name), new Uint8Array([1]), {});
const depsOf = ({ objects, clock }: House) => ({ objects, worldClock: clock, stage: 'auto' }) as const;
const controlOf = async (house: House) => (await readControl(depsOf(house))).control;
const logOf = async (house: House) =>
  (await controlHistory(depsOf(house))).map(({ change, by, reason }) => ({ ...change, by, reason }));

/** `completes(arm)` of the runs of each arm, over the first blocks of a trial; then all of them are over. */
async function run(
  house: House,
  trial: Trial,
  blocks: number,
  completes: (arm: string) => number,
  perBlock = 15,
): Promise<void> {
  const startMs = Date.parse(trial.start);
  const everyMs = trial.block_ms / perBlock;
  const endMs = startMs + blocks * trial.block_ms;
  let index = 0;
  for (let atMs = startMs; atMs < endMs; atMs += everyMs, index++) {
    const base = RECORD[index % RECORD.length] as (typeof RECORD)[number];
    const { arm } = armOf(trial, atMs);
    // As even as can be: the blocks of an arm differ by little.
    const completed = Math.floor((index + 1) * completes(arm)) > Math.floor(index * completes(arm));
    const outcome = anOutcome({
      ...base,
      decision_id: `t${index}`,
      decided_at: rfc3339(atMs),
      observed_at: rfc3339(atMs + 62 * MINUTE_MS),
      status: completed ? 'completed' : 'failed_to_start',
      ready_ms: completed ? MINUTE_MS : null,
      cost_usd: 0,
    });
    house.outcomes.add([outcome], atMs + 62 * MINUTE_MS);
    const decision: Decision = { ...decisionBehind(base), decision_id: `t${index}`, decided_at: rfc3339(atMs) };
    house.outcomes.decide([{ ...decision, mode: 'switchback', arm }], atMs);
  }
  await house.clock.advance(endMs + 2 * HOUR_MS - house.clock.now());
}
const challengerBy = (difference: number) => (arm: string) => (arm === 'v2' ? 0.5 + difference : 0.5);

async function begun(record = SOME): Promise<{ readonly house: House; readonly trial: Trial }> {
  const house = await passed(record);
  expect(await house.tick()).toBe(200);
  const { trial } = await controlOf(house);
  if (trial === null) throw new Error('expected a trial');
  return { house, trial };
}

describe('in stage auto', () => {
  test('who passed the gate is apprentice, then on trial against the rules, and not champion', async () => {
    const { house, trial } = await begun();
    expect([await house.head('champion'), await house.head('apprentice')]).toEqual([null, 'v2']);
    expect(trial).toMatchObject({ challenger: 'v2', arms: [RULES, 'v2'] });
    // Every instance has heard of it by then.
    expect(Date.parse(trial.start)).toBeGreaterThan(house.clock.now());
    expect(await logOf(house)).toMatchObject([{ kind: 'trial', by: 'promote', reason: 'so it is' }]);
  });

  test('proved better it is champion, and the trial is over', async () => {
    const { house, trial } = await begun();
    await run(house, trial, 20, challengerBy(0.3));
    expect(await house.tick()).toBe(200);
    expect(await house.head('champion')).toBe('v2');
    expect((await controlOf(house)).trial).toBeNull();
    expect((await logOf(house)).at(-1)).toMatchObject({ trial: null, reason: expect.stringMatching(/^proved better/) });
    expect(house.bus.payloads('model-promoted').at(-1)).toMatchObject({
      alias: 'champion',
      version: 'v2',
      verdict: 'promote',
      reason: expect.stringMatching(/^proved better: uplift 0\.\d+ .* over 10 pairs/),
    });
    // It is not tried against itself.
    expect(await house.tick()).toBe(200);
    expect((await controlOf(house)).trial).toBeNull();
  });

  test('worse it stays apprentice, and has no other trial until the record is twice as long', async () => {
    const { house, trial } = await begun();
    await run(house, trial, 8, challengerBy(-0.3));
    for (let i = 0; i < 3; i++) expect(await house.tick()).toBe(200);
    expect([await house.head('champion'), await house.head('apprentice')]).toEqual([null, 'v2']);
    expect((await controlOf(house)).trial).toBeNull();
    expect((await logOf(house)).at(-1)).toMatchObject({ trial: null, reason: expect.stringMatching(/^worse/) });
    house.outcomes.add(
      SOME.map((outcome) => ({ ...outcome, decision_id: `again-${outcome.decision_id}` })),
      house.clock.now(),
    );
    expect(await house.tick()).toBe(200);
    expect((await controlOf(house)).trial).toBeNull();
    await house.clock.advance(1_000);
    house.outcomes.add(
      SOME.map((outcome) => ({ ...outcome, decision_id: `more-${outcome.decision_id}` })),
      house.clock.now(),
    );
    expect(await house.tick()).toBe(200);
    expect((await controlOf(house)).trial).toMatchObject({ challenger: 'v2' });
  });

  test('with nothing to tell it goes on', async () => {
    const { house, trial } = await begun();
    await run(house, trial, 8, challengerBy(0));
    expect(await house.tick()).toBe(200);
    expect((await controlOf(house)).trial).toEqual(trial);
  });

  test('who is judged meanwhile waits for the end', async () => {
    const { house, trial } = await begun();
    const training = { ...v2.manifest.training, watermark: '2027-01-01T00:00:00.000Z' };
    const v3 = { ...v2, manifest: { ...v2.manifest, version: 'v3', training } };
    await house.publish(v3);
    await learnt(house, 'v3');
    await house.registry.writeVerdict('v3', { ...said('promote'), decided_at: rfc3339(house.clock.now() + 1) });
    expect(await house.hear(v3)).toBe(204);
    expect([await house.head('champion'), await house.head('apprentice')]).toEqual([null, 'v2']);
    await run(house, trial, 8, challengerBy(-0.3));
    expect(await house.tick()).toBe(200);
    expect(await house.tick()).toBe(200);
    expect(await house.head('apprentice')).toBe('v3');
    expect(await house.tick()).toBe(200);
    expect((await controlOf(house)).trial).toMatchObject({ challenger: 'v3' });
  });

  test.each(['stage', 'kill'] as const)('a person’s word (%s) gives it up', async (kind) => {
    const { house } = await begun();
    const change = kind === 'stage' ? { kind, stage: 'apprentice' as const } : { kind };
    await changeControl(depsOf(house), { change, by: 'ann', reason: 'enough' });
    expect(await house.tick()).toBe(200);
    expect((await controlOf(house)).trial).toBeNull();
    expect((await logOf(house)).at(-1)).toMatchObject({ reason: expect.stringMatching(/^given up/) });
  });

  test('the learner on its own is judged as the record grows, and a verdict is kept of each look', async () => {
    const house = promoteHouse(RECORD, 'auto');
    expect(await house.tick()).toBe(200);
    const [first] = await learnerVerdicts(house.objects, 10);
    expect(first).toMatchObject({ sequence: 1, ended: MANY, compared_with: null });
    // What there is to learn here takes a network.
    expect(first?.verdict).not.toBe('promote');
    expect(await house.tick()).toBe(200);
    expect(await learnerVerdicts(house.objects, 10)).toHaveLength(1);
    await learnt(house, LINEAR);
    await addLearnerVerdict(house.objects, 1, { ...said('promote'), ended: MANY });
    expect(await house.tick()).toBe(200);
    expect((await controlOf(house)).trial).toMatchObject({ arms: [RULES, LINEAR] });
  });
});

/** As a trial that was won would. */
const appoint = (house: House) =>
  house.registry.moveAlias('champion', {
    version: 'v2',
    by: 'promote',
    reason: 'x',
    verdict: 'promote',
    forced: false,
  });

/** Decisions of an actor that expects much and gets nothing, after those of the rules, who were right half of the time. */
function disappoint(house: House, actor: string): void {
  const startMs = house.clock.now();
  for (let index = 0; index < 310; index++) {
    const base = RECORD[index] as (typeof RECORD)[number];
    const atMs = startMs + index * MINUTE_MS;
    const id = `x${index}`;
    const { candidates, ...decision } = decisionBehind(base);
    // As often as it says: of twenty, eighteen times the first.
    const taken = index % 20 === 5 ? 1 : index % 20 === 15 ? 2 : 0;
    const { offer_id, provider, features } = candidates[taken] as (typeof candidates)[number];
    const propensity = taken === 0 ? 0.9 : 0.05;
    const outcome = { ...base, offer_id, provider, features, propensity };
    house.outcomes.add(
      [
        {
          ...outcome,
          decision_id: id,
          decided_at: rfc3339(atMs),
          observed_at: rfc3339(atMs + MINUTE_MS),
          status: 'failed_to_start',
          blame: 'provider',
          ready_ms: null,
        },
      ],
      atMs + MINUTE_MS,
    );
    house.outcomes.decide(
      [
        {
          ...decision,
          decision_id: id,
          decided_at: rfc3339(atMs),
          mode: 'online',
          model_version: actor,
          final_offer_id: offer_id,
          final_provider: provider,
          propensity,
          candidates: candidates.map((candidate, i) => ({
            ...candidate,
            probability: i === 0 ? 0.9 : 0.05,
            expected_utility: 0.8,
          })),
        },
      ],
      atMs,
    );
  }
  house.outcomes.add([{ ...(RECORD[0] as (typeof RECORD)[number]), decision_id: 'last' }], startMs + 24 * HOUR_MS);
}

describe('what acts', () => {
  test('goes back to whoever acted before, when the rules earned more, and is not tried again at once', async () => {
    const house = await passed();
    await appoint(house);
    disappoint(house, 'v2');
    await house.clock.advance(24 * HOUR_MS);
    expect(await house.tick()).toBe(200);
    expect(await house.head('champion')).toBeNull();
    expect(house.bus.payloads('model-promoted').at(-1)).toMatchObject({
      version: null,
      previous_version: 'v2',
      reason: expect.stringMatching(/^it earned less than expected by 1\.\d+ .* less than the rules had by 1\.\d+/),
    });
    for (let i = 0; i < 3; i++) expect(await house.tick()).toBe(200);
    expect((await controlOf(house)).trial).toBeNull();
  });

  test('stays while it earns what it expects', async () => {
    const house = await passed();
    await appoint(house);
    await house.clock.advance(24 * HOUR_MS);
    expect(await house.tick()).toBe(200);
    expect(await house.head('champion')).toBe('v2');
  });

  test('the learner on its own, in stage online, makes way for the rules until it is proved', async () => {
    const house = promoteHouse(RECORD, 'online');
    disappoint(house, LINEAR);
    await house.clock.advance(24 * HOUR_MS);
    expect(await house.tick()).toBe(200);
    expect(await controlOf(house)).toMatchObject({ stage: 'auto' });
    expect(await logOf(house)).toMatchObject([
      { kind: 'stage', by: 'promote', reason: expect.stringMatching(/^linear: /) },
    ]);
  });
});

describe('killed at any step', () => {
  const SHORT = RECORD.slice(0, 50);
  /** It is lived through again for every step. */
  const FEW_A_BLOCK = 5;
  const ways: Readonly<Record<string, () => Promise<House>>> = {
    'beginning a trial': () => passed(SHORT),
    'a victory': async () => {
      const { house, trial } = await begun(SHORT);
      await run(house, trial, 20, challengerBy(0.3), FEW_A_BLOCK);
      return house;
    },
    'a defeat': async () => {
      const { house, trial } = await begun(SHORT);
      await run(house, trial, 8, challengerBy(-0.3), FEW_A_BLOCK);
      return house;
    },
    'the way back': async () => {
      const house = await passed(SHORT);
      await appoint(house);
      disappoint(house, 'v2');
      await house.clock.advance(24 * HOUR_MS);
      return house;
    },
  };
  /** Where a house stands, without what depends on how often it was asked. */
  const standing = async (house: House) => ({
    champion: (await house.registry.aliasHistory('champion')).map(({ version, reason }) => [version, reason]),
    apprentice: await house.head('apprentice'),
    control: await controlOf(house),
    log: await logOf(house),
    announced: house.bus.distinct('model-promoted').length,
  });

  test.each(Object.entries(ways))('%s: the next ticks end where an undisturbed one does', async (_, way) => {
    const undisturbed = await way();
    for (let i = 0; i < 2; i++) await undisturbed.tick();
    const expected = await standing(undisturbed);
    let deaths = 0;
    // Before a call the stores are as after the one before it.
    for (let step = 1; ; step++) {
      const house = await way();
      house.deaths.killAt(step, 'after');
      await house.tick();
      const died = house.deaths.revive();
      for (let i = 0; i < 2; i++) expect(await house.tick()).toBe(200);
      expect(await standing(house)).toEqual(expected);
      if (!died) break;
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(20);
  });
});
