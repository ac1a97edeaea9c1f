/** `vm` with AURORA_PLATFORM=gcp: the same commands over the ports of the cloud. */
import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createRegistry } from '#shared/registry/registry.ts';
import { rejectedPayload, rowOf } from '#test/contract/warehouse-rows.ts';
import { type Cloud, inTheCloud, startCloud } from '#test/support/cloud.ts';
import { aModel } from '#test/support/model.ts';
import { run, runJson, temporary } from './run.ts';

let cloud: Cloud;
beforeEach(async () => {
  cloud = await startCloud();
  for (const [name, value] of Object.entries(cloud.environment)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await cloud.close();
});

test('control is said, and read again, without a stack', async () => {
  const added = await runJson('control', 'share', '.25', '--by', 'ann', '--reason', 'careful');
  expect(added).toMatchObject({ code: 0, value: { sequence: 1, control: { share: 0.25 } } });
  const killed = await runJson('control', 'kill', '--reason', 'prices are off');
  expect(killed).toMatchObject({ code: 0, value: { sequence: 2 } });
  expect((await runJson('control', 'show')).value).toMatchObject({
    control: { share: 0.25, kill: { reason: 'prices are off' } },
    serving: null,
  });
  expect((await runJson<unknown[]>('control', 'history')).value).toHaveLength(2);
});

test('versions and rejected events are listed from the bucket and the record', async () => {
  await inTheCloud(cloud, async (platform) => {
    const registry = createRegistry({ objects: await platform.objects(), worldClock: platform.worldClock });
    const { manifest, files } = aModel({ version: 'v1' });
    await registry.publishVersion(manifest, files);
    await (await platform.warehouse()).append('rejected_events', [rowOf('event-rejected', rejectedPayload('{'))]);
  });
  expect((await run('models', 'list')).out).toContain('v1');
  expect((await runJson<unknown[]>('rejected', 'list')).value).toHaveLength(1);
});

test.each([['status'], ['backup', 'copy'], ['models', 'reproduce', 'v1']])(
  'vm %s is for the stack of one machine, and says so',
  async (...words) => {
    const { code, value } = await runJson(...words);
    expect(code).toBe(64);
    expect(value).toMatchObject({
      error: {
        code: 'usage',
        message: expect.stringContaining('is for the stack of one machine; unset AURORA_PLATFORM'),
      },
    });
  },
);

test('nothing is left on this machine', async () => {
  const directory = await temporary();
  await run('control', 'show', '--dir', `${directory}/state`);
  expect(await readdir(directory)).toEqual([]);
});
