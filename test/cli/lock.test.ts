import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readHolder, takeLock } from '#cli/stack/lock.ts';
import { temporary } from './run.ts';

const fileIn = (directory: string): string => join(directory, 'stack.json');
const held = expect.objectContaining({ code: 'warehouse_locked' });
/** PID 1 always lives, and is never this process. */
const ALIVE = 1;
/** Past every pid_max. */
const GONE = 2 ** 30;

const holder = (changes: object): string =>
  JSON.stringify({ pid: ALIVE, started: null, port: 8090, token: 't', command: 'up', ...changes });

/** What this system says of a process: null where it does not tell. */
async function startOf(pid: number): Promise<string | null> {
  const directory = await temporary();
  for (const candidate of [null, ...(await ticksOf(pid))]) {
    await writeFile(fileIn(directory), holder({ pid, started: candidate }));
    if ((await readHolder(directory)) !== null) return candidate;
  }
  throw new Error(`process ${pid} is not seen to live`);
}

async function ticksOf(pid: number): Promise<string[]> {
  try {
    return (await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ');
  } catch {
    return [];
  }
}

describe('the signpost of a state directory', () => {
  it('says who holds it and where its door is, to its owner only; then it is gone', async () => {
    const directory = join(await temporary(), 'new');
    const lock = await takeLock(directory, 'train');
    expect(await readHolder(directory)).toMatchObject({ pid: process.pid, port: null, command: 'train' });
    await lock.announce({ port: 4711, frontDoor: null });
    expect(await readHolder(directory)).toMatchObject({ port: 4711, token: lock.token });
    expect((await stat(fileIn(directory))).mode & 0o077).toBe(0);
    await lock.release();
    expect(await readHolder(directory)).toBeNull();
  });

  it('of a living process keeps others out', async () => {
    const directory = await temporary();
    await writeFile(fileIn(directory), holder({ started: await startOf(ALIVE) }));
    await expect(takeLock(directory, 'train')).rejects.toThrow(held);
    await expect(takeLock(directory, 'train')).rejects.toThrow(`${directory} is held by vm up (pid ${ALIVE})`);
  });

  it.each([
    ['of a process that is gone', holder({ pid: GONE })],
    ['of a pid that is another process by now', holder({ started: '0' })],
    ['torn by a kill', holder({}).slice(0, 20)],
    ['of another shape', '{"pid":"1"}'],
    ['empty', ''],
  ])('%s keeps nobody out', async (_what, text) => {
    const directory = await temporary();
    await writeFile(fileIn(directory), text);
    expect(await readHolder(directory)).toBeNull();
    const lock = await takeLock(directory, 'status');
    expect(await readHolder(directory)).toMatchObject({ token: lock.token });
  });

  it('of another, put up meanwhile, is not taken down', async () => {
    const directory = await temporary();
    const lock = await takeLock(directory, 'status');
    const theirs = holder({ token: 'theirs' });
    await writeFile(fileIn(directory), theirs);
    await lock.release();
    expect(await readFile(fileIn(directory), 'utf8')).toBe(theirs);
  });

  it('of two that come at once, one gets it', async () => {
    const directory = await temporary();
    await writeFile(fileIn(directory), holder({ pid: GONE }));
    // Both see the dead one's; which is why creating is exclusive.
    const taken = await Promise.allSettled([takeLock(directory, 'a'), takeLock(directory, 'b')]);
    const winners = taken.flatMap((result) => (result.status === 'fulfilled' ? [result.value.token] : []));
    expect(winners).toContain((await readHolder(directory))?.token);
  });
});
