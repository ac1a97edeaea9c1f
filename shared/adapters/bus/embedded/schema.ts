import type { DatabaseSync } from 'node:sqlite';
import { BUS_BUSY_TIMEOUT_MS } from '#shared/defaults.ts';
import { TransientError } from '#shared/errors.ts';
import { openDatabase } from '../../sqlite/open.ts';

const SCHEMA_VERSION = 1;

/** state of a delivery. ready = may be leased from due_ms on; blocked = behind an earlier message of its ordering key. */
export const READY = 0;
export const LEASED = 1;
export const BLOCKED = 2;

/**
 * messages: content, once. deliveries: one row per (subscription, message) that is not acknowledged yet; an
 * acknowledgement deletes it, and the message with its last delivery, so the file holds the backlog and nothing else.
 * dead_letters: marks a message as a dead letter and keeps where it came from.
 * AUTOINCREMENT: an id is never given twice, and its order is the order of publishing.
 * The blob is the last column: reading the others does not walk its overflow pages.
 */
const SCHEMA = `
CREATE TABLE subscriptions (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  topic TEXT NOT NULL,
  ordering_key TEXT,
  published_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  attributes TEXT NOT NULL,
  data BLOB NOT NULL
) STRICT;
CREATE INDEX messages_expiry ON messages (expires_ms);
CREATE TABLE deliveries (
  subscription_id INTEGER NOT NULL,
  message_id INTEGER NOT NULL,
  ordering_key TEXT,
  state INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  last_error TEXT,
  PRIMARY KEY (subscription_id, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (subscription_id, due_ms, message_id) WHERE state = ${READY};
CREATE INDEX deliveries_key ON deliveries (subscription_id, ordering_key, message_id) WHERE ordering_key IS NOT NULL;
CREATE TABLE dead_letters (
  message_id INTEGER PRIMARY KEY,
  source_topic TEXT NOT NULL,
  source_subscription TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  published_ms INTEGER NOT NULL,
  last_error TEXT
) STRICT;
PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * Opens the file, creating it if it is not there. `maxBytes` caps the database file.
 * @throws RejectedError store_corrupt @throws TransientError bus_unavailable when the file is of a newer schema
 */
export function openBusDatabase(file: string, maxBytes?: number): DatabaseSync {
  const db = openDatabase({
    file,
    busyTimeoutMs: BUS_BUSY_TIMEOUT_MS,
    layout: 'PRAGMA auto_vacuum = INCREMENTAL',
    schema: (opened) => migrate(opened, file),
  });
  try {
    // The log is cut back to 16 MiB after a burst; without a limit it keeps the size of its largest moment.
    db.exec('PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;');
    if (maxBytes !== undefined) {
      const { page_size: pageBytes } = db.prepare('PRAGMA page_size').get() as { page_size: number };
      db.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / pageBytes)}`);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Under the write lock, so that two processes that open a new file do not both create the tables. */
function migrate(db: DatabaseSync, file: string): void {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > SCHEMA_VERSION)
    throw new TransientError(
      'bus_unavailable',
      `bus file ${file} has schema ${version}, this build reads ${SCHEMA_VERSION}; start the newer build`,
    );
  if (version === 0) db.exec(SCHEMA);
}
