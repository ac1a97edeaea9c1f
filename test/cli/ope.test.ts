import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run, runJson } from './run.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'aurora-ope-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function logOf(name: string, lines: readonly unknown[]): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return path;
}

const row = (reward: number, propensity: number, target: number, more: object = {}): object => ({
  reward,
  propensity,
  target_probability: target,
  ...more,
});

it('answers every estimate, its interval and the weights', async () => {
  const modelled = { q_logged: 0.5, v_target: 0.6 };
  const log = await logOf('whole.jsonl', [
    row(1, 0.5, 0.75, modelled),
    row(0, 0.25, 0.5, modelled),
    '',
    row(1, 1, 1, modelled),
  ]);
  const { code, value } = await runJson<Record<string, unknown>>('ope', '--log', log);
  expect(code).toBe(0);
  // w: 1.5, 2, 1; w r: 1.5, 0, 1; v + w (r - q): 1.35, -0.4, 1.1.
  expect(value).toMatchObject({
    n: 3,
    estimators: {
      ips: { value: 2.5 / 3 },
      snips: { value: 2.5 / 4.5 },
      dm: { value: expect.closeTo(0.6, 12) },
      dr: { value: expect.closeTo(2.05 / 3, 12) },
      switch_dr: { value: expect.any(Number) },
    },
    ess: 4.5 ** 2 / 7.25,
    max_weight: 2,
    refused_total: 0,
  });
});

it('without a model says null for the estimates that lean on one', async () => {
  const log = await logOf('bare.jsonl', [row(1, 0.5, 0.5), row(0, 0.5, 0.5, { logger: 'a', segment: 'x' })]);
  const { value } = await runJson('ope', '--log', log);
  expect(value).toMatchObject({
    estimators: { dm: null, dr: null, switch_dr: null, ips: { value: 0.5 } },
    loggers: { a: 1 },
    segments: { x: { n: 1 } },
  });
});

it('refuses lines by number and evaluates the rest; the exit code says so', async () => {
  const log = await logOf('mixed.jsonl', [
    row(1, 0.5, 0.5),
    { reward: 1, target_probability: 0.5 },
    'not json',
    row(1, 0, 0.5),
    row(1, 1.5, 0.5),
    row(1, 0.5, -0.1),
    { ...row(1, 0.5, 0.5), reward: null },
    row(0, 0.5, 0.5),
  ]);
  const { code, value } = await runJson<{ n: number; refused: { line: number; message: string }[] }>(
    'ope',
    '--log',
    log,
  );
  expect(code).toBe(1);
  expect(value.n).toBe(2);
  expect(value.refused.map(({ line }) => line)).toEqual([2, 3, 4, 5, 6, 7]);
  expect(value.refused[0]?.message).toMatch(/propensity.*missing/);
});

it('says what is wrong with a log that gives nothing, and with one that is not there', async () => {
  const log = await logOf('none.jsonl', [{ reward: 1 }]);
  const none = await run('ope', '--log', log);
  expect(none.code).toBe(2);
  expect(none.err).toMatch(/line 1: .*propensity/);
  expect((await run('ope', '--log', join(directory, 'absent.jsonl'))).err).toMatch(/absent\.jsonl/);
  expect((await run('ope')).err).toMatch(/--log/);
  expect((await run('ope', '--log', log, '--resamples', '0')).err).toMatch(/--resamples/);
});

it('clips when asked to, and says how many', async () => {
  const log = await logOf('heavy.jsonl', [row(1, 0.01, 1), row(0, 1, 1)]);
  const { value } = await runJson('ope', '--log', log, '--clip', '10');
  expect(value).toMatchObject({ estimators: { ips: { value: 5 } }, max_weight: 100, clipped: 1 });
});

it('prints a table for people', async () => {
  const log = await logOf('people.jsonl', [row(1, 0.5, 0.5, { segment: 'gaming' }), row(0, 0.5, 0.5)]);
  const { out } = await run('ope', '--log', log);
  expect(out).toMatch(/estimator +value +95 % interval/);
  expect(out).toMatch(/dr +- +needs q_logged/);
  expect(out).toMatch(/segment gaming: 1 decisions/);
});
