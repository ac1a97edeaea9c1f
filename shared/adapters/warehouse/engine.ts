/** An open DuckDB file: loaded lazily, one writer, a connection per read. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { WAREHOUSE_MEMORY_LIMIT, WAREHOUSE_THREADS } from '#shared/defaults.ts';
import { isCorrupt, lockedBy, openFailure } from './failures.ts';

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
  try {
    return await duckdb.DuckDBInstance.create(path, options);
  } catch (error) {
    if (!isCorrupt(error) || !wasNeverWhole(path)) throw error;
    rmSync(path);
    return await duckdb.DuckDBInstance.create(path, options);
  }
}

/** DuckDB writes three headers of 4 KiB before anything else: a shorter file is a creation cut short, and holds nothing. */
const HEADER_BYTES = 3 * 4096;
const MAGIC = { offset: 8, text: 'DUCK' };

function wasNeverWhole(path: string): boolean {
  const bytes = statSync(path).size < HEADER_BYTES ? readFileSync(path) : undefined;
  if (bytes === undefined || existsSync(`${path}.wal`)) return false;
  // Anything else of that size is not ours to remove.
  return bytes.length === 0 || bytes.toString('latin1', MAGIC.offset, MAGIC.offset + MAGIC.text.length) === MAGIC.text;
}
