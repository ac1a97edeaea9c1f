import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createFilesystemObjects } from '#shared/adapters/objects/filesystem.ts';
import { DAMAGES, damageObject } from '#test/support/damage.ts';
import { emptyState, run, runJson, temporary } from './run.ts';

test('vm backup leaves damaged objects out, names them, copies the rest, and ends with 1', {
  timeout: 60_000,
}, async () => {
  const base = await temporary();
  const directory = join(base, 'state');
  await emptyState(directory);
  const stored = join(directory, 'objects');
  const objects = await createFilesystemObjects({ directory: stored });
  const names = ['a/first', ...DAMAGES.map((_, index) => `m/damaged-${index}`), 'z/last'];
  for (const name of names) await objects.write(name, Buffer.from(`this is ${name}`), {});
  await objects.close();
  for (const [index, [, damage]] of DAMAGES.entries()) await damageObject(stored, `m/damaged-${index}`, damage);

  const copy = join(base, 'copy');
  const { code, value } = await runJson('backup', copy, '--dir', directory);
  expect({ code, value }).toEqual({
    code: 1,
    value: {
      to: copy,
      not_copied: DAMAGES.map((_, index) => ({
        name: `m/damaged-${index}`,
        why: expect.stringContaining(`m/damaged-${index}`),
      })),
    },
  });
  const copied = await createFilesystemObjects({ directory: join(copy, 'objects') });
  expect((await copied.list('')).map(({ name }) => name)).toEqual(['a/first', 'z/last']);
  expect(Buffer.from((await copied.read('z/last'))?.bytes ?? []).toString()).toBe('this is z/last');
  await copied.close();
  expect(await run('status', '--dir', copy)).toMatchObject({ code: 0 });

  const said = await run('backup', join(base, 'again'), '--dir', directory);
  expect(said).toMatchObject({ code: 1, out: expect.stringContaining(`without ${DAMAGES.length} damaged objects; `) });
  expect(said.err.match(/^not copied: object "m\/damaged-\d" /gm)).toHaveLength(DAMAGES.length);
});
