import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LIST_LIMIT_DEFAULT, STATE_PURGE_INTERVAL_MS } from '#shared/defaults.ts';
import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { State, StateEntry } from '#shared/ports/state.ts';
import { asStateError } from './failure.ts';
import { groupCommit } from './group-commit.ts';
import { type EntryTable, openTable, type StoredEntry } from './table.ts';
import { checkedEntry, checkKey, checkPage } from './value.ts';

/** Expired entries removed at a time: about 2 ms of the event loop. */
const PURGE_BATCH = 500;

/**
 * State in one SQLite file, for one process or several. Operations issued in one turn of the event loop share a transaction.
 * An entry past its time to live is gone for good once anybody has looked: a clock set back does not bring it back.
 * @throws TransientError state_unavailable, disk_full
 */
export async function createSqliteState(options: {
  readonly file: string;
  readonly hostClock: HostClock;
}): Promise<State> {
  try {
    await mkdir(dirname(options.file), { recursive: true });
    return stateOver(openTable(options.file), options.hostClock);
  } catch (error) {
    throw asStateError(error, `open state store ${options.file}`);
  }
}

function stateOver(table: EntryTable, hostClock: HostClock): State {
  const commits = groupCommit((work) => table.exclusively(work));
  const stopPurging = purgePeriodically(table, hostClock);
  let closed = false;

  async function run<T>(doing: string, writes: boolean, operation: () => T): Promise<T> {
    if (closed) throw new TransientError('state_unavailable', `${doing}: the state store is closed`);
    try {
      return await commits.add(writes, operation);
    } catch (error) {
      throw asStateError(error, doing);
    }
  }

  const expired = (entry: StoredEntry): boolean => entry.expiresAt !== null && entry.expiresAt <= hostClock.now();

  function findLive(key: string): StoredEntry | null {
    const entry = table.find(key);
    if (entry === null || !expired(entry)) return entry;
    table.remove(key, entry.version);
    return null;
  }

  function put(key: string, value: string, ttlMs: number | undefined): StateEntry {
    return asEntry(table.put(key, value, ttlMs === undefined ? null : hostClock.now() + ttlMs));
  }

  return {
    async get(key) {
      checkKey(key);
      return await run(`get ${key}`, false, () => {
        const entry = findLive(key);
        return entry === null ? null : asEntry(entry);
      });
    },
    async create(key, value, { ttlMs } = {}) {
      const text = checkedEntry(key, value, ttlMs);
      return await run(`create ${key}`, true, () => {
        const live = findLive(key);
        return live === null
          ? { created: true, entry: put(key, text, ttlMs) }
          : { created: false, entry: asEntry(live) };
      });
    },
    async swap(key, version, value, { ttlMs } = {}) {
      const text = checkedEntry(key, value, ttlMs);
      return await run(`swap ${key}`, true, () => (findLive(key)?.version === version ? put(key, text, ttlMs) : null));
    },
    async remove(key, version) {
      checkKey(key);
      return await run(`remove ${key}`, true, () => findLive(key) !== null && table.remove(key, version));
    },
    async list(prefix, page = {}) {
      checkPage(prefix, page.after);
      return await run(`list ${prefix}`, false, () => {
        const gone: StoredEntry[] = [];
        const keep = (entry: StoredEntry): boolean => {
          if (!expired(entry)) return true;
          gone.push(entry);
          return false;
        };
        const live = table.list(prefix, page.after ?? '', keep, page.limit ?? LIST_LIMIT_DEFAULT);
        if (gone.length > 0) {
          table.exclusively(() => {
            for (const { key, version } of gone) table.remove(key, version);
          });
        }
        return live.map(asEntry);
      });
    },
    async close() {
      if (closed) return;
      closed = true;
      stopPurging();
      await commits.drained();
      table.close();
    },
  };
}

/** Gives the disk its space back, a batch a turn. A purge that fails costs only space, and the next one does its work. */
function purgePeriodically(table: EntryTable, hostClock: HostClock): () => void {
  let cancel = hostClock.after(STATE_PURGE_INTERVAL_MS, purge);
  function purge(): void {
    let removed = 0;
    try {
      removed = table.purge(hostClock.now(), PURGE_BATCH);
    } catch (error) {
      if (!(error instanceof Error && 'errcode' in error)) throw error;
    }
    cancel = hostClock.after(removed === PURGE_BATCH ? 0 : STATE_PURGE_INTERVAL_MS, purge);
  }
  return () => cancel();
}

/** Who writes seldom looks at what was written: its text is parsed when somebody does. */
const asEntry = ({ key, value: text, version }: StoredEntry): StateEntry => {
  let parsed: { readonly value: unknown } | null = null;
  return {
    key,
    get value() {
      parsed ??= { value: JSON.parse(text) as unknown };
      return parsed.value;
    },
    version,
  };
};
