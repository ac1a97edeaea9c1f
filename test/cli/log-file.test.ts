import { existsSync } from 'node:fs';
import { readFile, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { logFile } from '#cli/stack/log-file.ts';
import { createLog } from '#shared/telemetry/log.ts';
import { temporary } from './run.ts';

const NOON = Date.UTC(2026, 0, 1, 12);
const options = (notes: string[] = []) => ({
  note: (text: string) => void notes.push(text),
  clock: { now: () => NOON },
});

describe('the log file', () => {
  it('goes on where it was, and at the limit starts anew', async () => {
    const path = join(await temporary(), 'aurora.log');
    const first = logFile(path, options());
    first.write('one\n');
    first.close();
    const second = logFile(path, { ...options(), maxBytes: 10 });
    for (const line of ['two\n', 'three\n', 'four\n', 'five\n']) second.write(line);
    second.close();
    expect(await readFile(`${path}.1`, 'utf8')).toBe('one\ntwo\nthree\n');
    expect(await readFile(path, 'utf8')).toBe('four\nfive\n');
  });

  // Every write to /dev/full fails with ENOSPC, as on a full disk.
  it.runIf(existsSync('/dev/full'))('ends nobody when the disk is full, and counts what it lost', async () => {
    const path = join(await temporary(), 'aurora.log');
    await symlink('/dev/full', path);
    const notes: string[] = [];
    const file = logFile(path, options(notes));
    const log = createLog({ level: 'info', destination: file });
    for (let index = 0; index < 3; index += 1) log.info({ index }, 'lost');
    expect(notes).toEqual([
      `${path} cannot be written, log lines are being lost: ENOSPC: no space left on device, write`,
    ]);

    // There is room again.
    await rm(path);
    log.info({}, 'kept');
    log.info({}, 'kept too');
    file.close();
    expect(notes.slice(1)).toEqual([`${path} is written again; 3 log lines were lost`]);
    const lines = (await readFile(path, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      {
        severity: 'WARNING',
        time: '2026-01-01T12:00:00.000Z',
        lost_lines: 3,
        message: expect.stringContaining('ENOSPC'),
      },
      { message: 'kept' },
      { message: 'kept too' },
    ]);
  });

  it('ends nobody when it cannot be turned over', async () => {
    const directory = await temporary();
    const path = join(directory, 'aurora.log');
    const notes: string[] = [];
    const file = logFile(path, { ...options(notes), maxBytes: 1 });
    file.write('one\n');
    // The folder is gone: neither the rename nor the open can work.
    await rm(directory, { recursive: true });
    file.write('two\n');
    file.write('three\n');
    expect(notes).toHaveLength(1);
    file.close();
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });
});
