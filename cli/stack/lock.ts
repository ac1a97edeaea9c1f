/**
 * Who holds a state directory: `stack.json` with pid, port and token of the process.
 * States: free (no file, or its process is gone) -> held. The file is a signpost for `vm`; what really keeps a second
 * process out is the lock of the warehouse file itself.
 */
import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { RejectedError, TransientError } from '#shared/errors.ts';
import { makeDirectory } from '#shared/runtime/make-directory.ts';

const holder = z.object({
  pid: z.int(),
  /** When the process of that pid was started, where the system tells: a pid alone may be another process by now. */
  started: z.string().nullable(),
  /** Port of the operations door on loopback; null: a short command that serves none. */
  port: z.int().nullable(),
  /** Where tenants ask; null: no traffic is taken. */
  front_door: z.string().nullable().default(null),
  token: z.string(),
  command: z.string(),
});
export type Holder = z.infer<typeof holder>;

/** Only the owner of the directory may read the token. */
const FILE_MODE = 0o600;
const fileOf = (directory: string): string => join(directory, 'stack.json');

/** The living holder of the directory, or null. */
export async function readHolder(directory: string): Promise<Holder | null> {
  return livingHolder(await readFileOrNull(fileOf(directory)));
}

async function livingHolder(text: string | null): Promise<Holder | null> {
  const found = parseHolder(text);
  if (found === null || !isAlive(found.pid)) return null;
  return found.started === (await startOf(found.pid)) ? found : null;
}

export interface Lock {
  readonly token: string;
  /** Says where the doors are. */
  announce(doors: { readonly port: number; readonly frontDoor: string | null }): Promise<void>;
  /** Removes the signpost, unless another has put up its own meanwhile. */
  release(): Promise<void>;
}

/** @throws RejectedError warehouse_locked when another living process holds the directory, config_invalid when it cannot hold state. */
export async function takeLock(directory: string, command: string): Promise<Lock> {
  await makeDirectory(directory);
  const file = fileOf(directory);
  const token = randomBytes(16).toString('hex');
  const started = await startOf(process.pid);
  const write = (doors: Pick<Holder, 'port' | 'front_door'>, how: (whole: string) => Promise<void>): Promise<void> =>
    putUp(
      `${file}.${token}`,
      JSON.stringify({ pid: process.pid, started, ...doors, token, command } satisfies Holder),
      how,
    );
  for (let tries = 1; ; tries += 1) {
    try {
      await write({ port: null, front_door: null }, (whole) => link(whole, file));
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw notWritable(directory, error);
    }
    const current = await readHolder(directory);
    if ((current !== null && current.pid !== process.pid) || tries === TAKE_TRIES) throw heldBy(directory, current);
    await takeDown(file, `${file}.old-${token}`);
  }
  return {
    token,
    announce: ({ port, frontDoor }) => write({ port, front_door: frontDoor }, (whole) => rename(whole, file)),
    async release() {
      const now = parseHolder(await readFileOrNull(file));
      if (now?.token === token) await rm(file, { force: true });
    },
  };
}

/** Each loses to another process that starts at the same moment. */
const TAKE_TRIES = 5;

/** Whole before anyone can read it: half a signpost would be taken for one torn by a kill. */
async function putUp(part: string, text: string, how: (whole: string) => Promise<void>): Promise<void> {
  try {
    await writeFile(part, text, { mode: FILE_MODE });
    await how(part);
  } finally {
    await rm(part, { force: true });
  }
}

/** Removes what nobody living put up. Another may have put up its own since it was looked at: that one goes back. */
async function takeDown(file: string, aside: string): Promise<void> {
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const taken = await livingHolder(await readFileOrNull(aside));
  if (taken === null || taken.pid === process.pid) await rm(aside, { force: true });
  else await rename(aside, file);
}

export const heldBy = (directory: string, other: Pick<Holder, 'command' | 'pid'> | null): RejectedError =>
  new RejectedError(
    'warehouse_locked',
    `${directory} is held by ${other === null ? 'another vm' : `vm ${other.command} (pid ${other.pid})`}`,
  );

const notWritable = (directory: string, cause: unknown): unknown => {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === undefined) return cause;
  if (code === 'ENOSPC') return new TransientError('disk_full', `${directory}: ${message}`, { cause });
  return new RejectedError('config_invalid', `${directory} cannot hold state: ${message}`, { cause });
};

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

/** Null: no signpost, or not one of ours. */
function parseHolder(text: string | null): Holder | null {
  if (text === null) return null;
  try {
    return holder.safeParse(JSON.parse(text)).data ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
