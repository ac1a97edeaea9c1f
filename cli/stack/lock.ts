/**
 * Who holds a state directory: `stack.json` with pid, port and token of the process.
 * States: free (no file, or its process is gone) -> held. The file is a signpost for `vm`; what really keeps a second
 * process out is the lock of the warehouse file itself.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';

const holder = z.object({
  pid: z.int(),
  /** Port of the operations door on loopback; null: a short command that serves none. */
  port: z.int().nullable(),
  token: z.string(),
  command: z.string(),
});
export type Holder = z.infer<typeof holder>;

const fileOf = (directory: string): string => join(directory, 'stack.json');

/** The living holder of the directory, or null. */
export async function readHolder(directory: string): Promise<Holder | null> {
  let text: string;
  try {
    text = await readFile(fileOf(directory), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  // Torn by a kill while it was written: nobody holds it.
  const parsed = holder.safeParse(parseOrNull(text));
  return parsed.success && isAlive(parsed.data.pid) ? parsed.data : null;
}

export interface Lock {
  readonly token: string;
  /** Says where the operations door is. */
  announce(port: number): Promise<void>;
  release(): Promise<void>;
}

/** @throws RejectedError warehouse_locked when another living process holds the directory. */
export async function takeLock(directory: string, command: string): Promise<Lock> {
  await mkdir(directory, { recursive: true });
  const current = await readHolder(directory);
  if (current !== null && current.pid !== process.pid) {
    throw new RejectedError('warehouse_locked', `${directory} is held by vm ${current.command} (pid ${current.pid})`);
  }
  await rm(fileOf(directory), { force: true });
  const token = randomBytes(16).toString('hex');
  const write = async (port: number | null): Promise<void> => {
    const file = await open(fileOf(directory), 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify({ pid: process.pid, port, token, command } satisfies Holder));
    } finally {
      await file.close();
    }
  };
  await write(null);
  return {
    token,
    announce: (port) => write(port),
    release: () => rm(fileOf(directory), { force: true }),
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
