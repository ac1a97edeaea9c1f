import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { scoreAnswer } from '#shared/domain/score.ts';
import { ERROR_CATALOGUE } from '#shared/errors.ts';
import { runsDear } from '#test/support/dear.ts';
import { launchUp, untilUp } from '#test/system/running-stack.ts';
import { prepareState } from './prepared-state.ts';
import { emptyState, run, runJson, temporary, untilStatus } from './run.ts';

/** One state, and a backup of it: the same commands on both, one while a stack runs, the other while none does. */
let base: string;
let original: string;
let copy: string;
let version: string;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'aurora-commands-'));
  [original, copy] = [join(base, 'original'), join(base, 'copy')];
  version = await prepareState(original);
  const { code, out } = await run('backup', copy, '--dir', original);
  expect({ code, out }).toEqual({ code: 0, out: `copied to ${copy}; start from it with: vm up --dir ${copy}\n` });
}, 60_000);
afterAll(() => rm(base, { recursive: true, force: true }));

type Json = Record<string, unknown>;

/** What differs by the moment, not by the way. */
const MOMENT = new Set(['world_time', 'backlog', 'at', 'promoted_at', 'serving']);
const timeless = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, inner: unknown) => {
      if (MOMENT.has(key)) return undefined;
      return key === 'learners' ? (inner as Json[]).map(asLearnt) : inner;
    }),
  );
/** A stack that runs writes a learner's statistics again, with nothing new in them. */
const asLearnt = ({ generation: _generation, written_at: _writtenAt, ...learnt }: Json): Json => learnt;
const WRITTEN = { generation: expect.stringMatching(/^[1-9]\d*$/), written_at: expect.stringMatching(/Z$/) };

/** Every command, in an order in which each finds something to do. Checks what it answers; gives it back for comparison. */
async function useAll(directory: string): Promise<unknown[]> {
  const transcript: unknown[] = [];
  const ask = async <T = Json>(code: number, ...words: string[]): Promise<T> => {
    const given = await runJson<T>(...words, '--dir', directory);
    expect(given.code, words.join(' ')).toBe(code);
    transcript.push({ words, ...given, value: timeless(given.value) });
    return given.value;
  };
  const refused = async (error: string, code: number, ...words: string[]): Promise<void> => {
    expect(await ask(code, ...words), words.join(' ')).toMatchObject({
      error: { code: error, message: expect.stringMatching(/.{10}/), remedy: expect.stringMatching(/.{5}/) },
    });
  };

  expect(await ask(0, 'train')).toMatchObject({
    report: { result: 'known', version },
    verdict: { verdict: 'not-enough-evidence' },
  });
  expect(await ask(0, 'status')).toMatchObject({
    decisions: { accepted: 78, distinct: 78 },
    outcomes: { accepted: 75, distinct: 75 },
    rejected: 2,
    dead_letters: 1,
    latest_model: { version, verdict: 'not-enough-evidence', stage: 'apprentice' },
    champion: null,
    learners: [
      { name: 'linear', observations: 75, ...WRITTEN },
      // All that there is had arrived when it was trained: of its training's rows it knows what was predicted without them.
      { name: version, observations: 75, ...WRITTEN },
    ],
  });
  expect(await ask<Json[]>(0, 'models', 'list')).toMatchObject([
    { kind: 'version', version, rows: 75, verdict: 'not-enough-evidence', stage: 'apprentice' },
    { kind: 'learner', version: 'linear', verdict: null, stage: null },
  ]);
  expect(await ask(0, 'models', 'show', version)).toMatchObject({
    manifest: { version, training: { rows: 75 } },
    verdict: { verdict: 'not-enough-evidence' },
  });
  await refused('version_unknown', 2, 'models', 'show', 'v0');
  expect(await ask(0, 'models', 'reproduce', version)).toMatchObject({ version, reproduced: true, rows: 75 });
  await refused('version_unknown', 2, 'models', 'reproduce', 'v0');
  expect(await ask<Json[]>(0, 'models', 'history', 'apprentice')).toMatchObject([
    { sequence: 1, version, forced: false },
  ]);
  expect(await ask(0, 'models', 'history')).toEqual([]);

  await refused('version_unknown', 2, 'models', 'promote', 'v0', '--reason', 'why not');
  await refused('promotion_refused', 2, 'models', 'promote', version, '--reason', 'why not');
  await refused('reason_required', 2, 'models', 'promote', version, '--force');
  const promoted = { sequence: 1, version, forced: true, reason: 'a trial', verdict: 'not-enough-evidence' };
  expect(await ask(0, 'models', 'promote', version, '--force', '--reason', 'a trial')).toMatchObject(promoted);
  expect(await ask<Json[]>(0, 'models', 'history')).toMatchObject([promoted]);
  expect(await ask(0, 'status')).toMatchObject({ champion: { version }, latest_model: { version, stage: 'online' } });
  await refused('reason_required', 2, 'models', 'rollback');
  const back = { sequence: 2, version: null, previous_version: version, reason: 'it was one' };
  expect(await ask(0, 'models', 'rollback', '--reason', 'it was one')).toMatchObject(back);
  expect(await ask<Json[]>(0, 'models', 'history', 'champion')).toMatchObject([promoted, back]);
  await refused('version_unknown', 2, 'models', 'rollback', '--reason', 'again');

  const [letter] = await ask<{ messageId: string }[]>(0, 'dlq', 'list');
  expect(letter).toMatchObject({ sourceSubscription: 'ingest-routing-decisions', deliveryAttempts: 1 });
  const shown = await ask<{ data: string }>(0, 'dlq', 'show', letter?.messageId ?? '');
  expect(JSON.parse(shown.data)).toMatchObject({ decision_id: 'given-up' });
  await refused('not_found', 2, 'dlq', 'show', '999999');
  expect(await ask(1, 'dlq', 'replay', '999999')).toEqual({ replayed: 0, unknown: ['999999'] });

  const rejects = await ask<{ event_id: string; reason: string }[]>(0, 'rejected', 'list');
  const [readable, never] = [true, false].map((older) =>
    rejects.find(({ reason }) => reason.includes('older') === older),
  );
  await refused('event_invalid', 2, 'rejected', 'replay', never?.event_id ?? '');
  await refused('not_found', 2, 'rejected', 'replay', 'nothing');
  expect(await ask(0, 'rejected', 'replay', readable?.event_id ?? '')).toMatchObject({ topic: 'routing-decisions' });
  expect(await ask(0, 'dlq', 'replay', '--all')).toEqual({ replayed: 1, unknown: [] });
  await untilStatus(directory, ({ decisions }) => decisions.distinct === 80);
  const { value } = await runJson('status', '--dir', directory);
  expect(value).toMatchObject({ dead_letters: 0, rejected: 2 });
  return transcript;
}

/** The same for people. */
async function readAll(directory: string): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const words of [
    'models list',
    `models show ${version}`,
    'models history apprentice',
    'dlq list',
    'rejected list',
  ]) {
    const { code, out, err } = await run(...words.split(' '), '--dir', directory);
    expect({ code, err }, words).toEqual({ code: 0, err: '' });
    texts[words] = out;
  }
  return texts;
}

describe('every command', () => {
  it.skipIf(!runsDear)('answers the same whether a stack runs on the state or not', { timeout: 120_000 }, async () => {
    const quietTexts = await readAll(original);
    expect(quietTexts['models list']).toMatch(
      /^VERSION +TRAINED +ROWS +VERDICT +STAGE\nv[0-9a-f]{16} .* 75 +not-enough-/,
    );
    expect(quietTexts[`models show ${version}`]).toMatch(
      /verdict +not-enough-evidence \(compared with the base rates\)\n\n {2}- holdout: 15 rows[\s\S]*\n\nCHECK /,
    );
    expect(quietTexts['models history apprentice']).toContain(` ${version} `);
    expect(quietTexts['dlq list']).toMatch(/^ID +PUBLISHED .*\n\d+ +\S+Z +ingest-routing-decisions +1 /);
    expect(quietTexts['rejected list']).toMatch(/^ID +AT .*\n[0-9a-f]{32} .*event_invalid/);
    expect((await run('status', '--dir', original)).out).toMatch(
      /decisions +78 distinct of 78 accepted\noutcomes +75 distinct of 75 accepted\nfallbacks +0 .*\nrejected +2\ndead letters +1\n/,
    );

    const launched = launchUp(copy, { speed: '1' });
    try {
      const stack = await untilUp(launched);
      await expectApprentice(stack.url);
      expect(await readAll(copy)).toEqual(quietTexts);
      const running = await useAll(copy);
      expect(await stack.stop()).toBe(0);
      expect(await useAll(original)).toEqual(running);
    } finally {
      await launched.kill();
    }
  });

  it('a running stack keeps others out, and its own from a second start', { timeout: 60_000 }, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'aurora-held-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const launched = launchUp(directory, { speed: '1' });
    try {
      const stack = await untilUp(launched);
      for (const words of [
        ['up', '--port', '0'],
        ['reset', '--yes'],
      ])
        expect((await runJson(...words, '--dir', directory)).value, words.join(' ')).toMatchObject({
          error: { code: 'warehouse_locked', message: expect.stringContaining(`vm up (pid ${launched.child.pid})`) },
        });
      const taken = new URL(stack.url).port;
      const other = join(directory, 'other');
      expect((await run('up', '--port', taken, '--dir', other)).err).toContain('port_unavailable: ');
      expect(await runJson('backup', directory, '--dir', directory)).toMatchObject({
        code: 64,
        value: { error: { code: 'usage', message: expect.stringContaining('is not empty') } },
      });

      launched.child.kill('SIGSTOP');
      launched.child.kill('SIGKILL');
      await launched.ended;
      // Its signpost still stands; its process is gone.
      expect(await readdir(directory)).toContain('stack.json');
      expect(await run('status', '--dir', directory)).toMatchObject({ code: 0 });
    } finally {
      await launched.kill();
    }
  });

  it('reset deletes what is ours and nothing else', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'aurora-reset-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    expect(await runJson('reset', '--yes', '--dir', directory)).toMatchObject({
      code: 64,
      value: { error: { message: expect.stringContaining('does not look like a state directory') } },
    });
    const state = join(directory, 'state');
    await emptyState(state);
    await mkdir(join(state, 'notes'));
    expect(await runJson('reset', '--yes', '--dir', state)).toEqual({
      code: 0,
      value: { directory: state, deleted: true, kept: ['notes'] },
    });
    expect(await readdir(state)).toEqual(['notes']);

    const bare = join(directory, 'bare');
    await emptyState(bare);
    expect(await run('reset', '--yes', '--dir', bare)).toMatchObject({
      code: 0,
      out: `deleted the state in ${bare}\n`,
    });
    expect(await readdir(directory)).toEqual(['state']);
    expect(await run('reset', '--yes', '--dir', bare)).toMatchObject({ code: 0, out: `${bare} was not there\n` });
  });

  it.each([
    ['status'],
    ['trials'],
    ['train'],
    ['models', 'list'],
    ['models', 'show', 'v0123456789abcdef'],
    ['models', 'show', 'linear'],
    ['models', 'reproduce', 'v0123456789abcdef'],
    ['models', 'history'],
    ['models', 'promote', 'v0123456789abcdef', '--reason', 'r', '--force'],
    ['models', 'rollback', '--reason', 'r'],
    ['dlq', 'list'],
    ['dlq', 'show', '1'],
    ['dlq', 'replay', '--all'],
    ['rejected', 'list'],
    ['rejected', 'replay', '1'],
    ['backup', join(tmpdir(), 'aurora-never')],
  ])('%s %s says where no state is, and makes none', async (...words) => {
    const directory = await temporary();
    const nowhere = join(directory, 'deeper', 'state');
    expect(await run(...words, '--dir', nowhere)).toEqual({
      code: 2,
      out: '',
      err: `vm: no state in ${nowhere}\n    no_state: ${ERROR_CATALOGUE.no_state.remedy}\n`,
    });
    expect(await runJson(...words, '--dir', directory)).toMatchObject({
      code: 2,
      value: { error: { code: 'no_state' } },
    });
    expect(await readdir(directory)).toEqual([]);
  });

  it('says so when there is nothing', async () => {
    const directory = await temporary();
    await emptyState(directory);
    const said = async (...words: string[]) => (await run(...words, '--dir', directory)).out;
    expect(await said('models', 'list')).toMatch(
      /^VERSION .*\n\(linear\) +learns on, has no versions +not judged\nno version yet: vm train\n$/,
    );
    expect(await said('models', 'history')).toBe('champion was never set: the rules act\n');
    expect(await said('dlq', 'list')).toBe('no dead letters\n');
    expect(await said('rejected', 'list')).toBe('nothing was rejected\n');
    expect(await run('train', '--dir', directory)).toMatchObject({
      code: 2,
      out: expect.stringMatching(/^not trained: .{10}/),
    });
  });
});

/** A stack started from the record alone serves its model: scores shown, the rules act. */
async function expectApprentice(url: string): Promise<void> {
  const ask = async () => {
    const response = await fetch(`${url}/agent/route`, {
      method: 'POST',
      body: JSON.stringify({ workload_type: 'llm_inference', gpu_type: 'a100', region: 'us-west', gpu_hours: 2 }),
    });
    return scoreAnswer.safeParse(await response.json());
  };
  let answer = await ask();
  while (answer.data?.model == null) {
    await sleep(50);
    answer = await ask();
  }
  expect(answer.data).toMatchObject({ mode: 'apprentice', model: { version, stage: 'apprentice' } });
  expect(answer.data.recommendations.length).toBeGreaterThan(0);
  for (const { expected_utility, predicted } of answer.data.recommendations)
    expect([typeof expected_utility, predicted === null]).toEqual(['number', false]);
}
