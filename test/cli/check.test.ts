import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporary } from './run.ts';

const CHECK = join(import.meta.dirname, '..', '..', 'cli', 'dev', 'check.ts');

async function check(scripts: Record<string, string>): Promise<{ status: number | null; stdout: string }> {
  const cwd = await temporary();
  await writeFile(join(cwd, 'package.json'), JSON.stringify({ name: 'x', scripts }));
  const { status, stdout } = spawnSync(process.execPath, [CHECK], { cwd, encoding: 'utf8' });
  return { status, stdout };
}

describe('npm run check', () => {
  it('runs every part, says what each said, and fails at the end if one failed', { timeout: 30_000 }, async () => {
    const { status, stdout } = await check({
      'check:one': 'echo first says',
      'check:two': 'echo second says >&2; exit 3',
      'check:three': 'echo third says',
      test: 'echo never',
    });
    expect(status).toBe(1);
    for (const said of [
      'check:one: ok',
      'first says',
      'check:two: FAILED',
      'second says',
      'check:three: ok',
      'third says',
    ])
      expect(stdout).toContain(said);
    expect(stdout).not.toContain('never');
    expect(stdout).toMatch(/\n1 of 3 parts failed: check:two; again with npm run PART\n$/);
  });

  it('is well when all are', { timeout: 30_000 }, async () => {
    const { status, stdout } = await check({ 'check:one': 'true', 'check:two': 'true' });
    expect(status).toBe(0);
    expect(stdout).toMatch(/\nall 2 parts are well\n$/);
  });
});
