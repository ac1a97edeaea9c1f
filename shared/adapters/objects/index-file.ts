import { OBJECTS_BUSY_TIMEOUT_MS } from '#shared/defaults.ts';
import { exclusively, openDatabase } from '../sqlite/open.ts';

/** One live object: what the port answers, and where its content is. */
export interface IndexRow {
  readonly name: string;
  readonly generation: string;
  readonly metageneration: string;
  readonly size: number;
  readonly sha256: string;
  readonly contentId: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export type NewRow = Omit<IndexRow, 'generation' | 'metageneration'>;

/**
 * The names of the store, in one SQLite file (WAL, FULL: a commit is on the disk when it returns). What the index says is
 * true; a content file that it does not name is nobody's.
 */
export interface IndexFile {
  find(name: string): IndexRow | null;
  list(prefix: string, after: string, limit: number): readonly IndexRow[];
  contentIds(): ReadonlySet<string>;
  /** Runs `work` under the write lock of all processes; an exception undoes it. `work` must not await. */
  exclusively<T>(work: () => T): T;
  /** The next generation, then the row. Call within `exclusively`. */
  put(row: NewRow): IndexRow;
  putMetadata(row: IndexRow, metadata: Readonly<Record<string, string>>): IndexRow;
  remove(name: string): void;
  close(): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS object (
    name TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    metageneration INTEGER NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    content_id TEXT NOT NULL UNIQUE,
    metadata TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS counter (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL
  ) STRICT;
  INSERT OR IGNORE INTO counter (id, generation) VALUES (1, 0);
`;

export function openIndex(file: string): IndexFile {
  const database = openDatabase({ file, busyTimeoutMs: OBJECTS_BUSY_TIMEOUT_MS, schema: SCHEMA });
  const statements = {
    find: database.prepare('SELECT * FROM object WHERE name = ?'),
    list: database.prepare('SELECT * FROM object WHERE name >= ? AND name > ? ORDER BY name LIMIT ?'),
    contentIds: database.prepare('SELECT content_id FROM object'),
    next: database.prepare('UPDATE counter SET generation = generation + 1 RETURNING generation'),
    put: database.prepare('INSERT OR REPLACE INTO object VALUES (?, ?, 1, ?, ?, ?, ?)'),
    putMetadata: database.prepare('UPDATE object SET metageneration = ?, metadata = ? WHERE name = ?'),
    remove: database.prepare('DELETE FROM object WHERE name = ?'),
  };

  return {
    find(name) {
      const row = statements.find.get(name);
      return row === undefined ? null : decode(row);
    },
    list(prefix, after, limit) {
      const rows: IndexRow[] = [];
      // SQLite orders text by its UTF-8 bytes, so the names of a prefix stand together; LIKE would read % and _ in it.
      for (const raw of statements.list.iterate(prefix, after, limit)) {
        const row = decode(raw);
        if (!row.name.startsWith(prefix)) break;
        rows.push(row);
      }
      return rows;
    },
    contentIds: () => new Set(statements.contentIds.all().map((row) => String(row['content_id']))),
    exclusively: (work) => exclusively(database, work),
    put(row) {
      const generation = Number(statements.next.get()?.['generation']);
      statements.put.run(row.name, generation, row.size, row.sha256, row.contentId, JSON.stringify(row.metadata));
      return { ...row, generation: String(generation), metageneration: '1' };
    },
    putMetadata(row, metadata) {
      const metageneration = Number(row.metageneration) + 1;
      statements.putMetadata.run(metageneration, JSON.stringify(metadata), row.name);
      return { ...row, metageneration: String(metageneration), metadata };
    },
    remove: (name) => void statements.remove.run(name),
    close: () => database.close(),
  };
}

function decode(row: Record<string, unknown>): IndexRow {
  return {
    name: String(row['name']),
    generation: String(row['generation']),
    metageneration: String(row['metageneration']),
    size: Number(row['size']),
    sha256: String(row['sha256']),
    contentId: String(row['content_id']),
    metadata: JSON.parse(String(row['metadata'])) as Record<string, string>,
  };
}
