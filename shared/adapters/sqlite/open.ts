import { DatabaseSync } from 'node:sqlite';

/** Primary result codes of SQLite; an extended code keeps its primary one in the low byte. */
const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;
/** Between two tries of a step that SQLite does not wait for by itself. */
const RETRY_PAUSE_MS = 5;

/**
 * Opens a database that several processes may write: WAL and FULL (a commit is on the disk when it returns), other
 * processes' locks waited for up to `busyTimeoutMs`. `schema` is run each time and must be idempotent.
 */
export function openDatabase(options: {
  readonly file: string;
  readonly busyTimeoutMs: number;
  readonly schema: string;
}): DatabaseSync {
  const { file, busyTimeoutMs, schema } = options;
  const database = new DatabaseSync(file, { timeout: busyTimeoutMs });
  try {
    enterWal(database, busyTimeoutMs);
    database.exec(`PRAGMA synchronous = FULL; BEGIN IMMEDIATE; ${schema} COMMIT;`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The switch to WAL ignores the busy timeout: of six processes that open a new file at once, one or two were refused. */
function enterWal(database: DatabaseSync, busyTimeoutMs: number): void {
  for (let waitedMs = 0; ; waitedMs += RETRY_PAUSE_MS) {
    try {
      database.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (primaryCode(error) !== SQLITE_BUSY || waitedMs >= busyTimeoutMs) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_PAUSE_MS);
    }
  }
}

/** Runs `work` under the write lock of all processes, durable on return; an exception undoes it. `work` must not await. */
export function exclusively<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk has ended the transaction already; a second ROLLBACK would hide that error behind its own.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** True for an error of SQLite or of the file system that says: no space left. */
export function isDiskFull(error: unknown): boolean {
  if (primaryCode(error) === SQLITE_FULL) return true;
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

function primaryCode(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : null;
}
