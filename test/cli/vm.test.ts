import { execFile } from 'node:child_process';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { runsDear } from '#test/support/dear.ts';
import { startVm } from '#test/system/vm-process.ts';
import { runJson, SAMPLE_CSV, temporary } from './run.ts';

const VM = join(import.meta.dirname, '..', '..', 'cli', 'vm.mjs');
const exec = promisify(execFile);

describe('cli/vm.mjs', () => {
  it('runs by itself, from any directory and through a link', async () => {
    const elsewhere = await temporary();
    const link = join(elsewhere, 'vm');
    await symlink(VM, link);
    for (const command of [VM, link]) {
      const { stdout, stderr } = await exec(command, ['--help'], { cwd: elsewhere });
      expect(stdout, command).toMatch(/^vm: Aurora Intelligence on the command line\n/);
      expect(stderr, command).toBe('');
    }
  });

  it.skipIf(!runsDear)(
    'goes on to its end and its own exit code when nobody reads any more',
    { timeout: 60_000 },
    async () => {
      const directory = await temporary();
      const [header = '', ...rows] = (await readFile(SAMPLE_CSV, 'utf8')).trimEnd().split('\r\n');
      const path = join(directory, 'long.csv');
      await writeFile(path, [header, ...Array.from({ length: 2 }, () => rows).flat(), 'bad'].join('\n'));
      const state = join(directory, 'state');
      const replay = startVm(['replay', path, '--dir', state]);
      try {
        replay.child.stdout?.destroy();
        await replay.note('100 rows');
        replay.child.stderr?.destroy();
        expect((await replay.ended).code).toBe(1);
      } finally {
        await replay.kill();
      }
      const { value } = await runJson('status', '--dir', state);
      expect(value).toMatchObject({ decisions: { distinct: 156 } });
    },
  );

  it('ends quietly with 0 when whoever reads a list has enough', async () => {
    const list = startVm(['--help']);
    list.child.stdout?.destroy();
    expect(await list.ended).toMatchObject({ code: 0, stderr: '' });
  });
});
