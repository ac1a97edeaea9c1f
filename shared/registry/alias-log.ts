import { z } from 'zod';
import { count, name, timestamp } from '#shared/domain/primitives.ts';
import { AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { numberedName, sequencesUnder } from './numbered.ts';
import {
  createRecord,
  isCorrupt,
  isPreconditionFailed,
  jsonBytes,
  parseObject,
  readObject,
  sameBytes,
} from './object-json.ts';
import { verdictKind } from './verdict.ts';

/**
 * Which version an alias names. The log is the truth: create-only `aliases/<alias>/000042.json`, the highest sequence is the
 * head. `aliases/<alias>.json` is a cache of the head, only to spare readers the listing; when it is stale, missing or corrupt
 * it is repaired by whoever notices. Creating the next sequence is the one step that moves an alias: a crash before it changed
 * nothing, after it everything.
 */
const ALIASES = ['champion', 'apprentice'] as const;
export type Alias = (typeof ALIASES)[number];

const aliasEntry = z.strictObject({
  /** From 1, without gaps. */
  sequence: count,
  alias: z.enum(ALIASES),
  /** Null: no model; the rules act. */
  version: name.nullable(),
  previous_version: name.nullable(),
  /** World time. */
  at: timestamp,
  /** `promote`, or the person who moved it. */
  by: name,
  reason: z.string().min(1).max(1024),
  /** What the gate had said; null when it was not asked. */
  verdict: verdictKind.nullable(),
  forced: z.boolean(),
});
export type AliasEntry = z.infer<typeof aliasEntry>;

export interface AliasLog {
  /** Null when the alias was never moved. @throws RejectedError artefact_corrupt when the highest entry cannot be read */
  head(alias: Alias): Promise<AliasEntry | null>;
  /** Every entry that can be read, oldest first. */
  history(alias: Alias): Promise<readonly AliasEntry[]>;
  /** The newest RECENT_ENTRIES after `after`, oldest first; null in the place of one that cannot be read. */
  recent(alias: Alias, after?: number): Promise<RecentEntries>;
  /**
   * Appends what `next` makes of the head (null: never moved, or unreadable) and its sequence (0: never moved); a `next` that
   * answers null appends nothing. Called again when another writer was first. Answers the entry appended, or the head that
   * stays.
   * @throws TransientError objects_unavailable when others were first too often
   */
  append(
    alias: Alias,
    next: (head: AliasEntry | null, sequence: number) => NewEntry | null,
  ): Promise<AliasEntry | null>;
}

export interface RecentEntries {
  /** Of the head; 0 when the alias was never moved. */
  readonly sequence: number;
  readonly entries: readonly (AliasEntry | null)[];
}

export type NewEntry = Omit<AliasEntry, 'sequence' | 'alias' | 'previous_version'>;

/** What the cache holds (null: nothing of use), and the generation that a repair replaces. */
interface Cache {
  readonly entry: AliasEntry | null;
  readonly generation: string;
}

/** Each lost round means that another writer won one; more than this many at once is not people and one gate. */
const APPEND_ATTEMPTS = 32;
/** Moves in months of operation; bounds what a look back reads. */
const RECENT_ENTRIES = 128;

/** @param repairs false: a reader that leaves even a stale cache as it is */
export function createAliasLog(objects: Objects, { repairs = true }: { readonly repairs?: boolean } = {}): AliasLog {
  const readEntry = async (alias: Alias, sequence: number): Promise<AliasEntry | null> => {
    const stored = await readObject(objects, entryName(alias, sequence));
    return stored === null ? null : parseEntry(alias, sequence, stored.bytes);
  };

  const sequences = (alias: Alias): Promise<readonly number[]> => sequencesUnder(objects, entryPrefix(alias));

  const readCache = async (alias: Alias): Promise<Cache> => {
    try {
      const stored = await readObject(objects, cacheName(alias));
      if (stored === null) return { entry: null, generation: '0' };
      return { entry: readable(alias, stored.bytes), generation: stored.generation };
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      return { entry: null, generation: String(error.details?.['generation']) };
    }
  };

  /** The cached head if the log agrees with it; null when the cache is of no use. */
  const trusted = async (alias: Alias, { entry }: Cache): Promise<AliasEntry | null> => {
    if (entry === null) return null;
    const logged = await unlessCorrupt(readObject(objects, entryName(alias, entry.sequence)));
    return logged !== null && sameBytes(logged.bytes, jsonBytes(entry)) ? entry : null;
  };

  /** True also for one that cannot be read: it is there all the same. */
  const exists = async (alias: Alias, sequence: number): Promise<boolean> => {
    try {
      return (await readObject(objects, entryName(alias, sequence))) !== null;
    } catch (error) {
      if (isCorrupt(error)) return true;
      throw error;
    }
  };

  const head = async (alias: Alias): Promise<AliasEntry | null> => {
    const cache = await readCache(alias);
    const cached = await trusted(alias, cache);
    if (cached !== null && !(await exists(alias, cached.sequence + 1))) return cached;
    const last = (await sequences(alias)).at(-1);
    const newest = last === undefined ? null : await readEntry(alias, last);
    if (newest !== null && repairs) await repairCache(objects, newest, cache);
    return newest;
  };

  /** An entry as it can be read; the newest from its copy in the cache, when the log's own is damaged. */
  const readableEntry = async (alias: Alias, sequence: number, cache: Cache): Promise<AliasEntry | null> => {
    const stored = await unlessCorrupt(readObject(objects, entryName(alias, sequence)));
    const entry = stored === null ? null : readable(alias, stored.bytes);
    if (entry?.sequence === sequence) return entry;
    return cache.entry?.sequence === sequence ? cache.entry : null;
  };

  return {
    head,

    async history(alias) {
      const cache = await readCache(alias);
      const entries: AliasEntry[] = [];
      for (const sequence of await sequences(alias)) {
        const entry = await readableEntry(alias, sequence, cache);
        if (entry !== null) entries.push(entry);
      }
      return entries;
    },

    async recent(alias, after = 0) {
      const known = (await sequences(alias)).filter((sequence) => sequence > after);
      const cache = await readCache(alias);
      const entries: (AliasEntry | null)[] = [];
      for (const sequence of known.slice(-RECENT_ENTRIES)) entries.push(await readableEntry(alias, sequence, cache));
      return { sequence: known.at(-1) ?? after, entries };
    },

    async append(alias, next) {
      for (let attempt = 0; attempt < APPEND_ATTEMPTS; attempt++) {
        const cache = await readCache(alias);
        const last = (await sequences(alias)).at(-1) ?? 0;
        // An unreadable head must not bar the move that repairs it: it counts as "no model".
        const current = last === 0 ? null : await readableEntry(alias, last, cache);
        const made = next(current, last);
        if (made === null) return current;
        const entry: AliasEntry = aliasEntry.parse({
          sequence: last + 1,
          alias,
          version: made.version,
          previous_version: current?.version ?? null,
          at: made.at,
          by: made.by,
          reason: made.reason,
          verdict: made.verdict,
          forced: made.forced,
        });
        if (await createRecord(objects, entryName(alias, entry.sequence), jsonBytes(entry))) {
          await repairCache(objects, entry, cache);
          return entry;
        }
      }
      throw new TransientError(
        'objects_unavailable',
        `alias ${alias}: others moved it ${APPEND_ATTEMPTS} times meanwhile`,
      );
    },
  };
}

/** Brings the cache up to the head, unless someone else touched it meanwhile. The move itself does not depend on it. */
async function repairCache(objects: Objects, entry: AliasEntry, seen: Cache): Promise<void> {
  try {
    await objects.write(cacheName(entry.alias), jsonBytes(entry), { generationMatch: seen.generation });
  } catch (error) {
    // Lost to another repairer, or a reader that may not write: the next one who looks repairs it, the truth is in the log.
    if (!(isPreconditionFailed(error) || error instanceof AuroraError)) throw error;
  }
}

async function unlessCorrupt<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (isCorrupt(error)) return null;
    throw error;
  }
}

function readable(alias: Alias, bytes: Uint8Array): AliasEntry | null {
  try {
    const entry = parseObject(`alias ${alias}`, bytes, aliasEntry);
    return entry.alias === alias ? entry : null;
  } catch (error) {
    if (isCorrupt(error)) return null;
    throw error;
  }
}

function parseEntry(alias: Alias, sequence: number, bytes: Uint8Array): AliasEntry {
  const object = entryName(alias, sequence);
  const entry = parseObject(object, bytes, aliasEntry);
  if (entry.alias !== alias || entry.sequence !== sequence)
    throw new RejectedError('artefact_corrupt', `${object}: holds entry ${entry.sequence} of alias ${entry.alias}`);
  return entry;
}

const cacheName = (alias: Alias): string => `aliases/${alias}.json`;
const entryPrefix = (alias: Alias): string => `aliases/${alias}/`;
const entryName = (alias: Alias, sequence: number): string => numberedName(entryPrefix(alias), sequence);
