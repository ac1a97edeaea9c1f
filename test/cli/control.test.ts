import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CONTROL_OBJECT } from '#shared/serving/control.ts';
import { runsDear } from '#test/support/dear.ts';
import { launchUp, untilUp } from '#test/system/running-stack.ts';
import { damageObject } from '../support/damage.ts';
import { emptyState, run, runJson, temporary } from './run.ts';

type Json = Record<string, unknown>;

/** World time differs by the way; everything else must not. */
const timeless = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, inner: unknown) =>
      ['at', 'from', 'until', 'world_time', 'serving'].includes(key) ? undefined : inner,
    ),
  );

/** Every control command, in an order in which each finds something to do. */
async function useAll(directory: string): Promise<unknown[]> {
  const transcript: unknown[] = [];
  const ask = async <T = Json>(code: number, ...words: string[]): Promise<T> => {
    const given = await runJson<T>('control', ...words, '--dir', directory);
    expect(given.code, words.join(' ')).toBe(code);
    transcript.push({ words, value: timeless(given.value) });
    return given.value;
  };
  const refused = async (error: string, code: number, ...words: string[]): Promise<void> => {
    expect(await ask(code, ...words), words.join(' ')).toMatchObject({ error: { code: error } });
  };
  const plain = { stage: 'auto', share: 1, kill: null, trial: null, incidents: [] };
  expect(await ask(0, 'show')).toMatchObject({ control: plain, written: false, fault: null, last_change: null });
  expect(await ask(0, 'history')).toEqual([]);

  expect(await ask(0, 'stage', 'online')).toMatchObject({ sequence: 1, control: { ...plain, stage: 'online' } });
  expect(await ask(0, 'stage', 'online')).toBeNull();
  await refused('usage', 64, 'stage', 'on');
  expect(await ask(0, 'share', '.25', '--by', 'ann', '--reason', 'careful')).toMatchObject({
    by: 'ann',
    reason: 'careful',
    control: { share: 0.25 },
  });
  expect(await ask(0, 'share', '.25', '--per', 'tenant')).toMatchObject({ control: { share_by: 'tenant' } });
  await refused('usage', 64, 'share', '.25', '--per', 'region');
  await refused('usage', 64, 'share', '2');
  await refused('usage', 64, 'share', '1', '--by', '');
  await refused('reason_required', 2, 'kill');
  expect(await ask(0, 'kill', '--reason', 'prices are off', '--by', 'bob')).toMatchObject({
    control: { kill: { by: 'bob', reason: 'prices are off' } },
  });
  await refused('reason_required', 2, 'resume');
  expect(await ask(0, 'resume', '--reason', 'right again')).toMatchObject({ control: { kill: null } });
  expect(await ask(0, 'resume', '--reason', 'right again')).toBeNull();

  await refused('usage', 64, 'incident', 'add', '--for', '2 hours', '--reason', 'r');
  await refused('usage', 64, 'incident', 'add', '--for', '31d', '--reason', 'r');
  await refused('reason_required', 2, 'incident', 'add', '--for', '2h');
  const added = await ask<{ control: { incidents: { id: string; from: string; until: string }[] } }>(
    0,
    'incident',
    'add',
    '--for',
    '90m',
    '--reason',
    'a region is down',
  );
  const [incident] = added.control.incidents;
  expect(incident?.id).toBe('i6');
  expect(Date.parse(incident?.until ?? '') - Date.parse(incident?.from ?? '')).toBe(90 * 60_000);
  await refused('not_found', 2, 'incident', 'end', 'i9');
  expect(await ask(0, 'incident', 'end', 'i6')).toMatchObject({ control: { incidents: [] } });
  expect(await ask<Json[]>(0, 'history')).toMatchObject([
    { sequence: 1, change: { kind: 'stage', stage: 'online' }, reason: 'no reason given' },
    { sequence: 2, change: { kind: 'share', share: 0.25 }, by: 'ann' },
    { sequence: 3, change: { kind: 'share', share: 0.25, share_by: 'tenant' } },
    { sequence: 4, change: { kind: 'kill' }, by: 'bob' },
    { sequence: 5, change: { kind: 'resume' } },
    { sequence: 6, change: { kind: 'incident_add', for_ms: 90 * 60_000 } },
    { sequence: 7, change: { kind: 'incident_end', id: 'i6' } },
  ]);
  return transcript;
}

describe('vm control', () => {
  it.skipIf(!runsDear)(
    'answers the same whether a stack runs on the state or not; a running one acts by it',
    {
      timeout: 120_000,
    },
    async () => {
      const base = await mkdtemp(join(tmpdir(), 'aurora-control-'));
      onTestFinished(() => rm(base, { recursive: true, force: true }));
      const [quiet, running] = [join(base, 'quiet'), join(base, 'running')];
      await emptyState(quiet);
      const quietly = await useAll(quiet);
      const launched = launchUp(running, { speed: '1' });
      try {
        const stack = await untilUp(launched);
        expect(await useAll(running)).toEqual(quietly);
        const show = async () => (await runJson<{ serving: Json }>('control', 'show', '--dir', running)).value.serving;
        await expect.poll(show, { timeout: 15_000 }).toMatchObject({ stage: 'online', share: 0.25, kill: null });
        await run('control', 'kill', '--reason', 'the last word', '--dir', running);
        await expect
          .poll(show, { timeout: 15_000 })
          .toMatchObject({ mode: 'rules', actor: 'rules', kill: { reason: 'the last word' } });
        expect((await run('status', '--dir', running)).out).toMatch(
          /\nacts +the rules\nstage +online: .*\nshare +25 % .*\nkill switch +PULLED by vm:/,
        );
        expect(await stack.stop()).toBe(0);
      } finally {
        await launched.kill();
      }
      // What was said holds for the next start.
      expect(await runJson('control', 'show', '--dir', running)).toMatchObject({
        value: { control: { stage: 'online', kill: { reason: 'the last word' } }, serving: null },
      });
    },
  );

  it('is read by people', { timeout: 60_000 }, async () => {
    const directory = await temporary();
    await emptyState(directory);
    const said = async (...words: string[]) => (await run('control', ...words, '--dir', directory)).out;
    expect(await said('show')).toMatch(
      /^acts now +nobody: no score runs here\nstage +auto: who has been proved acts, and trials run\nshare +all decisions\nkill switch +off\ntrial +none\nincidents +none open\nlast change +none\n +nobody has said anything yet/,
    );
    expect(await said('history')).toBe('nothing was ever changed: the default holds\n');
    expect(await said('incident', 'add', '--for', '2h', '--reason', 'storm', '--by', 'ann')).toMatch(
      /^incident for 2 h: i1, until \S+Z \(change 1, \S+Z\); every instance follows within seconds\n$/,
    );
    expect(await said('show')).toMatch(
      /\nincident +i1 until \S+Z, nothing is explored: storm \(ann\)\nlast change +\S+Z by ann: incident for 2 h \(storm\)\n/,
    );
    expect(await said('history')).toMatch(/^# +AT +BY +CHANGE +REASON\n1 +\S+Z +ann +incident for 2 h +storm\n$/);
    await damageObject(join(directory, 'objects'), CONTROL_OBJECT, (bytes) => bytes.slice(0, 9));
    expect(await said('show')).toMatch(/\nFAULT +artefact_corrupt: /);
    expect(await said('stage', 'auto')).toMatch(/^stage auto/);
    expect(await said('show')).not.toContain('FAULT');
  });
});

describe('vm up --stage', () => {
  it.skipIf(!runsDear)('says the stage on record before anything acts', { timeout: 60_000 }, async () => {
    const directory = await temporary();
    expect(await runJson('up', '--stage', 'always', '--dir', directory)).toMatchObject({
      code: 64,
      value: { error: { code: 'usage' } },
    });
    const launched = launchUp(directory, { speed: '1', stage: 'online' });
    try {
      const stack = await untilUp(launched);
      expect(await runJson('control', 'show', '--dir', directory)).toMatchObject({
        value: { serving: { stage: 'online' }, last_change: { reason: 'vm up --stage online' } },
      });
      expect(await stack.stop()).toBe(0);
    } finally {
      await launched.kill();
    }
  });
});
