import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { copyDatabase } from '#shared/adapters/sqlite/copy.ts';

test('a database whose damage only a copy meets: store_corrupt, by its name', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'aurora-copy-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const [from, to] = [join(directory, 'from.sqlite'), join(directory, 'to.sqlite')];
  const database = new DatabaseSync(from);
  database.exec('CREATE TABLE t (x)');
  for (let row = 0; row < 100; row++) database.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(1_000));
  database.close();
  const { size } = await stat(from);
  const handle = await open(from, 'r+');
  await handle.write(Buffer.alloc(8_192, 7), 0, 8_192, (size >> 13) << 12);
  await handle.close();
  expect(() => copyDatabase(from, to)).toThrow(
    expect.objectContaining({ code: 'store_corrupt', message: expect.stringContaining(from) }),
  );
});
