import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { RejectedError, TransientError } from '#shared/errors.ts';

/**
 * The directory and its parents, made where they are missing. One level at a time: the recursive mkdir of Node never returns
 * under a file system that refuses new names with "no such file" (/proc: nodejs/node 24 spins there).
 * @throws RejectedError config_invalid when it cannot be, TransientError disk_full
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    for (const missing of await missingLevels(resolve(path))) await makeLevel(missing);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code === 'ENOSPC') throw new TransientError('disk_full', `${path}: ${message}`, { cause: error });
    throw new RejectedError('config_invalid', `${path} cannot be a directory for state: ${message}`, { cause: error });
  }
}

/** Outermost first. */
async function missingLevels(path: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    const found = await statOrNull(at);
    if (found === null) missing.unshift(at);
    else if (found.isDirectory()) return missing;
    else throw Object.assign(new Error(`${at} is a file`), { code: 'ENOTDIR' });
  }
}

async function statOrNull(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ENOTDIR: a level above is a file, and the walk upwards finds which.
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

async function makeLevel(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
