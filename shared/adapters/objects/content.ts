import { randomBytes } from 'node:crypto';
import { statSync, unlinkSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { OBJECTS_ORPHAN_AGE_MS } from '#shared/defaults.ts';
import { hasCode } from './failure.ts';
import { contentIdOf } from './name.ts';

/** Tries of mkdir + create while another process sweeps empty folders away between the two. */
const FOLDER_TRIES = 10;

/**
 * Content files: written once under a path that nobody else has, never changed, removed when the index has let go of them.
 * Paths are relative to the store, with "/".
 */
export interface ContentFiles {
  /** Resolves when the bytes and the folders that lead to them are on the disk. */
  create(path: string, bytes: Uint8Array): Promise<void>;
  exists(path: string): boolean;
  /** Null when there is no such file (any more). */
  read(path: string): Promise<Uint8Array | null>;
  /** Removes a file that the index does not name. */
  discard(path: string): Promise<void>;
  /** Content files that are old enough to be no writer's in hand and whose id is not in `known`; empty folders go on the way. */
  orphans(known: ReadonlySet<string>): Promise<readonly string[]>;
  discardNow(path: string): void;
}

export const newContentId = (): string => randomBytes(16).toString('hex');

export function contentFiles(directory: string): ContentFiles {
  /** Folders whose own entries this process has seen on the disk, up to the store's. */
  const durable = new Set<string>();

  async function syncFolder(folder: string): Promise<void> {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** The new file's entry, and once per process those of the folders above: another process may have made them just now. */
  async function syncFolders(folder: string): Promise<void> {
    await syncFolder(folder);
    for (let at = folder; at !== directory && !durable.has(at); at = dirname(at)) {
      await syncFolder(dirname(at));
      durable.add(at);
    }
  }

  async function openNew(file: string) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await open(file, 'wx');
      } catch (error) {
        if (!hasCode(error, 'ENOENT') || attempt === FOLDER_TRIES) throw error;
        const folder = dirname(file);
        for (let at = folder; at !== directory; at = dirname(at)) durable.delete(at);
        await mkdir(folder, { recursive: true });
      }
    }
  }

  return {
    async create(path, bytes) {
      const file = join(directory, path);
      const handle = await openNew(file);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await syncFolders(dirname(file));
    },
    exists: (path) => statSync(join(directory, path), { throwIfNoEntry: false }) !== undefined,
    async read(path) {
      try {
        const buffer = await readFile(join(directory, path));
        return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength); // A Buffer's slice() is a view: a trap.
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return null;
        throw error;
      }
    },
    async discard(path) {
      try {
        await unlink(join(directory, path));
      } catch (error) {
        // Gone already, or not to be had now: the index does not name it, and the sweep at the next open comes back for it.
        if (!hasCode(error, 'ENOENT', 'EACCES', 'EPERM', 'EBUSY', 'EIO', 'EROFS')) throw error;
      }
    },
    async orphans(known) {
      const before = (await fileSystemNow(directory)) - OBJECTS_ORPHAN_AGE_MS;
      const found: string[] = [];
      await walk(directory, async (file, name) => {
        const contentId = contentIdOf(name);
        if (contentId === null || known.has(contentId)) return;
        const facts = await stat(file).catch(absentAsNull);
        if (facts !== null && facts.mtimeMs < before) found.push(relative(directory, file).split(sep).join('/'));
      });
      return found;
    },
    discardNow(path) {
      try {
        unlinkSync(join(directory, path));
      } catch (error) {
        if (!hasCode(error, 'ENOENT')) throw error;
      }
    },
  };
}

/** Ages are taken on the file system's own clock, which need not be this machine's. */
async function fileSystemNow(directory: string): Promise<number> {
  const probe = join(directory, `.now-${newContentId()}`);
  const handle = await open(probe, 'wx');
  try {
    await handle.writeFile('now');
    return (await handle.stat()).mtimeMs;
  } finally {
    await handle.close();
    await rm(probe, { force: true });
  }
}

async function walk(folder: string, visit: (file: string, name: string) => Promise<void>, top = true): Promise<void> {
  const entries = (await readdir(folder, { withFileTypes: true }).catch(absentAsNull)) ?? [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !entry.name.startsWith('.')) await walk(path, visit, false);
    else if (entry.isFile()) await visit(path, entry.name);
  }
  if (top) return;
  // Takes empty folders only, on its way back from the deepest.
  await rmdir(folder).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  });
}

function absentAsNull(error: unknown): null {
  if (hasCode(error, 'ENOENT')) return null;
  throw error;
}
