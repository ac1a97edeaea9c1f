import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LIST_LIMIT_DEFAULT } from '#shared/defaults.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { Objects, ObjectVersion, StoredObject } from '#shared/ports/objects.ts';
import { type ContentFiles, contentFiles, newContentId } from './content.ts';
import { asObjectsError } from './failure.ts';
import { type IndexFile, type IndexRow, openIndex } from './index-file.ts';
import { objectsLife } from './life.ts';
import { checkName, checkPrefix, contentPath } from './name.ts';
import { checkPrecondition } from './precondition.ts';

/** A read meets a replaced content file at most this often in a row; a write takes many times longer than an index lookup. */
const READ_TRIES = 100;
/** Orphans removed under one hold of the write lock. */
const SWEEP_BATCH = 64;

/**
 * Objects on the local file system, for one process or several.
 *
 * An object's life: content file written and synced (nobody's) -> named by the index in one transaction, preconditions
 * checked (live) -> replaced or removed in the index (nobody's again) -> file deleted. A crash between two steps leaves a file
 * that nobody names, which the next open sweeps; the index never names bytes that are not whole on the disk.
 * @throws TransientError objects_unavailable, disk_full
 */
export async function createFilesystemObjects(options: { readonly directory: string }): Promise<Objects> {
  const directory = resolve(options.directory);
  try {
    await mkdir(directory, { recursive: true });
    const index = openIndex(join(directory, '.index.sqlite'));
    const files = contentFiles(directory);
    try {
      await sweep(index, files);
    } catch (error) {
      index.close();
      throw error;
    }
    return objectsOver(index, files);
  } catch (error) {
    throw asObjectsError(error, `open object store ${directory}`);
  }
}

function objectsOver(index: IndexFile, files: ContentFiles): Objects {
  const life = objectsLife();

  async function readLive(name: string, unlessGeneration: string | null): Promise<StoredObject | 'unchanged' | null> {
    let missing: string | null = null;
    for (let attempt = 1; attempt <= READ_TRIES; attempt += 1) {
      const row = index.find(name);
      if (row === null) return null;
      if (row.generation === unlessGeneration) return 'unchanged';
      if (row.contentId === missing) throw damaged(row, 'its content file is missing');
      const bytes = await files.read(contentPath(name, row.contentId));
      if (bytes !== null) return { ...versionOf(row), bytes: verified(row, bytes) };
      missing = row.contentId; // Replaced or removed meanwhile, unless the index still says the same.
    }
    throw new TransientError(
      'objects_unavailable',
      `object ${JSON.stringify(name)}: replaced ${READ_TRIES} times while read`,
    );
  }

  return {
    async read(name) {
      checkName(name);
      const found = await life.during(`read ${name}`, () => readLive(name, null));
      return found === 'unchanged' ? null : found;
    },
    async readUnless(name, unlessGeneration) {
      checkName(name);
      return await life.during(`read ${name}`, () => readLive(name, unlessGeneration));
    },
    async write(name, bytes, precondition, metadata = {}) {
      checkName(name);
      // The caller's buffer may be reused before the disk has it; hash and file must be of the same bytes.
      const content = new Uint8Array(bytes);
      const row = {
        name,
        size: content.byteLength,
        sha256: sha256(content),
        contentId: newContentId(),
        metadata: { ...metadata },
      };
      return await life.during(`write ${name}`, async () => {
        checkPrecondition(name, index.find(name), precondition); // Spares the loser of a race the two syncs.
        const path = contentPath(name, row.contentId);
        let replaced: IndexRow | null;
        let written: IndexRow;
        try {
          await files.create(path, content);
          [replaced, written] = index.exclusively(() => {
            const live = index.find(name);
            checkPrecondition(name, live, precondition);
            // A writer that slept for longer than the orphan age may find its file swept; sweeps hold this same lock.
            if (!files.exists(path)) throw new Error(`content file ${path} has gone before it was named`);
            return [live, index.put(row)] as const;
          });
        } catch (error) {
          await files.discard(path);
          throw error;
        }
        if (replaced !== null) await files.discard(contentPath(name, replaced.contentId));
        return versionOf(written);
      });
    },
    async writeMetadata(name, metadata, precondition) {
      checkName(name);
      return await life.during(`write metadata of ${name}`, async () =>
        index.exclusively(() => {
          const live = index.find(name);
          checkPrecondition(name, live, precondition);
          if (live === null) throw new RejectedError('not_found', `object ${JSON.stringify(name)}: does not exist`);
          return versionOf(index.putMetadata(live, { ...metadata }));
        }),
      );
    },
    async list(prefix, page = {}) {
      checkPrefix(prefix);
      checkPrefix(page.after ?? '');
      return await life.during(`list ${prefix}`, async () =>
        index
          .list(prefix, page.after ?? '', page.limit ?? LIST_LIMIT_DEFAULT)
          .map((row) => ({ name: row.name, ...versionOf(row) })),
      );
    },
    async remove(name, precondition) {
      checkName(name);
      return await life.during(`remove ${name}`, async () => {
        const removed = index.exclusively(() => {
          const live = index.find(name);
          checkPrecondition(name, live, precondition);
          if (live !== null) index.remove(name);
          return live;
        });
        if (removed !== null) await files.discard(contentPath(name, removed.contentId));
        return removed !== null;
      });
    },
    async close() {
      if (await life.end()) index.close();
    },
  };
}

/** Removes what a crash left behind. Under the write lock, so that a file cannot be named between the check and the unlink. */
async function sweep(index: IndexFile, files: ContentFiles): Promise<void> {
  const orphans = await files.orphans(index.contentIds());
  for (let start = 0; start < orphans.length; start += SWEEP_BATCH) {
    index.exclusively(() => {
      const named = index.contentIds();
      for (const path of orphans.slice(start, start + SWEEP_BATCH)) {
        if (!named.has(path.slice(path.lastIndexOf('@') + 1))) files.discardNow(path);
      }
    });
  }
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const versionOf = ({ generation, metageneration, size, metadata }: IndexRow): ObjectVersion => ({
  generation,
  metageneration,
  size,
  metadata,
});

function verified(row: IndexRow, bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength !== row.size) {
    throw damaged(row, `expected ${row.size} bytes, its content file has ${bytes.byteLength}`);
  }
  const actual = sha256(bytes);
  if (actual !== row.sha256) throw damaged(row, `expected sha256 ${row.sha256}, its content file has ${actual}`);
  return bytes;
}

/** Waiting does not heal it: the same answer comes until somebody restores the file or writes the object anew. */
function damaged({ name, generation, contentId }: IndexRow, what: string): RejectedError {
  return new RejectedError('object_damaged', `object ${JSON.stringify(name)} generation ${generation}: ${what}`, {
    cause: new Error(`content ${contentId}: ${what}`),
    details: { name, generation },
  });
}
