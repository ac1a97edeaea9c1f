/** What keeps the file small and safe. Each runs in the writer's turn. */
import { renameSync, rmSync } from 'node:fs';
import { TABLES } from '#shared/domain/events/schemas.ts';
import type { TableName } from '#shared/domain/tables.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Connection } from './engine.ts';

/**
 * Removes the rows that came in before an instant (RFC 3339, world time), whatever date their event bears: a dead letter that
 * was sent again has only just arrived. What was imported from a record of another time stays; it is somebody's own, and does
 * not grow by itself. Rows come in order of time, so whole row groups fall free and the checkpoint gives their blocks back.
 */
export async function removeBefore(connection: Connection, table: TableName, instant: string): Promise<number> {
  const known = TABLES.find(({ name }) => name === table);
  if (known === undefined)
    throw new RejectedError('row_invalid', `there is no table ${JSON.stringify(table)} in the warehouse`);
  const own = known.columns.some(({ name }) => name === 'mode') ? ` AND "mode" <> 'recorded'` : '';
  const result = await connection.run(
    `DELETE FROM "${table}" WHERE "ingested_at" < CAST($instant AS TIMESTAMP)${own}`,
    {
      instant,
    },
  );
  await connection.run('CHECKPOINT');
  return result.rowsChanged;
}

/**
 * Through the engine and not by copying the file: closing any other handle of the file would drop this process's lock
 * on it (POSIX locks belong to the process). The copy gets its name when it is whole.
 */
export async function backUp(connection: Connection, file: string): Promise<void> {
  const part = `${file}.part`;
  rmSync(part, { force: true });
  await connection.run(`ATTACH '${part.replaceAll("'", "''")}' AS "backup_copy"`);
  try {
    const reader = await connection.runAndReadAll('SELECT current_database()');
    const own = String(reader.getRows()[0]?.[0]).replaceAll('"', '""');
    await connection.run(`COPY FROM DATABASE "${own}" TO "backup_copy"`);
  } finally {
    await connection.run('DETACH "backup_copy"');
  }
  renameSync(part, file);
}
