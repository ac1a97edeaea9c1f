import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withAccess } from '#cli/ops/access.ts';
import { status } from '#cli/ops/status.ts';
import { readHolder } from '#cli/stack/lock.ts';
import { RejectedError } from '#shared/errors.ts';
import { runsDear } from '#test/support/dear.ts';
import { launchUp, untilUp } from '#test/system/running-stack.ts';
import { run, temporary } from './run.ts';

/** World time can no longer be saved: a file cannot take a folder's place. Answers how to mend it. */
async function barWorldTime(directory: string): Promise<() => Promise<void>> {
  const file = join(directory, 'world-clock.json');
  const aside = `${file}.aside`;
  for (;;) {
    await rename(file, aside);
    try {
      await mkdir(join(file, 'in-the-way'), { recursive: true });
      break;
    } catch (error) {
      // A stack that runs saves it each second, perhaps right now.
      if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw error;
    }
  }
  return async () => {
    await rm(file, { recursive: true });
    await rename(aside, file);
  };
}

describe('when the end fails', () => {
  it('a command has let go of the directory and of every file in it', { timeout: 60_000 }, async () => {
    const directory = await temporary();
    let mend: (() => Promise<void>) | undefined;
    const using = withAccess(
      directory,
      'test',
      async (access) => {
        await access.call(status, {});
        mend = await barWorldTime(directory);
      },
      { creates: true },
    );
    await expect(using).rejects.toThrow('world-clock.json');
    expect(await readHolder(directory)).toBeNull();
    await mend?.();
    expect(await run('status', '--dir', directory)).toMatchObject({ code: 0 });
  });

  it('what the command itself failed of comes first, and nothing is kept back', { timeout: 60_000 }, async () => {
    const directory = await temporary();
    const own = new RejectedError('not_found', 'what it looked for');
    const failed = withAccess(
      directory,
      'test',
      async () => {
        await barWorldTime(directory);
        throw own;
      },
      { creates: true },
    );
    await expect(failed).rejects.toMatchObject({
      errors: [own, { message: expect.stringContaining('world-clock.json') }],
    });
    expect(await readHolder(directory)).toBeNull();
  });

  it.skipIf(!runsDear)('vm up says so, and has let go of the directory', { timeout: 60_000 }, async () => {
    const directory = await temporary();
    const launched = launchUp(directory, { speed: '1' });
    try {
      const stack = await untilUp(launched);
      const mend = await barWorldTime(directory);
      expect(await stack.stop()).toBe(2);
      expect(await readdir(directory)).not.toContain('stack.json');
      const { stdout, stderr } = await launched.ended;
      expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
        error: { message: expect.stringContaining('world-clock.json') },
      });
      expect(stderr).toContain('stopped');
      await mend();
      expect(await run('status', '--dir', directory)).toMatchObject({ code: 0 });
    } finally {
      await launched.kill();
    }
  });
});
