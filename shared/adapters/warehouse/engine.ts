/** An open DuckDB file: loaded lazily, one writer, a connection per read. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { WAREHOUSE_MEMORY_LIMIT, WAREHOUSE_THREADS } from '#shared/defaults.ts';
import { besideOf, putInPlace } from '../files/whole-file.ts';
import { corrupt, lockedBy, openFailure } from './failures.ts';

export type DuckdbModule = typeof import('@duckdb/node-api');
export type Connection = DuckDBConnection;

export interface Engine {
  readonly duckdb: DuckdbModule;
  /** For writing; its statements never overlap, the caller sees to that. */
  readonly writer: Connection;
  /** A connection for one read (80 microseconds); the caller closes it. */
  connect(): Promise<Connection>;
  /** Frees the file. No statement may be running. */
  close(): void;
}

/** The file lock is the process's: two engines of one process would not see each other, so they are counted here. */
const openFiles = new Set<string>();

/** @throws RejectedError warehouse_locked, warehouse_corrupt, warehouse_incompatible @throws TransientError */
export async function openEngine(file: string): Promise<Engine> {
  const path = resolve(file);
  if (openFiles.has(path)) throw lockedBy(path);
  openFiles.add(path);
  let instance: DuckDBInstance | undefined;
  try {
    const duckdb = await import('@duckdb/node-api');
    mkdirSync(dirname(path), { recursive: true });
    const opened = await openInstance(duckdb, path);
    instance = opened;
    const writer = await opened.connect();
    // A session's zone decides what a cast without offset means; never the machine's.
    await writer.run(`SET GLOBAL TimeZone = 'UTC'`);
    return {
      duckdb,
      writer,
      connect: () => opened.connect(),
      close() {
        writer.closeSync();
        opened.closeSync();
        openFiles.delete(path);
      },
    };
  } catch (error) {
    instance?.closeSync();
    openFiles.delete(path);
    throw openFailure(path, error);
  }
}

async function openInstance(duckdb: DuckdbModule, path: string): Promise<DuckDBInstance> {
  const options = {
    memory_limit: WAREHOUSE_MEMORY_LIMIT,
    threads: String(WAREHOUSE_THREADS),
    // Nothing is ever fetched over the network.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  };
  // A creation that is cut short leaves nothing at the path, so what is cut there was a record.
  if (!existsSync(path)) {
    if (existsSync(`${path}.wal`)) throw corrupt(path, 'it is missing, but its log is there');
    const made = besideOf(path);
    (await duckdb.DuckDBInstance.create(made, options)).closeSync();
    putInPlace(made, path);
  }
  if (statSync(path).size === 0) throw corrupt(path, 'it is empty');
  return duckdb.DuckDBInstance.create(path, options);
}
