/**
 * A copy of the embedded platform's state that behaves like the original after a crash at that moment: nothing acknowledged
 * is missing, what was under way comes again. Hence the order: who knows less first. State before the bus (an intent that
 * says "published" must find its event in the bus or the warehouse), the bus before the warehouse (what the bus no longer
 * holds was on record by then; what it still holds is delivered again and deduplicated).
 */
import { cp, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createFilesystemObjects } from './adapters/objects/filesystem.ts';
import { copyDatabase } from './adapters/sqlite/copy.ts';
import { RejectedError } from './errors.ts';
import { markWhole } from './platform-layout.ts';
import type { Objects, StoredObject } from './ports/objects.ts';
import { makeDirectory } from './runtime/make-directory.ts';

/** In this order. market.sqlite is the simulated world's, which must not forget what we believe it runs. */
const DATABASES = ['state.sqlite', 'bus.sqlite', 'market.sqlite'];
const PAGE = 500;

/** An object that the copy does not have, and why. */
export interface NotCopied {
  readonly name: string;
  readonly why: string;
}

/**
 * A damaged object is left out and named: what is whole is worth most just then. All else that fails ends the copy, and what
 * there is of it is refused as a state directory.
 */
export async function backUp(options: {
  readonly from: string;
  readonly to: string;
  readonly objects: Objects;
  readonly warehouse: { backup(file: string): Promise<void> };
}): Promise<readonly NotCopied[]> {
  const { from, to, objects, warehouse } = options;
  await makeDirectory(to);
  if ((await readdir(to)).length > 0)
    throw new RejectedError('usage', `${to} is not empty; a backup needs an empty directory`);
  // First: a copy that is cut short must not pass for a directory in which little has happened yet.
  await markWhole(to);
  for (const name of DATABASES) {
    if (await exists(join(from, name))) copyDatabase(join(from, name), join(to, name));
  }
  const notCopied = await copyObjects(objects, join(to, 'objects'));
  await warehouse.backup(join(to, 'warehouse.duckdb'));
  // Last: world time may only go forward from what the copies hold.
  await cp(join(from, 'world-clock.json'), join(to, 'world-clock.json'));
  return notCopied;
}

async function copyObjects(source: Objects, directory: string): Promise<readonly NotCopied[]> {
  const target = await createFilesystemObjects({ directory });
  const notCopied: NotCopied[] = [];
  try {
    for (let after = ''; ; ) {
      const page = await source.list('', { limit: PAGE, ...(after === '' ? {} : { after }) });
      for (const { name } of page) {
        const object = await readWhole(source, name);
        // Removed since it was listed: as if the backup had come a moment later.
        if (object === null) continue;
        if ('why' in object) notCopied.push(object);
        else await target.write(name, object.bytes, { generationMatch: '0' }, object.metadata);
      }
      const last = page.at(-1);
      if (last === undefined) return notCopied;
      after = last.name;
    }
  } finally {
    await target.close();
  }
}

async function readWhole(source: Objects, name: string): Promise<StoredObject | NotCopied | null> {
  try {
    return await source.read(name);
  } catch (error) {
    if (error instanceof RejectedError && error.code === 'object_damaged') return { name, why: error.message };
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
