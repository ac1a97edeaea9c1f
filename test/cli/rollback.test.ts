import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createFilesystemObjects } from '#shared/adapters/objects/filesystem.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { fakeClock } from '#test/support/clock.ts';
import { aModel } from '#test/support/model.ts';
import { emptyState, run, runJson, temporary } from './run.ts';

const PROMOTE: Verdict = {
  verdict: 'promote',
  reasons: ['better'],
  checks: [],
  metrics: {},
  decided_at: '2026-01-02T00:00:00.000Z',
  compared_with: null,
};

/** v1 was proved, v2 never judged; v3, proved too, is champion after both. */
async function threeChampions(): Promise<string> {
  const directory = await temporary();
  await emptyState(directory);
  const objects = await createFilesystemObjects({ directory: join(directory, 'objects') });
  const registry = createRegistry({ objects, worldClock: fakeClock() });
  for (const version of ['v1', 'v2', 'v3']) {
    const { manifest, files } = aModel({ version });
    await registry.publishVersion(manifest, files);
    if (version !== 'v2') await registry.writeVerdict(version, PROMOTE);
    await registry.moveAlias('champion', { version, by: 'ann', reason: 'a trial', verdict: null, forced: true });
  }
  await objects.close();
  return directory;
}

test("a rollback records the version's own verdict, and force only where the gate did not say promote", async () => {
  const at = ['--dir', await threeChampions()];
  const back = ['models', 'rollback', '--reason', 'worse', ...at];
  expect((await runJson(...back)).value).toMatchObject({ version: 'v2', verdict: null, forced: true });
  expect((await runJson(...back)).value).toMatchObject({ version: 'v1', verdict: 'promote', forced: false });
  expect((await run('models', 'history', ...at)).out).toMatch(/^4 .* forced +worse\n5 .* promote +worse$/m);
  expect((await runJson(...back)).value).toMatchObject({ version: null, verdict: null, forced: false });
});

test('a rollback and a forced promotion say how long they hold', async () => {
  const at = ['--reason', 'because', '--dir', await threeChampions()];
  const holds =
    'this holds until another wins a trial (in stage online: passes the gate); who was taken back is not tried until the gate speaks of it anew\n';
  expect((await run('models', 'rollback', ...at)).out).toBe(`champion is v2 (was v3)\n${holds}`);
  expect((await run('models', 'promote', 'v1', ...at)).out).toBe('champion is v1 (move 5)\n');
  expect((await run('models', 'promote', 'v2', '--force', ...at)).out).toBe(
    `champion is v2 (move 6, forced)\n${holds}`,
  );
});
