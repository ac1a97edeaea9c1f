/** Numbered migrations: each runs once, in one transaction with the row that says so. Opening an up-to-date file writes nothing. */
import { RejectedError } from '#shared/errors.ts';
import type { Connection } from './engine.ts';
import { eventTables } from './migrations/001-event-tables.ts';
import { offersSoldWhole } from './migrations/002-offers-sold-whole.ts';
import { readyWithin } from './migrations/003-ready-within.ts';
import { probes } from './migrations/004-probes.ts';
import { inTransaction } from './transaction.ts';

export interface Migration {
  /** 1, 2, 3, … without a gap. */
  readonly id: number;
  readonly name: string;
  /**
   * Statements that turn level id - 1 into level id. Frozen once released. A new column comes with its view made anew: a
   * view of `SELECT *` breaks when its table changes.
   */
  readonly sql: string;
}

export const MIGRATIONS: readonly Migration[] = [
  { id: 1, name: 'event-tables', sql: eventTables },
  { id: 2, name: 'offers-sold-whole', sql: offersSoldWhole },
  { id: 3, name: 'ready-within', sql: readyWithin },
  { id: 4, name: 'probes', sql: probes },
];

/**
 * Brings the database to the level of `migrations`.
 * @throws RejectedError warehouse_incompatible when the database is past this build, or was made by other migrations
 */
export async function migrate(connection: Connection, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  const applied = await appliedMigrations(connection);
  applied.forEach(({ id, name }, index) => {
    const known = migrations[index];
    if (known?.id !== id || known.name !== name)
      throw new RejectedError(
        'warehouse_incompatible',
        `the database is at migration ${id} ${JSON.stringify(name)}; this build knows ${known === undefined ? `only ${migrations.length}` : JSON.stringify(known.name)}`,
      );
  });
  for (const { id, name, sql } of migrations.slice(applied.length))
    await inTransaction(connection, async () => {
      if (id === 1)
        await connection.run('CREATE TABLE "schema_migrations" ("id" INTEGER PRIMARY KEY, "name" VARCHAR NOT NULL)');
      await connection.run(sql);
      await connection.run('INSERT INTO "schema_migrations" VALUES ($id, $name)', { id, name });
    });
}

async function appliedMigrations(connection: Connection): Promise<readonly { id: number; name: string }[]> {
  const tables = await connection.runAndReadAll(`SELECT 1 FROM duckdb_tables() WHERE table_name = 'schema_migrations'`);
  if (tables.currentRowCount === 0) return [];
  const applied = await connection.runAndReadAll('SELECT "id", "name" FROM "schema_migrations" ORDER BY "id"');
  return applied.getRows().map(([id, name]) => ({ id: Number(id), name: String(name) }));
}
