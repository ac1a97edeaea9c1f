import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Settings, settingsOf } from '#cli/wargame/config.ts';
import { RejectedError } from '#shared/errors.ts';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import { temporary } from './run.ts';

const ofFile = async (config: unknown, options = {}): Promise<Settings> => {
  const path = join(await temporary(), 'game.json');
  writeFileSync(path, typeof config === 'string' ? config : JSON.stringify(config));
  return settingsOf(path, options);
};
const refusal = async (make: () => unknown): Promise<string> => {
  try {
    await make();
  } catch (error) {
    if (error instanceof RejectedError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('expected a refusal');
};

describe('a config', () => {
  it('of nothing is the default game', () => {
    const { game, scenario } = settingsOf(null, {});
    expect(scenario).toBeNull();
    expect({ ...game, spec: game.spec.name }).toEqual({
      spec: 'default',
      decisions: 10_000,
      seeds: [1, 2, 3],
      policies: ['rules', 'advertised', 'tables', 'aurora', 'oracle'],
      deviation: 1,
      slowFeedback: 1,
      scenario: null,
    });
  });

  it('says seeds as ranges, lists or both', () => {
    const seeds = (given: unknown): readonly number[] => settingsOf(null, { seeds: given }).game.seeds;
    expect(seeds('1..5')).toEqual([1, 2, 3, 4, 5]);
    expect(seeds('7')).toEqual([7]);
    expect(seeds('1,4..6')).toEqual([1, 4, 5, 6]);
    expect(seeds([3, 1])).toEqual([3, 1]);
  });

  it('is overruled by options, key by key', async () => {
    const { game } = await ofFile({ decisions: 5, seeds: '4', deviation: 0.5 }, { seeds: '2..3', slow_feedback: 20 });
    expect(game).toMatchObject({ decisions: 5, seeds: [2, 3], deviation: 0.5, slowFeedback: 20 });
  });

  it('holds markets and scenarios whole, or names their files as seen from its own place', async () => {
    const spec = { ...loadMarketSpec('second'), name: 'mine' };
    const event = { type: 'outage', provider: 'kestrelcloud', from_h: 1, to_h: 2 };
    const scenario = { name: 'calm-then-not', description: '', events: [event] };
    const whole = await ofFile({ market: spec, scenario });
    expect([whole.game.spec.name, whole.scenario?.name, whole.game.scenario]).toEqual([
      'mine',
      'calm-then-not',
      [event],
    ]);

    const folder = await temporary();
    mkdirSync(join(folder, 'specs'));
    writeFileSync(join(folder, 'specs', 'mine.json'), JSON.stringify(spec));
    writeFileSync(join(folder, 'calm.json'), JSON.stringify(scenario));
    writeFileSync(join(folder, 'game.json'), JSON.stringify({ market: 'specs/mine.json', scenario: './calm.json' }));
    const byPath = settingsOf(join(folder, 'game.json'), {});
    expect([byPath.game.spec.name, byPath.scenario?.name]).toEqual(['mine', 'calm-then-not']);
  });

  it.each<[unknown, string]>([
    [{ decision: 5 }, 'config_invalid: game.json: Unrecognized key: "decision"'],
    [{ decisions: 0 }, 'config_invalid: game.json: decisions: Too small: expected number to be >=1'],
    [{ decisions: '5' }, 'config_invalid: game.json: decisions: Invalid input: expected number, received string'],
    [{ seeds: '5..1' }, 'config_invalid: game.json: seeds: expected at least one seed; a range goes upwards'],
    [{ seeds: '1..999999999' }, 'config_invalid: game.json: seeds: expected at most 100 worlds'],
    [{ seeds: 'all' }, 'config_invalid: game.json: seeds: expected seeds such as "1..5", "1,2" or [1, 2]'],
    [{ seeds: [1, 2, 1] }, 'config_invalid: game.json: seeds: expected each seed once'],
    [
      { policies: 'aurora,chance' },
      'config_invalid: game.json: policies[1]: Invalid option: expected one of "rules"|"advertised"|"tables"|"network"|"linear"|"both"|"aurora"|"auto"|"oracle"',
    ],
    [{ slow_feedback: 0.5 }, 'config_invalid: game.json: slow_feedback: Too small: expected number to be >=1'],
    [
      { market: 5 },
      'config_invalid: game.json: market: expected a name, the path of a JSON file, or what such a file says',
    ],
    [
      {
        scenario: {
          name: 'x',
          description: '',
          events: [{ type: 'outage', provider: 'vast', from_h: 0, to_h: 1, factor: 2 }],
        },
      },
      'config_invalid: scenario: events[0]: Unrecognized key: "factor"',
    ],
    [
      { market: 'nowhere' },
      'config_invalid: no market "nowhere"; there are default, second, or give the path of a JSON file',
    ],
    [
      '{',
      "config_invalid: game.json: expected JSON (Expected property name or '}' in JSON at position 1 (line 1 column 2))",
    ],
  ])('%j is refused, and why', async (config, message) => {
    expect(await refusal(() => ofFile(config))).toBe(message);
  });

  it('names what a market inside it does wrong, and a scenario of another market', async () => {
    const spec = loadMarketSpec('second');
    expect(await refusal(() => ofFile({ market: { ...spec, speed: 1 } }))).toBe(
      'config_invalid: market: Unrecognized key: "speed"',
    );
    expect(await refusal(() => ofFile({ market: 'second', scenario: 'storm' }))).toMatch(
      /^config_invalid: scenario storm: events\[0\]: market second sells nothing of vast/,
    );
  });

  it('of options is refused by the name of the option', async () => {
    expect(await refusal(() => settingsOf(null, { seeds: 'all' }))).toBe(
      'usage: --seeds: expected seeds such as "1..5", "1,2" or [1, 2], got "all"',
    );
    expect(await refusal(() => settingsOf(null, { policies: 'chance' }))).toMatch(/^usage: --policies: .*"chance"$/);
    expect(await refusal(() => settingsOf('/nowhere/game.json', {}))).toBe(
      'config_invalid: /nowhere/game.json: cannot be read (ENOENT)',
    );
  });
});
