import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from '#shared/config.ts';
import { createEmbeddedPlatform, type LocalPlatform } from '#shared/platform-embedded.ts';
import { fakeClock } from '#test/support/clock.ts';
import { memoryLog } from '#test/support/runtime.ts';

const STORES = ['world-clock.json', 'state.sqlite', 'bus.sqlite', 'warehouse.duckdb', 'objects/.index.sqlite'];

let base: string;
let directory: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'aurora-layout-'));
  directory = join(base, 'state');
});
afterEach(() => rm(base, { recursive: true }));

const platformOf = (at: string, keepsWorldTime = true): Promise<LocalPlatform> =>
  createEmbeddedPlatform({
    config: parseConfig({ AURORA_DIR: at }),
    hostClock: fakeClock(),
    log: memoryLog(),
    random: () => 0.5,
    keepsWorldTime,
  });

const OPENINGS = ['state', 'bus', 'warehouse', 'objects'] as const;

/** Opens so many of the stores and closes them. */
async function useSome(at: string, count: number, keepsWorldTime = true): Promise<void> {
  const platform = await platformOf(at, keepsWorldTime);
  for (const open of OPENINGS.slice(0, count)) await platform[open]();
  await platform.close();
}

const isMarked = async (at: string): Promise<boolean> => (await readdir(at)).includes('layout.json');

describe('a directory that has been whole', () => {
  test.each(STORES)('%s is missing: refused by its name, and nothing is made in its place', async (store) => {
    await useSome(directory, OPENINGS.length);
    await rm(join(directory, store));
    const before = await readdir(directory, { recursive: true });
    // A single function, too, which may never open that store.
    for (const keepsWorldTime of [true, false]) {
      const opening = platformOf(directory, keepsWorldTime);
      await expect(opening).rejects.toMatchObject({
        code: 'store_corrupt',
        message: expect.stringContaining(join(directory, store)),
        remedy: expect.stringMatching(/backup.*vm reset/),
      });
    }
    expect(await readdir(directory, { recursive: true })).toEqual(before);
  });

  test('all that are missing are named at once', async () => {
    await useSome(directory, OPENINGS.length);
    for (const store of STORES) await rm(join(directory, store));
    const message = await platformOf(directory).catch((error: Error) => error.message);
    for (const store of STORES) expect(message).toContain(join(directory, store));
  });

  test('the marker is damaged or of a newer build: refused by its name', async () => {
    await useSome(directory, OPENINGS.length);
    const path = join(directory, 'layout.json');
    for (const [text, code] of [
      ['', 'store_corrupt'],
      ['{"version":0}', 'store_corrupt'],
      ['{"version":2}', 'warehouse_incompatible'],
    ] as const) {
      await writeFile(path, text);
      await expect(platformOf(directory)).rejects.toMatchObject({ code, message: expect.stringContaining(path) });
    }
  });
});

describe('a directory that has not been whole yet', () => {
  test.each([0, 1, 2, 3])(
    'a first start that made %i of the stores goes on, and the rest makes it whole',
    async (n) => {
      await useSome(directory, n);
      expect(await isMarked(directory)).toBe(false);
      await useSome(directory, OPENINGS.length);
      expect(await isMarked(directory)).toBe(true);
    },
  );

  test('world time comes last, when functions of their own were here first', async () => {
    await useSome(directory, OPENINGS.length, false);
    expect(await isMarked(directory)).toBe(false);
    await useSome(directory, 0);
    expect(await isMarked(directory)).toBe(true);
  });

  test('from before the marker: opened as it is, and marked', async () => {
    await useSome(directory, OPENINGS.length);
    await rm(join(directory, 'layout.json'));
    await useSome(directory, OPENINGS.length);
    expect(await isMarked(directory)).toBe(true);
  });

  test('marked once, by whoever of several is first, with nothing left beside it', async () => {
    await useSome(directory, OPENINGS.length - 1);
    await Promise.all(
      [platformOf(directory, false), platformOf(directory, false)].map(async (opening) => {
        const platform = await opening;
        await platform.objects();
        await platform.close();
      }),
    );
    expect((await readdir(directory)).filter((name) => name.startsWith('layout'))).toEqual(['layout.json']);
    expect(JSON.parse(await readFile(join(directory, 'layout.json'), 'utf8'))).toEqual({ version: 1 });
  });
});

describe('a backup', () => {
  test('is whole and is accepted; cut short at any file it is refused', async () => {
    const copy = join(base, 'copy');
    const platform = await platformOf(directory);
    for (const open of OPENINGS) await platform[open]();
    await platform.backup(copy);
    await platform.close();
    for (const store of STORES) {
      const cut = join(base, `cut-${STORES.indexOf(store)}`);
      await cp(copy, cut, { recursive: true });
      await rm(join(cut, store));
      await expect(platformOf(cut)).rejects.toMatchObject({ code: 'store_corrupt' });
    }
    await useSome(copy, OPENINGS.length);
  });

  test('that fails half-way is refused as a start', async () => {
    const copy = join(base, 'copy');
    const platform = await platformOf(directory);
    for (const open of OPENINGS) await platform[open]();
    const warehouse = await platform.warehouse();
    warehouse.backup = () => Promise.reject(new Error('the disk went away'));
    await expect(platform.backup(copy)).rejects.toThrow('the disk went away');
    await platform.close();
    await expect(platformOf(copy)).rejects.toMatchObject({
      code: 'store_corrupt',
      message: expect.stringContaining(join(copy, 'warehouse.duckdb')),
    });
  });
});
