import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asStateError } from '#shared/adapters/state/failure.ts';
import { createSqliteState } from '#shared/adapters/state/sqlite.ts';
import { STATE_PURGE_INTERVAL_MS } from '#shared/defaults.ts';
import { createLog } from '#shared/telemetry/log.ts';
import { startChild } from '#test/support/child.ts';
import { fakeClock } from '#test/support/clock.ts';
import { sqliteFullError } from '#test/support/sqlite-full.ts';
import { STORE_DAMAGES } from '#test/support/store-damage.ts';
import { stateContract } from './state.ts';

const newDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), 'aurora-state-'));

stateContract('sqlite', async (hostClock) => {
  const directory = await newDirectory();
  return {
    open: () => createSqliteState({ file: join(directory, 'state.sqlite'), hostClock }),
    dispose: () => rm(directory, { recursive: true }),
  };
});

stateContract('sqlite in a thread', async (hostClock) => {
  const directory = await newDirectory();
  const thread = { log: createLog({ level: 'silent' }) };
  return {
    open: () => createSqliteState({ file: join(directory, 'state.sqlite'), hostClock, thread }),
    dispose: () => rm(directory, { recursive: true }),
  };
});

describe('state in sqlite', () => {
  let directory: string;
  let file: string;
  beforeEach(async () => {
    directory = await newDirectory();
    file = join(directory, 'state.sqlite');
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  const storedRows = (): number => {
    const database = new DatabaseSync(file, { readOnly: true });
    const count = Number(database.prepare('SELECT count(*) AS n FROM entry').get()?.['n']);
    database.close();
    return count;
  };

  test('expired entries leave the disk by themselves, all of them in one interval', async () => {
    const clock = fakeClock();
    const state = await createSqliteState({ file, hostClock: clock });
    await Promise.all(Array.from({ length: 1200 }, (_, i) => state.create(`brief/${i}`, i, { ttlMs: 1000 })));
    await state.create('kept', 1);
    await clock.advance(STATE_PURGE_INTERVAL_MS - 1);
    expect(storedRows()).toBe(1201);
    await clock.advance(1);
    expect(storedRows()).toBe(1);
    await state.close();
    expect(clock.pending()).toBe(0);
  });

  test('more operations than one transaction takes are all answered, in order', async () => {
    const state = await createSqliteState({ file, hostClock: fakeClock() });
    const answers = await Promise.all(Array.from({ length: 2500 }, (_, i) => state.create(`k/${i % 2000}`, i)));
    expect(answers.map(({ created }) => created)).toEqual(Array.from({ length: 2500 }, (_, i) => i < 2000));
    await state.close();
    expect(storedRows()).toBe(2000);
  });

  test('an engine that fails fails every write of the turn and still answers its reads', async () => {
    const state = await createSqliteState({ file, hostClock: fakeClock() });
    await state.create('before', 1);
    const saboteur = new DatabaseSync(file);
    saboteur.exec(
      "CREATE TRIGGER fault BEFORE INSERT ON entry WHEN NEW.key = 'bad' BEGIN SELECT RAISE(ABORT, 'planted'); END",
    );
    const [good, bad, read] = await Promise.allSettled([
      state.create('good', 1),
      state.create('bad', 1),
      state.get('before'),
    ]);
    for (const failed of [good, bad]) {
      expect(failed).toMatchObject({ status: 'rejected', reason: { code: 'state_unavailable' } });
    }
    expect(read).toMatchObject({ status: 'fulfilled', value: { value: 1 } });
    expect(await state.get('good')).toBeNull();
    saboteur.exec('DROP TRIGGER fault');
    saboteur.close();
    expect((await state.create('good', 1)).created).toBe(true);
    await state.close();
  });

  test.each(STORE_DAMAGES)(
    'a file that is damaged (%s) is refused by its name, and left as it is',
    async (_, damage) => {
      const state = await createSqliteState({ file, hostClock: fakeClock() });
      await Promise.all(Array.from({ length: 500 }, (_unused, i) => state.create(`k/${i}`, 'x'.repeat(100))));
      await damage(file, () => state.close());
      const before = await readFile(file).catch(() => null);
      await expect(createSqliteState({ file, hostClock: fakeClock() })).rejects.toMatchObject({
        code: 'store_corrupt',
        retryable: false,
        message: expect.stringContaining(file),
      });
      expect(await readFile(file).catch(() => null)).toEqual(before);
    },
  );

  test('after a crash that damaged nothing it opens, and everything is there', async () => {
    const state = await createSqliteState({ file, hostClock: fakeClock() });
    await state.create('k', 1);
    const copy = join(directory, 'copy.sqlite');
    for (const suffix of ['', '-wal']) await copyFile(`${file}${suffix}`, `${copy}${suffix}`);
    await state.close();
    const survivor = await createSqliteState({ file: copy, hostClock: fakeClock() });
    expect(await survivor.get('k')).toMatchObject({ value: 1 });
    await survivor.close();
  });

  test('a full disk is disk_full', () => {
    const full = sqliteFullError();
    expect(asStateError(full, 'create x')).toMatchObject({ code: 'disk_full', cause: full });
  });

  describe('several processes', () => {
    const script = fileURLToPath(new URL('./state-worker.ts', import.meta.url));
    const start = (task: string, times: number) => startChild(script, [file, task, `${times}`]);
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
      await finishFour('increment', 50);
      const state = await createSqliteState({ file, hostClock: fakeClock() });
      expect((await state.get('counter'))?.value).toBe(200);
      await state.close();
    });

    test('create the same keys: each has one winner', async () => {
      const won = (await finishFour('create', 200)).flat();
      expect(won.sort()).toEqual(Array.from({ length: 200 }, (_, i) => `lease/${i}`).sort());
    });

    test('a writer killed at any moment loses nothing that it was promised, and half a transaction never shows', async () => {
      let acknowledged = 0;
      for (const acksBeforeKill of [1, 20, 7, 60, 3]) {
        const worker = start('sequence', acknowledged + 1);
        await worker.linesReach(acksBeforeKill);
        worker.child.kill('SIGKILL');
        await once(worker.child, 'close');
        expect(worker.problems()).toBe('');
        acknowledged = Number(worker.lines().at(-1));

        const state = await createSqliteState({ file, hostClock: fakeClock() });
        const entries = await state.list('sequence/', { limit: 1_000_000 });
        const singles = entries.filter(({ key }) => !key.endsWith('/twin')).map(({ value }) => Number(value));
        expect(singles).toEqual(Array.from({ length: singles.length }, (_, i) => i + 1));
        expect(singles.length).toBeGreaterThanOrEqual(acknowledged);
        expect(entries).toHaveLength(2 * singles.length);
        expect(new Set(entries.map(({ version }) => version)).size).toBe(entries.length);
        acknowledged = singles.length;
        await state.close();
      }
    });
  });
});
