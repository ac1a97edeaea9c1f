import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asObjectsError } from '#shared/adapters/objects/failure.ts';
import { createFilesystemObjects } from '#shared/adapters/objects/filesystem.ts';
import { startChild } from '#test/support/child.ts';
import { damageObject } from '#test/support/damage.ts';
import { sqliteFullError } from '#test/support/sqlite-full.ts';
import { STORE_DAMAGES } from '#test/support/store-damage.ts';
import { objectsContract } from './objects.ts';
import { contentOf } from './objects-sequence.ts';

const newDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), 'aurora-objects-'));

objectsContract('file system', async () => {
  const directory = await newDirectory();
  return {
    open: () => createFilesystemObjects({ directory }),
    damage: (name, change) => damageObject(directory, name, change),
    dispose: () => rm(directory, { recursive: true }),
  };
});

describe('objects on the file system', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await newDirectory();
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  const contentFiles = async (): Promise<string[]> =>
    (await readdir(directory, { recursive: true })).filter((path) => path.includes('@')).sort();

  /** An object `damaged` with the content "whole", and the path of its content file. */
  async function withContent(): Promise<string> {
    const objects = await createFilesystemObjects({ directory });
    await objects.write('damaged', Buffer.from('whole'), {});
    await objects.close();
    return join(directory, (await contentFiles())[0] ?? '');
  }

  test('keeps one readable file per object, in the folders of its name', async () => {
    const objects = await createFilesystemObjects({ directory });
    for (let i = 0; i < 3; i += 1) await objects.write('models/router/v1/model.json', Buffer.from(`${i}`), {});
    await objects.close();
    const [file, ...others] = await contentFiles();
    expect(others).toEqual([]);
    expect(file).toMatch(/^models\/router\/v1\/model\.json@[0-9a-f]{32}$/);
    expect(await readFile(join(directory, file ?? ''), 'utf8')).toBe('2');
  });

  test('the open sweeps old orphans and empty folders, and nothing else', async () => {
    const live = await withContent();
    const orphan = (age: string): string => join(directory, 'folder', `${age}@${'0'.repeat(31)}${age.length}`);
    await mkdir(join(directory, 'folder'));
    await mkdir(join(directory, 'empty', 'inside'), { recursive: true });
    const foreign = join(directory, 'notes.txt');
    for (const file of [orphan('old'), orphan('young'), foreign]) await writeFile(file, 'x');
    for (const file of [orphan('old'), live, foreign]) await utimes(file, 0, 0);
    const objects = await createFilesystemObjects({ directory });
    expect(Buffer.from((await objects.read('damaged'))?.bytes ?? []).toString()).toBe('whole');
    await objects.close();
    expect(await contentFiles()).toEqual(
      [live, orphan('young')].map((path) => path.slice(directory.length + 1)).sort(),
    );
    expect((await readdir(directory)).filter((path) => !path.startsWith('.')).sort()).toEqual(
      [live.slice(directory.length + 1), 'folder', 'notes.txt'].sort(),
    );
  });

  test('an unusable directory is a coded error that says which', async () => {
    const file = join(directory, 'a-file');
    await writeFile(file, '');
    await expect(createFilesystemObjects({ directory: file })).rejects.toMatchObject({
      code: 'objects_unavailable',
      message: expect.stringContaining(file),
    });
  });

  test.each(STORE_DAMAGES)('an index that is damaged (%s) is refused by its name', async (_, damage) => {
    const index = join(directory, '.index.sqlite');
    const objects = await createFilesystemObjects({ directory });
    for (let i = 0; i < 30; i++) await objects.write(`o${i}`, Buffer.from('x'), {}, { note: 'y'.repeat(1_000) });
    await damage(index, () => objects.close());
    const error = await createFilesystemObjects({ directory }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'store_corrupt', retryable: false, message: expect.stringContaining(index) });
  });

  test('a full disk is disk_full, whether the content or the index meets it first', () => {
    const ofFile = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    expect(asObjectsError(ofFile, 'write x')).toMatchObject({ code: 'disk_full', cause: ofFile });
    const ofIndex = sqliteFullError();
    expect(asObjectsError(ofIndex, 'write x')).toMatchObject({ code: 'disk_full', cause: ofIndex });
  });

  describe('several processes', () => {
    const script = fileURLToPath(new URL('./objects-worker.ts', import.meta.url));
    const start = (task: string, times: number) => startChild(script, [directory, task, `${times}`]);
    const finishFour = async (task: string, times: number): Promise<string[][]> =>
      await Promise.all(
        Array.from({ length: 4 }, async () => {
          const worker = start(task, times);
          await once(worker.child, 'close');
          expect(worker.problems()).toBe('');
          return worker.lines();
        }),
      );

    test('increment one counter by compare-and-swap: the sum is exact', async () => {
      await finishFour('increment', 25);
      const objects = await createFilesystemObjects({ directory });
      expect(Buffer.from((await objects.read('counter'))?.bytes ?? []).toString()).toBe('100');
      await objects.close();
      expect(await contentFiles()).toHaveLength(1);
    });

    test('create the same names: each has one winner', async () => {
      const won = (await finishFour('create', 25)).flat();
      expect(won.sort()).toEqual(Array.from({ length: 25 }, (_, i) => `lease/${i}`).sort());
    });

    test('a writer killed at any moment leaves its last acknowledged write or a newer one, whole', async () => {
      let acknowledged = 0;
      for (const acksBeforeKill of [1, 4, 9, 2, 7, 3]) {
        const worker = start('sequence', acknowledged + 1);
        await worker.linesReach(acksBeforeKill);
        worker.child.kill('SIGKILL');
        await once(worker.child, 'close');
        expect(worker.problems()).toBe('');
        acknowledged = Number(worker.lines().at(-1));

        const objects = await createFilesystemObjects({ directory });
        const bytes = Buffer.from((await objects.read('sequence'))?.bytes ?? []);
        const value = bytes.readUInt32BE(0);
        expect(value).toBeGreaterThanOrEqual(acknowledged);
        expect(bytes.equals(contentOf(value))).toBe(true);
        await objects.close();
      }
    });
  });
});
