import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createFilesystemObjects } from '#shared/adapters/objects/filesystem.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import { testCases } from '#test/support/cases.ts';
import { fakeClock } from '#test/support/clock.ts';
import { DAMAGES, damageObject } from '#test/support/damage.ts';
import { aModel } from '#test/support/model.ts';
import { launchUp, untilUp } from '#test/system/running-stack.ts';
import { emptyState, run, runJson, temporary } from './run.ts';

const WEIGHTS = 'models/router/v2/weights.bin';
const REQUEST = { workload_type: 'llm_inference', gpu_type: 'a100', region: 'us-west', gpu_hours: 4 };

interface Status {
  readonly champion: { readonly version: string } | null;
  readonly serving: { readonly mode: string; readonly version: string | null; readonly fault: string | null } | null;
  readonly damaged: readonly string[];
  readonly latest_model: { readonly version: string; readonly stage: string } | null;
}

/** A state whose champion v2 followed v1 into office and was damaged on the disk afterwards. */
async function brokenChampion(): Promise<string> {
  const directory = await temporary();
  await emptyState(directory);
  const stored = join(directory, 'objects');
  const objects = await createFilesystemObjects({ directory: stored });
  const registry = createRegistry({ objects, worldClock: fakeClock() });
  for (const [version, seed] of [
    ['v1', 1],
    ['v2', 2],
  ] as const) {
    const { manifest, files } = aModel({ version, seed });
    await registry.publishVersion({ ...manifest, created_at: `2026-01-0${seed}T00:00:00.000Z` }, files);
    await registry.moveAlias('champion', { version, by: 'ann', reason: 'a trial', verdict: null, forced: true });
  }
  await objects.close();
  const [, flip] = DAMAGES[0] as (typeof DAMAGES)[number];
  await damageObject(stored, WEIGHTS, flip);
  return directory;
}

/** Waits for the crons of a whole stack; the parts have tests of their own. For `npm run test:deep`. */
test.runIf(testCases > 1_000)(
  'the champion is damaged on the disk: no command says that it acts, the alias moves back',
  {
    timeout: 60_000,
  },
  async () => {
    const directory = await brokenChampion();
    const ask = async <T>(...words: string[]): Promise<T> => {
      const { code, value } = await runJson<T>(...words, '--dir', directory);
      expect(code, words.join(' ')).toBe(0);
      return value;
    };
    // Nobody serves: what the alias says, and that it would not load.
    expect(await ask<Status>('status')).toMatchObject({
      champion: { version: 'v2' },
      serving: null,
      damaged: [expect.stringContaining(WEIGHTS)],
    });
    expect((await run('status', '--dir', directory)).out).toMatch(
      /champion +v2 since .*\n[\s\S]*\ndamaged +artefact_corrupt: /,
    );
    expect(await ask('models', 'list')).toMatchObject([
      { version: 'v1' },
      { version: 'v2', stage: 'champion' },
      { kind: 'learner' },
    ]);

    const launched = launchUp(directory, { speed: '1' });
    try {
      const stack = await untilUp(launched);
      const answer = await fetch(`${stack.url}/agent/route`, { method: 'POST', body: JSON.stringify(REQUEST) });
      expect(await answer.json()).toMatchObject({ model: { version: 'v1' } });
      const status = await ask<Status>('status');
      expect(status.latest_model).toMatchObject({ version: 'v2', stage: 'none' });
      // Before or after the alias was moved back: v1 is served, and whoever still names v2 says why it is not.
      expect(status.serving).toMatchObject({ version: 'v1' });
      if (status.champion?.version === 'v2') expect(status.serving?.fault).toContain(WEIGHTS);

      const settled = await stack.status(({ champion }) => champion?.version === 'v1');
      expect(settled).toMatchObject({ champion: { version: 'v1' } });
      expect(await ask('models', 'history')).toMatchObject([
        { sequence: 1, version: 'v1', by: 'ann' },
        { sequence: 2, version: 'v2', by: 'ann' },
        {
          sequence: 3,
          version: 'v1',
          previous_version: 'v2',
          by: 'promote',
          forced: false,
          verdict: null,
          reason: expect.stringMatching(/^artefact_damaged: artefact_corrupt: .*v2\/weights\.bin/),
        },
      ]);
      // As soon as the learner has written what it knows on top of it.
      await expect
        .poll(async () => (await ask<Status>('status')).serving, { timeout: 20_000 })
        .toMatchObject({ mode: 'online', actor: 'v1', version: 'v1', fault: null });

      const words = ['models', 'promote', 'v2', '--reason', 'again', '--dir', directory];
      expect(await runJson(...words)).toMatchObject({ code: 2, value: { error: { code: 'promotion_refused' } } });
      expect(await stack.stop()).toBe(0);
    } finally {
      await launched.kill();
    }
    const told = (await launched.ended).stderr;
    expect(told).not.toContain('v2 acts');
  },
);
