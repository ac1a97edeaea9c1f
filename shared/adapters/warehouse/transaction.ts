import type { Connection } from './engine.ts';

/** Runs `work` in one transaction: durable when this resolves (the log is synced at commit), undone when it throws. */
export async function inTransaction(connection: Connection, work: () => Promise<void>): Promise<void> {
  await connection.run('BEGIN TRANSACTION');
  try {
    await work();
    await connection.run('COMMIT');
  } catch (error) {
    await rollBack(connection, error);
    throw error;
  }
}

/** A commit that failed has already undone itself; and an engine that failed for good undoes when it is opened again. */
async function rollBack(connection: Connection, cause: unknown): Promise<void> {
  try {
    await connection.run('ROLLBACK');
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (!/no transaction is active|has been invalidated/.test(text)) throw new AggregateError([cause, error], text);
  }
}
