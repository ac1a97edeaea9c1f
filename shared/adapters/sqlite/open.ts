import { existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { RejectedError, TransientError } from '#shared/errors.ts';
import { besideOf, putInPlace } from '../files/whole-file.ts';

/** Primary result codes of SQLite; an extended code keeps its primary one in the low byte. */
const SQLITE_ERROR = 1;
const SQLITE_BUSY = 5;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;
/** Between two tries of a step that SQLite does not wait for by itself. */
const RETRY_PAUSE_MS = 5;
/** Less is no room for a log, its shared memory (32 KiB) and a transaction; some is free again when the error is looked at. */
const ROOM_BYTES = 1024 * 1024;
/** What is checked whole after a crash; 0.4 s at most. A larger file shows its damage when it is met. */
const CHECK_LIMIT_BYTES = 128 * 1024 * 1024;

export interface DatabaseOptions {
  readonly file: string;
  /** How long other processes' locks are waited for. */
  readonly busyTimeoutMs: number;
  /** Pragmas that take only on an empty file. */
  readonly layout?: string;
  /** Brings the tables up to date; run at each opening, under the write lock. Statements, or work that is done with them. */
  readonly schema: string | ((database: DatabaseSync) => void);
}

/**
 * Opens a database that several processes may write: WAL and FULL (a commit is on the disk when it returns). A file that is
 * not there is created whole.
 * @throws RejectedError store_corrupt when the file is damaged, empty, or no database
 * @throws TransientError disk_full, or SQLite's own error with its `errcode`
 */
export function openDatabase(options: DatabaseOptions): DatabaseSync {
  const { file } = options;
  return namingFullDisk(file, () =>
    refusingCorrupt(file, () => {
      if (!existsSync(file)) create(options);
      if (sizeOf(file) === 0) throw corrupt(file, 'it is empty');
      if (sizeOf(`${file}-wal`) > 0 && sizeOf(file) <= CHECK_LIMIT_BYTES) checkWhole(options);
      return openAt(file, options);
    }),
  );
}

/** Gives the damage that `open` meets in a file its name and its remedy. The statements of an opening or a copy fail for no other. */
export function refusingCorrupt<T>(file: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    const code = primaryCode(error);
    if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB || code === SQLITE_ERROR)
      throw corrupt(file, (error as Error).message, error);
    throw error;
  }
}

function create(options: DatabaseOptions): void {
  const { file } = options;
  // SQLite would play this log into the new file, or throw it away.
  if (sizeOf(`${file}-wal`) > 0) throw corrupt(file, 'it is missing, but its log is there');
  const made = besideOf(file);
  openAt(made, options).close();
  putInPlace(made, file);
}

function openAt(file: string, { busyTimeoutMs, layout = '', schema }: DatabaseOptions): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: busyTimeoutMs });
  try {
    database.exec(layout);
    enterWal(database, busyTimeoutMs);
    database.exec('PRAGMA synchronous = FULL');
    exclusively(database, () => (typeof schema === 'string' ? database.exec(schema) : schema(database)));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** After a crash the log hides from SQLite that the file behind it was cut. Read-only: what is damaged is left as it is. */
function checkWhole({ file, busyTimeoutMs }: DatabaseOptions): void {
  const database = new DatabaseSync(file, { timeout: busyTimeoutMs, readOnly: true });
  try {
    const { quick_check: found } = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
    if (found !== 'ok') throw corrupt(file, found.split('\n', 1)[0] ?? '');
  } finally {
    database.close();
  }
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

const corrupt = (file: string, why: string, cause?: unknown): RejectedError =>
  new RejectedError('store_corrupt', `${file} is not a whole database: ${why}`, { cause });

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
  return namingFullDisk(database.location(), () => inTransaction(database, work));
}

function inTransaction<T>(database: DatabaseSync, work: () => T): T {
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

/** Without room SQLite speaks of an I/O error when it was its log or that log's shared memory that could not grow. */
export function namingFullDisk<T>(file: string | null, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = primaryCode(error);
    if (file !== null && (code === SQLITE_IOERR || code === SQLITE_CANTOPEN) && !hasRoom(dirname(file)))
      throw new TransientError('disk_full', `${file}: no space left on the device`, { cause: error });
    throw error;
  }
}

/** Bytes, and files. Some file systems count no files: 0 of 0. */
function hasRoom(directory: string): boolean {
  const { bavail, bsize, files, ffree } = statfsSync(directory);
  return bavail * bsize >= ROOM_BYTES && (ffree > 0 || files === 0);
}

/** True for an error of SQLite or of the file system that says: no space left. */
export function isDiskFull(error: unknown): boolean {
  if (primaryCode(error) === SQLITE_FULL) return true;
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

function primaryCode(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : null;
}
