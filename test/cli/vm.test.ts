import { execFile } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporary } from './run.ts';

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
});
