import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Report } from '#cli/wargame/report.ts';
import { run, runJson, temporary } from './run.ts';

const SMALL = ['wargame', '--decisions', '600', '--seeds', '1,2', '--policies', 'tables,advertised'];

it('tells every figure of every policy, of each world, their mean and the worst', async () => {
  const { code, value } = await runJson<Report>(...SMALL);
  expect(code).toBe(0);
  expect(value).toMatchObject({
    market: 'default',
    decisions: 600,
    seeds: [1, 2],
    deviation: 1,
    slow_feedback: 1,
    events: [],
  });
  expect(Object.keys(value.policies)).toEqual(['rules', 'advertised', 'tables', 'oracle']);
  const { rules, tables, oracle } = value.policies;
  expect(rules?.mean.gap).toBe(0);
  expect(oracle?.mean).toMatchObject({ gap: 1, regret: 0, decisions_until_gap: { '95': 500 } });
  expect(tables?.worlds.map(({ seed }) => seed)).toEqual([1, 2]);
  expect(tables?.mean.gap_by_window.map(({ from, to }) => [from, to])).toEqual([[0, 500]]);
  expect(tables?.mean.gap).toBeGreaterThan(value.policies.advertised?.mean.gap ?? 1);
  const gaps = tables?.worlds.map(({ gap }) => gap ?? Number.NaN) ?? [];
  expect(tables?.worst.gap).toBe(Math.min(...gaps));
  expect(tables?.mean.gap).toBeCloseTo(gaps.reduce((sum, gap) => sum + gap, 0) / 2, 12);
  for (const figure of ['completed_share', 'usd_per_completed_gpu_hour', 'p95_latency_ms', 'utility'] as const)
    expect(tables?.mean[figure], figure).toEqual(expect.any(Number));
});

it('says the same bytes again', async () => {
  const words = ['wargame', '--decisions', '30', '--seeds', '1..2', '--market', 'second', '--json'];
  expect((await run(...words)).out).toBe((await run(...words)).out);
});

it('prints a table for each question, progress beside it', async () => {
  const { code, out } = await run(...SMALL, '--scenario', await stormAtHour(2));
  expect(code).toBe(0);
  expect(out).toMatch(/^default: 600 decisions in each of the worlds 1, 2; deviation 1, scenario gust\n/);
  expect(out).toMatch(/\npolicy +utility +gap +completed +USD\/GPU-hour +p95 latency ms +regret +no offer\n/);
  expect(out).toMatch(/\ntables +[\d.]+ +[-\d.]+ % +[\d.]+ % +[\d.]+ +\d+ +\d+ +\d+\n {2}worst /);
  expect(out).toMatch(/\ngap closed, by decisions\npolicy +0-500\nadvertised +[-\d.]+ %\n/);
  expect(out).toMatch(/\ndecisions until the gap over the last 500 reaches .*\npolicy +50 % +80 % +90 % +95 %\n/);
  expect(out).toMatch(/\nsilent degradation of vast, hours 2 to 4: .*\npolicy +after its start +after its end\n/);
});

it('plays the config of its manual', async () => {
  const manual = readFileSync(join(import.meta.dirname, '../../docs/operations/wargame.md'), 'utf8');
  const config = join(await temporary(), 'game.json');
  writeFileSync(config, /```json\n([\s\S]+?)```/.exec(manual)?.[1] ?? '');
  const { code, value } = await runJson<Report>('wargame', '--config', config, '--seeds', '2');
  expect(code).toBe(0);
  expect(value).toMatchObject({ market: 'second', decisions: 600, seeds: [2], slow_feedback: 2, scenario: 'fog' });
  expect(value.events).toHaveLength(1);
  expect(value.policies.tables?.mean.recovery).toEqual([
    { after_start: expect.toSatisfy(isCount), after_end: expect.toSatisfy(isCount), ended: true },
  ]);
});

it('draws the gap over decisions', async () => {
  const path = join(await temporary(), 'gap.svg');
  await run('wargame', '--decisions', '1000', '--seeds', '1,2', '--policies', 'tables,advertised', '--svg', path);
  const svg = readFileSync(path, 'utf8');
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  for (const word of ['advertised', 'tables', 'oracle', 'rules', 'worst to best world', 'market default', '500', '1k'])
    expect(svg).toContain(`${word}`);
  expect(svg.match(/<polyline/g)).toHaveLength(2);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

it('refuses before it plays what it could not write or read', async () => {
  const folder = await temporary();
  const unwritable = await run(...SMALL, '--svg', join(folder, 'not', 'there', 'gap.svg'));
  expect([unwritable.code, unwritable.err]).toEqual([2, expect.stringMatching(/^vm: .*not\/there/)]);
  expect(existsSync(join(folder, 'not'))).toBe(false);
  const usage = await run('wargame', '--decisions', 'many');
  expect([usage.code, usage.err]).toEqual([
    64,
    expect.stringMatching(/^vm: --decisions takes a whole number from 1 to 1000000/),
  ]);
  expect((await run('wargame', '--policies', 'chance')).code).toBe(64);
});

const isCount = (value: unknown): boolean => value === null || (Number.isInteger(value) && Number(value) >= 0);

async function stormAtHour(from: number): Promise<string> {
  const path = join(await temporary(), 'gust.json');
  const event = { type: 'silent_degradation', provider: 'vast', from_h: from, to_h: from + 2, factor: 0.1 };
  writeFileSync(path, JSON.stringify({ name: 'gust', description: '', events: [event] }));
  return path;
}
