/** The learner on its own, which has no versions, under `vm models`. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createFilesystemObjects } from '#shared/adapters/objects/filesystem.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { addLearnerVerdict, type LearnerVerdict } from '#shared/registry/learner-verdicts.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import { fakeClock } from '#test/support/clock.ts';
import { aModel } from '#test/support/model.ts';
import { damageObject } from '../support/damage.ts';
import { emptyState, run, runJson, temporary } from './run.ts';

type Said = LearnerVerdict['verdict'];

/** What the gate said, look by look. */
async function judged(...verdicts: readonly (readonly [Said, ended: number])[]): Promise<string> {
  const directory = await temporary();
  await emptyState(directory);
  await look(directory, 0, ...verdicts);
  return directory;
}

async function look(directory: string, before: number, ...verdicts: readonly (readonly [Said, number])[]) {
  const objects: Objects = await createFilesystemObjects({ directory: join(directory, 'objects') });
  for (const [i, [verdict, ended]] of verdicts.entries())
    await addLearnerVerdict(objects, before + i, {
      verdict,
      reasons: [`${verdict} at ${ended}`, 'and so on'],
      checks: [{ name: 'support', passed: true, value: 0.957, limit: 0.8, note: 'off-policy: it was tried' }],
      metrics: {},
      decided_at: `2026-01-0${before + i + 1}T00:00:00.000Z`,
      compared_with: null,
      ended,
    });
  await objects.close();
}

test('models list has a row for it that nobody takes for a version', async () => {
  const at = ['--dir', await judged(['not-enough-evidence', 1_000], ['promote', 1_415])];
  expect((await runJson('models', 'list', ...at)).value).toEqual([
    { kind: 'learner', version: 'linear', created_at: null, rows: null, verdict: 'promote', stage: null, damage: null },
  ]);
  expect((await run('models', 'list', ...at)).out).toMatch(
    /^VERSION .*\n\(linear\) +learns on, has no versions +promote\nno version yet: vm train\n$/,
  );
  await run('models', 'promote', 'linear', '--reason', 'it passed', ...at);
  expect((await run('models', 'list', ...at)).out).toMatch(/\n\(linear\) .* promote +champion\n/);
});

test('models show linear says the newest verdict, when the next look is due, and what was said before', async () => {
  const directory = await judged(['reject', 1_000], ['not-enough-evidence', 1_415], ['promote', 2_002]);
  const at = ['--dir', directory];
  expect((await runJson('models', 'show', 'linear', ...at)).value).toMatchObject({
    name: 'linear',
    verdict: { sequence: 3, verdict: 'promote', ended: 2_002 },
    next_look: { ended: 0, due_at: 2_832, about: null, waits: null },
    earlier: [
      { sequence: 2, verdict: 'not-enough-evidence', ended: 1_415, reason: 'not-enough-evidence at 1415' },
      { sequence: 1, verdict: 'reject', ended: 1_000, reason: 'reject at 1000' },
    ],
  });
  expect((await run('models', 'show', 'linear', ...at)).out).toMatch(
    /^learner +linear, .*\nverdict +promote\njudged +2026-01-03T00:00:00.000Z, look 3\nrecord +2,002 attempts had ended\nnext look +when 2,832 attempts have ended \(0 so far\)\n\n {2}- promote at 2002\n {2}- and so on\n\nCHECK .*\nsupport +ok +0.957 +0.8 +off-policy: it was tried\n\nLOOK +DECIDED +ENDED +VERDICT +FIRST REASON\n +2 +\S+Z +1415 +not-enough-evidence +not-enough-evidence at 1415\n +1 /,
  );
  await run('control', 'stage', 'online', ...at);
  expect((await run('models', 'show', 'linear', ...at)).out).toMatch(
    /\nnext look +.*; but it waits: in stage online it needs no proof\n/,
  );
});

test('models show linear before the first look, and when what the next one hangs on is damaged', async () => {
  const directory = await judged();
  const at = ['--dir', directory];
  expect((await runJson('models', 'show', 'linear', ...at)).value).toMatchObject({
    verdict: null,
    next_look: { due_at: 1_000 },
    earlier: [],
  });
  expect((await run('models', 'show', 'linear', ...at)).out).toMatch(
    /^learner .*\nverdict +not judged yet\nnext look +when 1,000 attempts have ended \(0 so far\)\n$/,
  );
  await run('models', 'promote', 'linear', '--force', '--reason', 'r', ...at);
  for (const name of ['aliases/champion.json', 'aliases/champion/000001.json'])
    await damageObject(join(directory, 'objects'), name, (bytes) => bytes.slice(0, 9));
  expect((await run('models', 'show', 'linear', ...at)).out).toMatch(/\nnext look +cannot be told, .*: vm status\n$/);
  expect((await run('trials', ...at)).out).toMatch(/^No trial was ever run\. .*\n\nDAMAGED: artefact_corrupt: .*\n$/);
});

test("models promote linear goes by the gate's newest word, as for a version", async () => {
  const directory = await judged();
  const promote = ['models', 'promote', 'linear', '--reason', 'why not', '--dir', directory];
  const refused = async (why: string): Promise<void> => {
    expect(await runJson(...promote)).toMatchObject({
      code: 2,
      value: { error: { code: 'promotion_refused', message: expect.stringContaining(why) } },
    });
  };
  await refused('the gate says nothing yet of linear');
  await look(directory, 0, ['promote', 1_000], ['not-enough-evidence', 1_415]);
  await refused('the gate says not-enough-evidence of linear: not-enough-evidence at 1415');
  await look(directory, 2, ['promote', 2_002]);
  expect((await runJson(...promote)).value).toMatchObject({ version: 'linear', verdict: 'promote', forced: false });
  // And back: what is on record of it is what the gate says.
  const back = ['models', 'rollback', '--reason', 'worse', '--dir', directory];
  expect((await runJson(...back)).value).toMatchObject({ version: null, verdict: null, forced: false });
});

test('a rollback to it records its own verdict', async () => {
  const directory = await judged(['not-enough-evidence', 1_000]);
  const at = ['--reason', 'r', '--dir', directory];
  await run('models', 'promote', 'linear', '--force', ...at);
  const objects = await createFilesystemObjects({ directory: join(directory, 'objects') });
  const registry = createRegistry({ objects, worldClock: fakeClock() });
  const { manifest, files } = aModel({ version: 'v1' });
  await registry.publishVersion(manifest, files);
  await registry.moveAlias('champion', { version: 'v1', by: 'ann', reason: 'r', verdict: null, forced: true });
  await objects.close();
  expect((await runJson('models', 'rollback', ...at)).value).toMatchObject({
    version: 'linear',
    verdict: 'not-enough-evidence',
    forced: true,
  });
});
