import { DatabaseSync } from 'node:sqlite';

/** What SQLite really throws when there is no room: a database that may not grow past two pages is asked to. */
export function sqliteFullError(): unknown {
  const database = new DatabaseSync(':memory:');
  try {
    database.exec('CREATE TABLE t (x); PRAGMA max_page_count = 2;');
    database.exec('INSERT INTO t VALUES (zeroblob(100000))');
  } catch (error) {
    return error;
  } finally {
    database.close();
  }
  throw new Error('expected a full database');
}
