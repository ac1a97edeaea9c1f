/**
 * Files that are whole or not there. What is to become one is made beside it, brought to the disk, and put in place by one step
 * of the file system; so an empty or a cut file in that place is damage, never a beginning.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, unlinkSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A path beside `file` that nobody else has. */
export const besideOf = (file: string): string => `${file}.new-${randomBytes(6).toString('hex')}`;

/** Puts the made file in place, unless another was first; then that one stays. What it holds must be on the disk. */
export function putInPlace(made: string, file: string): void {
  try {
    linkSync(made, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(made);
  }
  const folder = openSync(dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Creates the file, on the disk when it resolves, unless another was first; then that one stays. Several may try at once. */
export async function createFile(file: string, text: string): Promise<void> {
  const made = besideOf(file);
  await writeSynced(made, text);
  putInPlace(made, file);
}

/** Replaces the file: a reader, a crash and a power cut see the old text or the new. One writer at a time. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const made = `${file}.new`;
  await writeSynced(made, text);
  await rename(made, file);
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
