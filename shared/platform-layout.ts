/**
 * Which files make a state directory whole, and the marker that says it has been so once. From then on a store that is not
 * there is lost, not new: begun anew without a word, the record, the events under way or the salt would be gone unnoticed.
 * States: no marker (new, half made, or older than the marker) -> all stores are on the disk -> marked, until `vm reset`.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { createFile } from './adapters/files/whole-file.ts';
import { RejectedError } from './errors.ts';
import type { Log } from './ports/log.ts';

export const MARKER = 'layout.json';
const VERSION = 1;

/** The stores of the platform. Not market.sqlite: that world is the simulator's, and not every stack has one. */
const STORES = ['world-clock.json', 'state.sqlite', 'bus.sqlite', 'warehouse.duckdb', join('objects', '.index.sqlite')];

const marker = z.object({ version: z.int().positive() });

/**
 * Before anything is opened, for opening creates.
 * @throws RejectedError store_corrupt when a store of a marked directory is missing, or the marker is damaged;
 * warehouse_incompatible when a newer build made the directory
 */
export async function refuseMissingStores(directory: string): Promise<void> {
  const path = join(directory, MARKER);
  const text = await textOf(path);
  if (text === null) return;
  const version = versionIn(path, text);
  if (version > VERSION)
    throw new RejectedError('warehouse_incompatible', `${path} is of version ${version}; this build knows ${VERSION}`);
  const missing = await missingStores(directory);
  if (missing.length > 0)
    throw new RejectedError('store_corrupt', `${missing.join(', ')}: missing, though ${path} says it was there`);
}

/**
 * To be asked after each store that was created: marks the directory, durably, when they are all there. That it cannot be
 * marked stops nobody; the next asking tries again.
 */
export function layoutMarker(directory: string, log: Log): () => Promise<void> {
  let marked = false;
  return async () => {
    if (marked) return;
    try {
      if ((await missingStores(directory)).length > 0) return;
      await markWhole(directory);
      marked = true;
    } catch (error) {
      log.warn({ error: String(error) }, `${MARKER} could not be written; a store that gets lost would go unnoticed`);
    }
  };
}

/** Resolves when the disk has it. One that is there already stays. */
export const markWhole = (directory: string): Promise<void> =>
  createFile(join(directory, MARKER), `${JSON.stringify({ version: VERSION })}\n`);

function versionIn(path: string, text: string): number {
  try {
    return marker.parse(JSON.parse(text)).version;
  } catch (cause) {
    throw new RejectedError('store_corrupt', `${path} does not say what this directory holds`, { cause });
  }
}

async function missingStores(directory: string): Promise<readonly string[]> {
  const paths = STORES.map((name) => join(directory, name));
  const there = await Promise.all(paths.map(isThere));
  return paths.filter((_, index) => there[index] === false);
}

const isThere = async (path: string): Promise<boolean> => (await unlessMissing(stat(path))) !== null;
const textOf = (path: string): Promise<string | null> => unlessMissing(readFile(path, 'utf8'));

async function unlessMissing<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}
