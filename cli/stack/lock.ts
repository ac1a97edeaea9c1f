/**
 * Who holds a state directory: `stack.json` with pid, port and token of the process.
 * States: free (no file, or its process is gone) -> held. The file is a signpost for `vm`; what really keeps a second
 * process out is the lock of the warehouse file itself.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';

const holder = z.object({
  pid: z.int(),
  /** When the process of that pid was started, where the system tells: a pid alone may be another process by now. */
  started: z.string().nullable(),
  /** Port of the operations door on loopback; null: a short command that serves none. */
  port: z.int().nullable(),
  token: z.string(),
  command: z.string(),
});
export type Holder = z.infer<typeof holder>;

/** Only the owner of the directory may read the token. */
const FILE_MODE = 0o600;
const fileOf = (directory: string): string => join(directory, 'stack.json');

/** The living holder of the directory, or null. */
export async function readHolder(directory: string): Promise<Holder | null> {
  const found = await readFileOrNull(fileOf(directory));
  // Torn by a kill while it was written: nobody holds it.
  const parsed = holder.safeParse(parseOrNull(found));
  if (!parsed.success || !isAlive(parsed.data.pid)) return null;
  return parsed.data.started === (await startOf(parsed.data.pid)) ? parsed.data : null;
}

export interface Lock {
  readonly token: string;
  /** Says where the operations door is. */
  announce(port: number): Promise<void>;
  /** Removes the signpost, unless another has put up its own meanwhile. */
  release(): Promise<void>;
}

/** @throws RejectedError warehouse_locked when another living process holds the directory. */
export async function takeLock(directory: string, command: string): Promise<Lock> {
  await mkdir(directory, { recursive: true });
  const file = fileOf(directory);
  const current = await readHolder(directory);
  if (current !== null && current.pid !== process.pid) throw heldBy(directory, current);
  await rm(file, { force: true });

  const token = randomBytes(16).toString('hex');
  const started = await startOf(process.pid);
  const textOf = (port: number | null): string =>
    JSON.stringify({ pid: process.pid, started, port, token, command } satisfies Holder);
  try {
    await writeFile(file, textOf(null), { mode: FILE_MODE, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw heldBy(directory, await readHolder(directory));
  }
  return {
    token,
    announce: (port) => writeFile(file, textOf(port), { mode: FILE_MODE }),
    async release() {
      const now = holder.safeParse(parseOrNull(await readFileOrNull(file)));
      if (now.success && now.data.token === token) await rm(file, { force: true });
    },
  };
}

const heldBy = (directory: string, other: Holder | null): RejectedError =>
  new RejectedError(
    'warehouse_locked',
    `${directory} is held by ${other === null ? 'another vm' : `vm ${other.command} (pid ${other.pid})`}`,
  );

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Start of a process in ticks since boot: field 22 of proc(5) stat, counted after the name, which may hold spaces. Null: not Linux. */
async function startOf(pid: number): Promise<string | null> {
  const stat = await readFileOrNull(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

async function readFileOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ESRCH: a process that ended while its file in /proc was read.
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}

function parseOrNull(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
