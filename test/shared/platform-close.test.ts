import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseConfig } from '#shared/config.ts';
import { createEmbeddedPlatform, type LocalPlatform } from '#shared/platform-embedded.ts';
import { fakeClock } from '#test/support/clock.ts';
import { memoryLog } from '#test/support/runtime.ts';

let directory: string;
let platform: LocalPlatform;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'aurora-platform-'));
  platform = await createEmbeddedPlatform({
    config: parseConfig({ AURORA_DIR: directory }),
    hostClock: fakeClock(),
    log: memoryLog(),
    random: () => 0.5,
    keepsWorldTime: true,
  });
});
afterEach(() => rm(directory, { recursive: true }));

/** World time can no longer be saved: a file cannot take a folder's place. */
async function barWorldTime(): Promise<void> {
  await rm(join(directory, 'world-clock.json'), { force: true });
  await mkdir(join(directory, 'world-clock.json', 'in-the-way'), { recursive: true });
}

const isClosed = async (): Promise<void> => {
  const message = expect.stringContaining('closed');
  await expect((await platform.state()).get('k')).rejects.toMatchObject({ message });
  await expect((await platform.objects()).read('o')).rejects.toMatchObject({ message });
};

test('world time that cannot be saved keeps nothing open, and is told', async () => {
  await platform.state();
  await platform.objects();
  await barWorldTime();
  await expect(platform.close()).rejects.toThrow('world-clock.json');
  await isClosed();
});

test('a port that cannot be closed keeps no other open; every failure is told', async () => {
  const state = await platform.state();
  const objects = await platform.objects();
  const warehouse = await platform.warehouse();
  const closing = { objects: objects.close, warehouse: warehouse.close };
  objects.close = () => closing.objects().then(() => Promise.reject(new Error('the index is busy')));
  warehouse.close = () => closing.warehouse().then(() => Promise.reject(new Error('no checkpoint')));
  const failed = platform.close();
  await expect(failed).rejects.toThrow(AggregateError);
  await expect(failed).rejects.toThrow('no checkpoint; the index is busy');
  await isClosed();
  await expect(state.get('k')).rejects.toMatchObject({ code: 'state_unavailable' });
  // Once is enough: what is closed is not closed again.
  await expect(platform.close()).resolves.toBeUndefined();
});
