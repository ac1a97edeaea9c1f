import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { runsDear } from '#test/support/dear.ts';
import { type CaseResult, figure, meetsAim } from './bench-case.ts';
import { CASES } from './cases/index.ts';
import { markdown } from './report.ts';
import { alternate } from './rounds.ts';
import { quantile } from './stats.ts';

interface Output {
  readonly quick: boolean;
  readonly machine: Readonly<Record<string, unknown>>;
  readonly cases: readonly { readonly name: string; readonly title: string; readonly result: CaseResult }[];
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

describe('the bench', () => {
  const bench = (...words: string[]) => promisify(execFile)(process.execPath, [here('main.ts'), ...words]);

  it('says what it can do: every option and every case, with examples', async () => {
    const { stdout } = await bench('--help');
    for (const word of ['--only', '--json', '--quick', 'npm run bench -- --quick', ...CASES.map(({ name }) => name)])
      expect(stdout).toContain(word);
    await expect(bench('--fast')).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('Usage:') });
    await expect(bench('--only', 'x')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^no case x; /),
    });
  });
});

/** Half a minute of a processor. */
describe.runIf(runsDear)('a smoke run of the bench', () => {
  let output: Output;
  let kept: readonly [string | null, string | null];
  const results = (): Promise<string | null> => readFile(here('RESULTS.md'), 'utf8').catch(() => null);

  beforeAll(async () => {
    const before = await results();
    const run = await promisify(execFile)(process.execPath, [here('main.ts'), '--quick', '--json'], {
      maxBuffer: 2 ** 24,
    });
    output = JSON.parse(run.stdout) as Output;
    kept = [before, await results()];
  }, 120_000);

  it('runs every case', () => {
    expect(output.cases.map(({ name }) => name)).toEqual(CASES.map(({ name }) => name));
    expect(output.quick).toBe(true);
    expect(Object.keys(output.machine)).toEqual(['cpu', 'cores', 'memoryGb', 'node', 'os', 'load']);
  });

  it('gives every figure a positive number, and a ratio where it has a baseline', () => {
    for (const { name, result } of output.cases) {
      expect(result.figures.length, name).toBeGreaterThan(0);
      expect(result.facts.length, name).toBeGreaterThan(0);
      for (const { name: line, value, baseline, ratio } of result.figures) {
        expect(value.median, `${name}: ${line}`).toBeGreaterThan(0);
        expect([value.low <= value.median, value.median <= value.high]).toEqual([true, true]);
        if (baseline !== null) expect(ratio, `${name}: ${line}`).toBeGreaterThan(0);
      }
    }
  });

  it('leaves the emulator out where there is none, and says so', { timeout: 120_000 }, async () => {
    const words = [here('main.ts'), '--only', 'ingest-cloud', '--quick', '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, words, { env: { PATH: '/nowhere' } });
    const result = (JSON.parse(stdout) as Output).cases[0]?.result;
    expect(result?.figures.map(({ name }) => name).join()).not.toContain('emulator');
    expect(result?.facts.join('\n')).toContain('the emulator’s push is left out: gcloud has no Pub/Sub emulator here');
  });

  it('leaves the results of the last full run alone', () => {
    expect(kept[1]).toEqual(kept[0]);
  });
});

describe('the figures', () => {
  const line = (aim: number, better: 'higher' | 'lower') =>
    figure({
      name: 'x',
      unit: 'ms',
      better,
      values: [3, 1, 2],
      baseline: { name: 'y', values: [6, 4, 1] },
      aim,
      tried: 'All.',
    });

  it('are medians of rounds, and ratios of pairs', () => {
    expect(line(1, 'higher')).toMatchObject({ value: { median: 2, low: 1, high: 3 }, ratio: 0.5 });
  });

  it.each([
    [2, 'higher', true],
    [3, 'higher', false],
    [2, 'lower', true],
    [1, 'lower', false],
  ] as const)('hold 2 against an aim of %d, %s is better: %s', (aim, better, met) => {
    expect(meetsAim(line(aim, better))).toBe(met);
  });

  it('say in the report what was missed and what was tried', () => {
    const report = (aim: number): string =>
      markdown({
        machine: { cpu: 'c', cores: 2, memoryGb: 4, node: 'v24', os: 'o', load: 1 },
        seconds: 60,
        date: '2026-01-01',
        cases: [{ name: 'n', title: 'T', result: { figures: [line(aim, 'higher')], facts: ['a fact'] } }],
      });
    expect(report(3)).toContain('- **Missed:** x: 2 ms, the aim is 3. All.');
    expect(report(2)).not.toContain('Missed');
    expect(report(2)).toContain('| x | 2 | 1 .. 3 | ms | y | 4 | 0.500x | >= 2: met |');
  });
});

describe('rounds', () => {
  it('warm up once and turn the order round each time', async () => {
    const order: string[] = [];
    const subject = (name: string) => () => order.push(name);
    const results = await alternate(2, { a: subject('a'), b: subject('b') });
    expect(order).toEqual(['a', 'b', 'a', 'b', 'b', 'a']);
    expect(results).toEqual({ a: [3, 6], b: [4, 5] });
  });
});

describe('a quantile', () => {
  it.each([
    [0, 1],
    [0.5, 3],
    [0.99, 5],
    [1, 5],
  ])('%d of 1 to 5 is %d', (q, expected) => {
    expect(quantile([5, 3, 1, 4, 2], q)).toBe(expected);
  });
});
