import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';
import { loadMarketSpec, loadScenarioFor, loadScenarioSpec, parseMarketSpec } from '#sim/market/load-spec.ts';
import { createMarket } from '#sim/market/market.ts';
import { scenarioSpec } from '#sim/market/scenario.ts';
import { marketSpec } from '#sim/market/spec.ts';

const FOLDER = join(import.meta.dirname, 'bad-specs');
const README = readFileSync(join(import.meta.dirname, '../../sim/markets/README.md'), 'utf8');
const bad = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));

const messageOf = (load: () => unknown): string => {
  try {
    load();
  } catch (error) {
    if (error instanceof RejectedError && error.code === 'config_invalid') return error.message;
    throw error;
  }
  throw new Error('expected the spec to be refused');
};

describe('a bad spec', () => {
  // Each NAME.json is a market with one fault, NAME.txt the exact message.
  it.each(bad)('%s is refused with its message', (file) => {
    const expected = readFileSync(join(FOLDER, `${basename(file, '.json')}.txt`), 'utf8').trim();
    expect(messageOf(() => loadMarketSpec(join(FOLDER, file)))).toBe(expected);
  });

  it('that is not JSON is refused with the place', () => {
    const folder = mkdtempSync(join(tmpdir(), 'aurora-spec-'));
    try {
      const path = join(folder, 'cut.json');
      writeFileSync(path, '{"name": ');
      expect(messageOf(() => loadMarketSpec(path))).toBe('cut.json: expected JSON (Unexpected end of JSON input)');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('that does not exist is named', () => {
    expect(messageOf(() => loadMarketSpec('nowhere'))).toBe(
      'no market "nowhere"; there are default, second, or give the path of a JSON file',
    );
    expect(messageOf(() => loadScenarioSpec('nowhere'))).toBe(
      'no scenario "nowhere"; there are storm, or give the path of a JSON file',
    );
    expect(messageOf(() => loadScenarioSpec('./nowhere'))).toBe('./nowhere: cannot be read (ENOENT)');
  });

  it('of a scenario for another market is refused with what is sold there', () => {
    expect(messageOf(() => loadScenarioFor('storm', loadMarketSpec('second'), 1))).toMatch(
      /^scenario storm: events\[0\]: market second sells nothing of vast, any GPU type, any region; its providers: .*kestrelcloud/,
    );
    expect(loadScenarioFor('storm', loadMarketSpec('default'), 1).events).toHaveLength(6);
  });
});

describe('the documentation of the spec', () => {
  it('has an example that is a whole market', () => {
    const example = /```json\n(.*?)```/s.exec(README)?.[1];
    const market = createMarket({
      spec: parseMarketSpec(JSON.parse(example ?? ''), 'README.md'),
      seed: 1,
      deviation: 1,
    });
    expect(market.providers).toEqual(['bargainbin', 'dear&steady']);
  });

  it('names every key and every type of event', () => {
    const words = new Set<string>();
    const collect = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      for (const [key, value] of Object.entries(node)) {
        if (key === 'properties') for (const word of Object.keys(value as object)) words.add(word);
        if (key === 'const' || key === 'enum') for (const word of [value].flat()) words.add(String(word));
        collect(value);
      }
    };
    for (const schema of [marketSpec, scenarioSpec])
      collect(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
    expect(words.size).toBeGreaterThan(70);
    expect([...words].filter((word) => !README.includes(`\`${word}\``))).toEqual([]);
  });
});
