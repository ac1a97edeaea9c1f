import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadWorldOrigin, saveWorldOrigin } from '#shared/adapters/clock/world-file.ts';
import { parseConfig } from '#shared/config.ts';
import { createEmbeddedPlatform } from '#shared/platform-embedded.ts';
import { fakeClock } from '#test/support/clock.ts';
import { memoryLog } from '#test/support/runtime.ts';

const EVERY_MS = 1_000;
const SPEED = 600;
const SAVED = { world_ms: 9_000_000, host_ms: 5_000, speed: SPEED };

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'aurora-world-'));
  file = join(directory, 'world-clock.json');
});
afterEach(() => rm(directory, { recursive: true }));

describe('where world time stood', () => {
  test('nobody has saved it yet: null', async () => {
    expect(await loadWorldOrigin(file, 5_000, EVERY_MS)).toBeNull();
  });

  test.each([
    ['at once', 5_000, 9_000_000],
    ['killed some time after the last save', 7_500, 9_000_000 + 2_500 * SPEED],
    ['after a night: the world stood still, but for what a late save may have missed', 9e9, 9_000_000 + 5_000 * SPEED],
    ['on a host clock that was set back', 1, 9_000_000],
  ])('%s', async (_, hostNowMs, expected) => {
    await saveWorldOrigin(file, SAVED);
    expect(await loadWorldOrigin(file, hostNowMs, EVERY_MS)).toBe(expected);
  });

  test('a save replaces the file whole and leaves nothing beside it; half of one from a crash is no harm', async () => {
    await saveWorldOrigin(file, SAVED);
    await writeFile(`${file}.new`, '{"world_ms":');
    expect(await loadWorldOrigin(file, 5_000, EVERY_MS)).toBe(9_000_000);
    await saveWorldOrigin(file, { ...SAVED, world_ms: 9_500_000 });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ ...SAVED, world_ms: 9_500_000 });
    expect(await readdir(directory)).toEqual(['world-clock.json']);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['empty', () => truncate(file, 0)],
    ['cut', () => truncate(file, 20)],
    ['garbage', () => writeFile(file, Buffer.from([0, 255, 7]))],
    ['of another shape', () => writeFile(file, '{"world_ms":1}')],
    ['of no instant', () => writeFile(file, JSON.stringify({ ...SAVED, world_ms: 1e300 }))],
    ['a folder', () => rm(file).then(() => mkdir(file))],
  ])('%s: refused by name with its remedy, for a guess might let the world go backwards', async (_, damage) => {
    await saveWorldOrigin(file, SAVED);
    await damage();
    const refused = { code: 'store_corrupt', message: expect.stringContaining(file) };
    await expect(loadWorldOrigin(file, 5_000, EVERY_MS)).rejects.toMatchObject(refused);
    const opening = createEmbeddedPlatform({
      config: parseConfig({ AURORA_DIR: directory }),
      hostClock: fakeClock(),
      log: memoryLog(),
      random: () => 0.5,
      keepsWorldTime: true,
    });
    await expect(opening).rejects.toMatchObject(refused);
  });
});
