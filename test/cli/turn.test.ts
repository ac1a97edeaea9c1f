import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readHolder } from '#cli/stack/lock.ts';
import { takeDirectory, takeTurn } from '#cli/stack/turn.ts';
import { startVm } from '#test/system/vm-process.ts';
import { emptyState, run, temporary } from './run.ts';

/** A living process that is not this one. */
const OTHER = process.ppid;

async function heldDirectory(port: number | null): Promise<string> {
  const directory = await temporary();
  const holder = { pid: OTHER, started: startOf(OTHER), port, token: 't', command: 'train' };
  await writeFile(join(directory, 'stack.json'), JSON.stringify(holder));
  return directory;
}

/** Field 22 of proc(5) stat, as the signpost has it; null where the system does not tell. */
function startOf(pid: number): string | null {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) ? (readFileSync(path, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? null) : null;
}

/** Time that passes only while somebody waits. */
function waiting(during: (waitedMs: number) => Promise<void> = async () => undefined) {
  let now = 1_000;
  const notes: string[] = [];
  return {
    notes,
    clock: { now: () => now },
    note: (text: string) => void notes.push(text),
    pause: async (ms: number) => {
      now += ms;
      await during(now - 1_000);
    },
  };
}

describe("one's turn on a state directory", () => {
  it('comes when the short command before has ended, and says once for whom it waits', async () => {
    const directory = await heldDirectory(null);
    const wait = waiting(async (waitedMs) => {
      if (waitedMs === 2_000) await rm(join(directory, 'stack.json'));
    });
    const turn = await takeTurn({ directory, command: 'status', ...wait });
    expect(turn).toHaveProperty('lock');
    expect(await readHolder(directory)).toMatchObject({ pid: process.pid, command: 'status' });
    expect(wait.notes).toEqual([`${directory} is held by vm train (pid ${OTHER}); waiting for it, at most 30 s ...`]);
  });

  it('is refused at the limit', async () => {
    const directory = await heldDirectory(null);
    const wait = waiting();
    await expect(takeTurn({ directory, command: 'status', ...wait })).rejects.toMatchObject({
      code: 'warehouse_locked',
      message: `${directory} is held by vm train (pid ${OTHER}), still after 30 s`,
    });
    expect(wait.clock.now()).toBe(31_000);
    expect(await readHolder(directory)).toMatchObject({ pid: OTHER });
  });

  it('is no question while a stack runs: that one is asked, or in the way', async () => {
    const directory = await heldDirectory(4711);
    const wait = waiting();
    expect(await takeTurn({ directory, command: 'status', ...wait })).toMatchObject({ running: { port: 4711 } });
    await expect(takeDirectory({ directory, command: 'up', ...wait })).rejects.toMatchObject({
      code: 'warehouse_locked',
    });
    expect(wait.notes).toEqual([]);
  });

  it('comes to both of two commands that start at once', { timeout: 30_000 }, async () => {
    const directory = await temporary();
    await emptyState(directory);
    const started = Array.from({ length: 2 }, () => startVm(['status', '--json', '--dir', directory]));
    try {
      for (const { code, stdout } of await Promise.all(started.map((one) => one.ended))) {
        expect(code).toBe(0);
        expect(JSON.parse(stdout)).toMatchObject({ decisions: { accepted: 0 } });
      }
    } finally {
      for (const one of started) await one.kill();
    }
    expect(await run('status', '--dir', directory)).toMatchObject({ code: 0, err: '' });
  });
});
