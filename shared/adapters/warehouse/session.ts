/**
 * The open database over its life.
 *
 *   open --fatal error--> broken --next use--> (running work ends, streams are cut) --> open
 *   open | broken --close--> (running work ends, streams are cut) --> closed
 *
 * DuckDB refuses everything after a fatal error (a checkpoint that found no space, say) until its file is opened again;
 * what was committed is in the log and comes back then.
 */
import { TransientError } from '#shared/errors.ts';
import type { Log } from '#shared/ports/log.ts';
import { type TableWriter, tableWriters } from './appender.ts';
import { type Connection, type Engine, openEngine } from './engine.ts';
import { isFatal, openFailure } from './failures.ts';
import { migrate } from './migrations.ts';

export interface Database {
  readonly engine: Engine;
  readonly writers: ReadonlyMap<string, TableWriter>;
}

/** A connection that outlives one use: that of a stream. */
export interface HeldConnection {
  readonly connection: Connection;
  /** True once the session or the stream has closed it. */
  closed: boolean;
}

export interface Session {
  /** Runs `work` on the open database and waits for it before any close. @throws TransientError warehouse_unavailable when closed */
  use<T>(work: (database: Database) => Promise<T>): Promise<T>;
  hold(connection: Connection): HeldConnection;
  release(held: HeldConnection): void;
  close(): Promise<void>;
}

export async function openSession(file: string, log: Log | undefined): Promise<Session> {
  let database = await openDatabase(file);
  let broken = false;
  let reopening: Promise<void> | undefined;
  let closing: Promise<void> | undefined;
  const running = new Set<Promise<unknown>>();
  const heldConnections = new Set<HeldConnection>();

  const release = (held: HeldConnection): void => {
    if (!heldConnections.delete(held)) return;
    held.closed = true;
    held.connection.closeSync();
  };
  const settle = async (): Promise<void> => {
    while (running.size > 0) await Promise.allSettled(running);
    for (const held of heldConnections) release(held);
  };
  const reopen = async (): Promise<void> => {
    await settle();
    database.engine.close();
    database = await openDatabase(file);
    broken = false;
    log?.warn({ file }, 'warehouse opened again after a fatal error');
  };

  return {
    async use(work) {
      if (closing !== undefined) throw new TransientError('warehouse_unavailable', 'the warehouse is closed');
      if (broken) {
        reopening ??= reopen().finally(() => {
          reopening = undefined;
        });
        await reopening;
      }
      const current = work(database);
      running.add(current);
      try {
        return await current;
      } catch (error) {
        if (isFatal(error)) broken = true;
        throw error;
      } finally {
        running.delete(current);
      }
    },
    hold(connection) {
      const held = { connection, closed: false };
      heldConnections.add(held);
      return held;
    },
    release,
    close() {
      closing ??= settle().then(async () => {
        await checkpoint(database.engine, log);
        database.engine.close();
      });
      return closing;
    },
  };
}

async function openDatabase(file: string): Promise<Database> {
  const engine = await openEngine(file);
  try {
    await migrate(engine.writer);
    return { engine, writers: await tableWriters(engine) };
  } catch (error) {
    engine.close();
    throw openFailure(file, error);
  }
}

/** Closing would do this on the main thread. When it fails, the rows stay in the log and the next start reads them there. */
async function checkpoint(engine: Engine, log: Log | undefined): Promise<void> {
  try {
    await engine.writer.run('CHECKPOINT');
  } catch (error) {
    log?.warn({ error: String(error) }, 'warehouse closed without a checkpoint');
  }
}
