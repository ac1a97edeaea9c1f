/** The router as a whole, in a small world whose truth is known: who acts, since when, and why. */
import { describe, expect, it } from 'vitest';
import { LINEAR, RULES } from '#shared/domain/actor.ts';
import { EXPLORATION } from '#shared/learning/policy/thompson.ts';
import { createDriver, type Driver, type DriverStage } from '#shared/learning/stages/driver.ts';
import { createOffice } from '#shared/learning/stages/office.ts';
import { type Lived, live, type Truth } from '#test/support/stage-world.ts';

const RULES_WRONG: Truth = { cheap: 0.3, middle: 0.6, dear: 0.98 };
const RULES_RIGHT: Truth = { cheap: 0.98, middle: 0.6, dear: 0.3 };

const driverAt = (stage: DriverStage): Driver =>
  createDriver({ stage, exploration: EXPLORATION, seed: 1, train: null });
const shareOf = (lived: readonly Lived[], provider: string): number =>
  lived.filter((one) => one.provider === provider).length / lived.length;

describe('stage apprentice', () => {
  it('lets the rules act whatever the learner knows, and tries what the learner would do', async () => {
    const driver = driverAt('apprentice');
    const lived = await live(driver, { decisions: 800, seed: 1, truthAt: () => RULES_WRONG });
    expect(new Set(lived.map(({ ruling }) => `${ruling.mode} ${ruling.actor}`))).toEqual(new Set(['apprentice rules']));
    for (const { ruling } of lived) {
      const rules = ruling.candidates.findIndex(({ offer }) => offer.provider === 'cheap');
      expect(ruling.probabilities[rules]).toBeGreaterThan(0.95);
    }
    // Most of the exploration is the apprentice's, which knows by now.
    const late = lived.at(-1)?.ruling;
    const dear = late?.candidates.findIndex(({ offer }) => offer.provider === 'dear') ?? -1;
    expect(late?.probabilities[dear]).toBeGreaterThan(0.025);
    expect(driver.state().moves).toEqual([]);
  });
});

describe('stage online', () => {
  it('lets the learner act from the first decision', async () => {
    const lived = await live(driverAt('online'), { decisions: 400, seed: 2, truthAt: () => RULES_WRONG });
    expect(lived[0]?.ruling).toMatchObject({ mode: 'online', actor: LINEAR });
    expect(shareOf(lived.slice(200), 'dear')).toBeGreaterThan(0.9);
  });
});

describe('stage auto', () => {
  it('proves the learner on the record, then in turns with the rules, lets it act, and goes back when it earns less than it expects and less than they did', async () => {
    const driver = driverAt('auto');
    const lived = await live(driver, { decisions: 4_400, seed: 2, truthAt: () => RULES_WRONG });
    const { actor, moves, verdicts } = driver.state();
    expect(moves).toMatchObject([{ from: RULES, to: LINEAR, reason: expect.stringContaining('proved better') }]);
    expect(actor).toBe(LINEAR);
    expect(verdicts.map(({ verdict }) => verdict)).toContain('promote');
    const modes = lived.map(({ ruling }) => ruling.mode);
    expect([...new Set(modes)]).toEqual(['apprentice', 'switchback', 'online']);
    // In a trial both act, in blocks.
    const trial = lived.filter(({ ruling }) => ruling.mode === 'switchback');
    expect(new Set(trial.map(({ ruling }) => ruling.actor))).toEqual(new Set([RULES, LINEAR]));
    const turns = trial.filter(({ ruling }, i) => ruling.actor !== trial[i - 1]?.ruling.actor).length;
    expect(turns).toBeLessThan(trial.length / 10);
    expect(shareOf(lived.slice(-200), 'dear')).toBeGreaterThan(0.9);

    // From now on it is told that all is well.
    const deceived: Pick<Driver, 'decide' | 'hear'> = {
      decide: driver.decide,
      hear({ lesson, ...news }) {
        const well = { started: true, interrupted: false, exposureHours: 0.5, logPriceRatio: 0 };
        driver.hear({
          ...news,
          lesson: lesson.kind === 'final' ? { kind: 'final', seen: { ...lesson.seen, ...well } } : lesson,
        });
      },
    };
    await live(deceived, {
      decisions: 1_200,
      seed: 2,
      from: 4_400,
      truthAt: () => ({ cheap: 0.9, middle: 0.5, dear: 0.1 }),
    });
    expect(driver.state().moves.at(-1)).toMatchObject({
      from: LINEAR,
      to: RULES,
      reason: expect.stringMatching(/less than expected by .* and less than the rules had by/),
    });
    expect(driver.state().actor).toBe(RULES);
  }, 60_000);

  it('keeps the rules where they are right', async () => {
    const driver = driverAt('auto');
    await live(driver, { decisions: 2_100, seed: 5, truthAt: () => RULES_RIGHT });
    expect(driver.state()).toMatchObject({ actor: RULES, moves: [] });
  }, 60_000);

  it('is a function of what it was told', async () => {
    const run = async (): Promise<unknown> => {
      const driver = driverAt('auto');
      const lived = await live(driver, { decisions: 1_100, seed: 6, truthAt: () => RULES_WRONG });
      return [lived.map(({ ruling }) => ruling.probabilities), driver.state()];
    };
    expect(await run()).toEqual(await run());
  }, 60_000);
});

describe('the office', () => {
  it('is a stack: going back twice goes back two actors, naming one that was left returns to it', () => {
    const office = createOffice([LINEAR]);
    office.appoint('v1', 1, 'better');
    office.appoint('v2', 2, 'better still');
    office.back(3, 'worse');
    expect(office.holder()).toBe('v1');
    office.back(4, 'worse');
    expect(office.holder()).toBe(LINEAR);
    office.appoint('v2', 5, 'again');
    office.appoint(LINEAR, 6, 'after all');
    expect(office.stack()).toEqual([RULES, LINEAR]);
    office.back(7, 'worse');
    office.back(8, 'the rules never fall');
    expect([office.holder(), office.moves().length]).toEqual([RULES, 7]);
    expect(office.sinceMs()).toBe(7);
  });
});
