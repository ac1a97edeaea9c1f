import { execFile } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Figures } from '#cli/wargame/measures/figures.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { testCases } from '#test/support/cases.ts';
import {
  isAlone,
  type JobOf,
  KIND_NAMES,
  type LearningJob,
  type ResultOf,
  runJob,
  secondsOf,
} from './learning/jobs/index.ts';
import { NOTES } from './learning/notes.ts';
import { GAME, jobsOf } from './learning/plan.ts';
import { createProgress } from './learning/progress.ts';
import { AIMS } from './learning/report/aims.ts';
import { learningReport } from './learning/report/index.ts';
import { type Measured, ofKind, openResults } from './learning/results.ts';
import { measure } from './learning/run.ts';
import { sourcesHash } from './learning/sources.ts';

const main = fileURLToPath(new URL('learning/main.ts', import.meta.url));
const bench = (...words: string[]) => promisify(execFile)(process.execPath, [main, ...words], { maxBuffer: 2 ** 24 });

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'aurora-learning-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

const game = (more: Partial<JobOf<'game'>> = {}): JobOf<'game'> => ({
  kind: 'game',
  market: 'default',
  seed: 1,
  decisions: 300,
  policies: ['tables'],
  ...GAME,
  ...more,
});

describe('the results', () => {
  const measured = { figures: {} };

  it('are known again by the next run, on the same code only', () => {
    const file = join(temporary(), 'new', 'results.jsonl');
    openResults(file, () => 'a').add(game(), measured, 2);
    expect(openResults(file, () => 'a').get(game())).toMatchObject({ seconds: 2, result: measured });
    expect(openResults(file, () => 'a').get(game({ seed: 2 }))).toBeUndefined();
    expect(openResults(file, () => 'b').get(game())).toBeUndefined();
  });

  it('survive a line that was cut, and so do those that come after it', () => {
    const file = join(temporary(), 'results.jsonl');
    openResults(file, () => 'a').add(game(), measured, 2);
    appendFileSync(file, readFileSync(file, 'utf8').slice(0, 40));
    const later = openResults(file, () => 'a');
    later.add(game({ seed: 2 }), measured, 3);
    const known = openResults(file, () => 'a');
    expect([known.get(game())?.seconds, known.get(game({ seed: 2 }))?.seconds]).toEqual([2, 3]);
  });

  it('depend on the code and the specs, not on the manuals', () => {
    const root = temporary();
    for (const folder of ['shared/learning', 'shared/rules', 'shared/domain', 'sim', 'cli/wargame', 'more'])
      mkdirSync(join(root, folder), { recursive: true });
    mkdirSync(join(root, 'test/bench/learning/jobs'), { recursive: true });
    writeFileSync(join(root, 'shared/defaults.ts'), '');
    const before = sourcesHash(root, []);
    const hashAfter = (path: string): string => {
      writeFileSync(join(root, path), 'changed');
      return sourcesHash(root, []);
    };
    expect(hashAfter('sim/README.md')).toBe(before);
    expect(hashAfter('more/agent.ts')).toBe(before);
    expect(sourcesHash(root, ['more'])).not.toBe(before);
    const market = hashAfter('sim/market.json');
    expect(market).not.toBe(before);
    expect(hashAfter('shared/learning/head.ts')).not.toBe(market);
  });
});

describe('the jobs', () => {
  const known = (jobs: readonly LearningJob[]): readonly string[] => jobs.map((job) => JSON.stringify(job));

  it('are each different, and those of the base run belong to the full one', () => {
    const [base, full] = [known(jobsOf('base')), known(jobsOf('full'))];
    expect(new Set(full).size).toBe(full.length);
    expect(base.filter((job) => !full.includes(job))).toEqual([]);
    expect(new Set(jobsOf('full').map(({ kind }) => kind))).toEqual(new Set(KIND_NAMES));
  });

  it.each([
    ['base', 20],
    ['full', 120],
  ] as const)('of the %s run fit into %d minutes on two threads, by what each took before', (scale, minutes) => {
    const seconds = jobsOf(scale).reduce((sum, job) => sum + secondsOf(job) / (isAlone(job) ? 1 : 2), 0);
    expect(seconds / 60).toBeLessThan(minutes);
  });

  it('run on threads, and what is known already is not run again', async () => {
    const results = openResults(join(temporary(), 'results.jsonl'), () => 'a');
    const jobs = [game({ market: 'second' }), game({ market: 'second', decisions_per_day: 100 })];
    const done: LearningJob[] = [];
    const run = () =>
      measure(jobs, {
        results,
        clock: hostClock,
        signal: new AbortController().signal,
        onTurn: () => undefined,
        onDone: (job) => done.push(job),
      });
    const known = await run();
    expect(await run()).toEqual(known);
    expect(done).toHaveLength(2);
    const [calm, slow] = ofKind(known, 'game').map(({ result }) => result.figures);
    expect([calm?.['rules']?.gap, calm?.['oracle']?.gap]).toEqual([0, 1]);
    expect(calm?.['tables']?.gap).not.toBe(slow?.['tables']?.gap);
  });

  it('end when they are stopped', async () => {
    const stopping = new AbortController();
    const running = measure([game({ decisions: 100_000 })], {
      results: openResults(join(temporary(), 'results.jsonl'), () => 'a'),
      clock: hostClock,
      signal: stopping.signal,
      onTurn: () => stopping.abort(new Error('enough')),
      onDone: () => undefined,
    });
    await expect(running).rejects.toThrow('enough');
  });

  it('find the provider that the oracle takes most, and let it fail', async () => {
    const world = { market: 'second', seed: 1, decisions: 900, policies: ['advertised'] } as const;
    const hit = (await runJob({ kind: 'outage', ...world, from: 300, to: 600 }, () => undefined)) as ResultOf<'outage'>;
    const calm = (await runJob(game(world), () => undefined)) as ResultOf<'game'>;
    expect(hit.provider).toMatch(/^[a-z]/);
    // The market has six providers.
    expect(hit.share).toBeGreaterThan(1 / 6);
    // 300 decisions at 40 an hour.
    expect(hit.hours).toBeCloseTo(7.5, 0);
    const worth = ({ figures }: typeof calm): number => figures['oracle']?.utility ?? Number.NaN;
    expect(worth(hit)).toBeLessThan(worth(calm));
    expect(hit.figures['oracle']?.recovery).toEqual([{ after_start: expect.any(Number), after_end: 0, ended: true }]);
  });
});

describe('the progress', () => {
  it('says what runs, what is done and how long it will take', () => {
    const [one, two] = [game(), game({ seed: 2 })];
    const progress = createProgress([one, two], 2);
    expect(progress.line(0)).toBe('0 of 2 jobs');
    progress.turn(one, 1);
    progress.turn(two, 0.5);
    expect(progress.line(30_000)).toMatch(/^1 of 2 jobs \| about 10 s left \| game default world 2, .*: 50 %$/);
  });
});

describe('the report', () => {
  const figures = (gap: number): Figures => ({
    utility: 0.3,
    gap,
    gap_by_window: [{ from: 2_000, to: 4_000, gap }],
    completed_share: 0.8,
    usd_per_completed_gpu_hour: 1,
    p95_latency_ms: 500,
    regret: 100,
    no_offer: 0,
    decisions_until_gap: { 50: 500, 80: null },
    recovery: [],
  });
  const played = (seed: number, gap: number, market = 'default'): Measured => ({
    key: `${market} ${seed}`,
    seconds: 60,
    job: game({ seed, market, policies: ['aurora'] }),
    result: { figures: { rules: figures(0), aurora: figures(gap), oracle: figures(1) } },
  });
  const report = (...all: Measured[]): string =>
    learningReport({
      all,
      command: 'npm run bench:learning',
      machine: { cpu: 'c', cores: 2, memoryGb: 4, node: 'v24', os: 'o', load: 1 },
      date: '2026-01-01',
      commit: 'abc',
      notes: { 'gap-2-4k': 'Tried everything.' },
    });

  it('holds the mean of the worlds against the aim, and says what was not measured', () => {
    const text = report(played(1, 0.8), played(2, 0.94));
    expect(text).toContain('| gap at 2-4k | 78 % | >= 85 % | 87.0 % (80.0 %): met | not measured |');
    expect(text).not.toContain('MISSED');
    expect(text).toContain('commit abc; 2 jobs, 2 minutes of work');
  });

  it('says of a missed aim what was tried', () => {
    const text = report(played(1, 0.8), played(1, 0.9, 'second'));
    expect(text).toContain('| 80.0 %: MISSED | 90.0 %: met |');
    expect(text).toContain('- **MISSED:** gap at 2-4k: default 80.0 %; the aim is >= 85 %. Tried everything.');
  });

  it('keeps notes of aims that there are', () => {
    const ids = AIMS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(Object.keys(NOTES).filter((id) => !ids.includes(id))).toEqual([]);
  });
});

it('says what it can do, and refuses what it cannot', async () => {
  const { stdout } = await bench('--help');
  for (const word of ['--full', '--only', '--quick', '--json', ...KIND_NAMES]) expect(stdout).toContain(word);
  await expect(bench('--only', 'x')).rejects.toMatchObject({ code: 2, stderr: expect.stringMatching(/^no jobs x; /) });
});

/** Half a minute of CPU: for `npm run test:deep`. */
it.runIf(testCases > 1_000)(
  'runs every job in a smoke run, which is kept nowhere',
  async () => {
    const { stdout } = await bench('--quick', '--json');
    const { scale, results } = JSON.parse(stdout) as { scale: string; results: readonly Measured[] };
    expect(scale).toBe('quick');
    expect(results.map(({ job }) => job)).toEqual(jobsOf('quick'));
    const stdio = results.find(({ job }) => job.kind === 'stdio')?.result as { answers: readonly string[] };
    expect(new Set(stdio.answers).size).toBe(1);
  },
  180_000,
);
