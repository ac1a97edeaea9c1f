import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { Instance } from './instance.ts';

/**
 * Where the world remembers its instances, so that it outlives the router's process.
 * Promise: what `put` was given is durable before it returns; `load` answers in the order of the first put.
 */
export interface MarketStore {
  load(): readonly Instance[];
  /** Inserts, or replaces the instance of that id. @throws TransientError disk_full, provider_unavailable @throws RejectedError store_corrupt */
  put(instance: Instance): void;
  remove(instanceIds: readonly string[]): void;
  /** The start of the world: the one remembered, or `startMs`, which is then remembered. */
  startMs(startMs: number): number;
  close(): void;
}

export function memoryStore(): MarketStore {
  const instances = new Map<string, Instance>();
  let start: number | null = null;
  return {
    load: () => [...instances.values()],
    put: (instance) => void instances.set(instance.instance_id, instance),
    remove(ids) {
      for (const id of ids) instances.delete(id);
    },
    startMs(startMs) {
      start ??= startMs;
      return start;
    },
    close: () => instances.clear(),
  };
}

const storedInstance: z.ZodType<Instance> = z.object({
  instance_id: z.string(),
  label: z.string(),
  provider: z.string(),
  offer_id: z.string(),
  workload_type: z.string(),
  gpu_count: z.number(),
  gpu_hours: z.number(),
  created_ms: z.number(),
  fate: z.object({
    ready_ms: z.number().nullable(),
    ended_ms: z.number(),
    state: z.enum(['completed', 'failed_to_start', 'preempted', 'failed']),
    blame: z.enum(['provider', 'tenant', 'network']).nullable(),
    latency_ms: z.number(),
    usd_per_gpu_hour: z.number(),
  }),
  cancelled_ms: z.number().nullable(),
  released_ms: z.number().nullable().default(null),
  note: z.string().default(''),
});
const storedRow = z.object({ record: z.string() });
const storedStart = z.object({ value: z.number() });

/** One file, WAL with FULL sync: a deployment that was answered survives kill -9 and power loss. */
export function sqliteStore(path: string): MarketStore {
  const named = <T>(work: () => T): T => inOurWords(path, work);
  const db = named(() => {
    const opened = new DatabaseSync(path);
    opened.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      CREATE TABLE IF NOT EXISTS instances (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        instance_id TEXT NOT NULL UNIQUE,
        record TEXT NOT NULL
      ) STRICT;
      CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value REAL NOT NULL) STRICT;
    `);
    return opened;
  });
  const [insert, remove] = named(() => [
    db.prepare(
      'INSERT INTO instances (instance_id, record) VALUES (?, ?) ON CONFLICT (instance_id) DO UPDATE SET record = excluded.record',
    ),
    db.prepare('DELETE FROM instances WHERE instance_id = ?'),
  ]);
  return {
    load: () =>
      named(() =>
        db
          .prepare('SELECT record FROM instances ORDER BY position')
          .all()
          .map((row) => storedInstance.parse(JSON.parse(storedRow.parse(row).record))),
      ),
    put: (instance) => named(() => void insert.run(instance.instance_id, JSON.stringify(instance))),
    remove(ids) {
      named(() => {
        db.exec('BEGIN');
        try {
          for (const id of ids) remove.run(id);
          db.exec('COMMIT');
        } catch (error) {
          db.exec('ROLLBACK');
          throw error;
        }
      });
    },
    startMs: (startMs) =>
      named(() => {
        db.prepare("INSERT INTO facts (name, value) VALUES ('start_ms', ?) ON CONFLICT DO NOTHING").run(startMs);
        return storedStart.parse(db.prepare("SELECT value FROM facts WHERE name = 'start_ms'").get()).value;
      }),
    close: () => db.close(),
  };
}

/** Of https://sqlite.org/rescode.html; node:sqlite gives them as `errcode`, whose low byte is the primary one. */
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

function inOurWords<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof Error && 'errcode' in cause)) throw cause;
    const code = Number(cause.errcode) & 0xff;
    if (code === SQLITE_FULL) throw new TransientError('disk_full', 'the market could not write: disk full', { cause });
    if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB)
      throw new RejectedError('store_corrupt', `${path} is not a whole database: ${cause.message}`, { cause });
    throw new TransientError('provider_unavailable', `the market could not be written or read: ${cause.message}`, {
      cause,
    });
  }
}
