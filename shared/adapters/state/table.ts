import { STATE_BUSY_TIMEOUT_MS } from '#shared/defaults.ts';
import { exclusively, openDatabase } from '../sqlite/open.ts';

/** One entry as stored: `value` is JSON text, `expiresAt` host milliseconds or null. */
export interface StoredEntry {
  readonly key: string;
  readonly value: string;
  readonly version: string;
  readonly expiresAt: number | null;
}

/**
 * The entries, in one SQLite file (WAL, FULL). Knows transactions and expiry dates, but no time of its own.
 * All calls are synchronous; `put` belongs inside `exclusively`.
 */
export interface EntryTable {
  find(key: string): StoredEntry | null;
  list(prefix: string, after: string, accept: (entry: StoredEntry) => boolean, limit: number): readonly StoredEntry[];
  /** Writes the entry with a version that no entry has had before. */
  put(key: string, value: string, expiresAt: number | null): StoredEntry;
  remove(key: string, version: string): boolean;
  /** Removes at most `limit` entries that expire at `now` or before; answers how many. */
  purge(now: number, limit: number): number;
  /** Runs `work` under the write lock of all processes, durable on return; an exception undoes it. Nests as one. */
  exclusively<T>(work: () => T): T;
  close(): void;
}

/**
 * With a rowid: an intent is some 9 KB, and in a table without one each such row takes overflow pages inside the tree of the keys
 * (240 against 91 µs for an intent created and settled). Files that have the older table keep it.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entry (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    version INTEGER NOT NULL,
    expires_at REAL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS entry_expiry ON entry (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS counter (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
  ) STRICT;
  INSERT OR IGNORE INTO counter (id, version) VALUES (1, 0);
`;

export function openTable(file: string): EntryTable {
  const database = openDatabase({ file, busyTimeoutMs: STATE_BUSY_TIMEOUT_MS, schema: SCHEMA });
  const statements = {
    find: database.prepare('SELECT * FROM entry WHERE key = ?'),
    list: database.prepare('SELECT * FROM entry WHERE key >= ? AND key > ? ORDER BY key'),
    put: database.prepare('INSERT OR REPLACE INTO entry (key, value, version, expires_at) VALUES (?, ?, ?, ?)'),
    remove: database.prepare('DELETE FROM entry WHERE key = ? AND version = ?'),
    purge: database.prepare(
      'DELETE FROM entry WHERE key IN (SELECT key FROM entry WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
    ),
    counter: database.prepare('SELECT version FROM counter'),
    setCounter: database.prepare('UPDATE counter SET version = ?'),
  };
  /** Last version given out, read under the lock and written back before the commit: one update per transaction, not per entry. */
  let version = 0;

  return {
    find(key) {
      const row = statements.find.get(key);
      return row === undefined ? null : decode(row);
    },
    list(prefix, after, accept, limit) {
      const entries: StoredEntry[] = [];
      if (limit < 1) return entries;
      // SQLite orders text by its UTF-8 bytes, so the keys of a prefix stand together; LIKE would read % and _ in it.
      for (const raw of statements.list.iterate(prefix, after)) {
        const entry = decode(raw);
        if (!entry.key.startsWith(prefix)) break;
        if (accept(entry) && entries.push(entry) >= limit) break;
      }
      return entries;
    },
    put(key, value, expiresAt) {
      version += 1;
      statements.put.run(key, value, version, expiresAt);
      return { key, value, version: String(version), expiresAt };
    },
    remove: (key, wanted) => /^[1-9]\d{0,15}$/.test(wanted) && statements.remove.run(key, Number(wanted)).changes > 0,
    purge: (now, limit) => Number(statements.purge.run(now, limit).changes),
    exclusively(work) {
      if (database.isTransaction) return work(); // The outer call owns the counter.
      return exclusively(database, () => {
        const before = Number(statements.counter.get()?.['version']);
        version = before;
        const result = work();
        if (version !== before) statements.setCounter.run(version);
        return result;
      });
    },
    close: () => database.close(),
  };
}

function decode(row: Record<string, unknown>): StoredEntry {
  const expiresAt = row['expires_at'];
  return {
    key: String(row['key']),
    value: String(row['value']),
    version: String(row['version']),
    expiresAt: expiresAt === null ? null : Number(expiresAt),
  };
}
