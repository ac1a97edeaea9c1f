import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import { type Connection, openEngine } from '#shared/adapters/warehouse/engine.ts';
import { MIGRATIONS, type Migration, migrate } from '#shared/adapters/warehouse/migrations.ts';
import { decisionIds } from '#shared/queries/event-ids.ts';
import { failureOf } from './warehouse.ts';
import { decisionPayload, rowOf } from './warehouse-rows.ts';

const GENERATED = fileURLToPath(new URL('../../shared/adapters/warehouse/schema.generated.sql', import.meta.url));

describe('migrations of the DuckDB file', () => {
  let directory: string;
  let file: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aurora-warehouse-'));
    file = join(directory, 'warehouse.duckdb');
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  async function withConnection<T>(work: (connection: Connection) => Promise<T>, path = file): Promise<T> {
    const engine = await openEngine(path);
    try {
      return await work(engine.writer);
    } finally {
      engine.close();
    }
  }

  const rowsOf = async (connection: Connection, sql: string): Promise<unknown[][]> =>
    (await connection.runAndReadAll(sql)).getRowsJson();

  /** Every table and view with its columns, their types and nullability, by name; and what each view says. */
  const schemaOf = async (connection: Connection): Promise<unknown> => ({
    columns: await rowsOf(
      connection,
      `SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns()
       WHERE NOT internal AND table_name <> 'schema_migrations' ORDER BY table_name, column_name`,
    ),
    views: await rowsOf(connection, 'SELECT view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY view_name'),
  });

  test('are numbered 1, 2, 3, …', () => {
    expect(MIGRATIONS.map((migration) => migration.id)).toEqual(MIGRATIONS.map((_, index) => index + 1));
  });

  test('come to the schema that the events ask for', async () => {
    const migrated = await withConnection(async (connection) => {
      await migrate(connection);
      return await schemaOf(connection);
    });
    const generated = await withConnection(
      async (connection) => {
        await connection.run(readFileSync(GENERATED, 'utf8'));
        return await schemaOf(connection);
      },
      join(directory, 'generated.duckdb'),
    );
    expect(migrated).toEqual(generated);
  });

  const note: Migration = {
    id: MIGRATIONS.length + 1,
    name: 'note',
    sql: 'ALTER TABLE "routing_decisions" ADD COLUMN "note" VARCHAR; DROP VIEW "routing_decisions_distinct"; CREATE VIEW "routing_decisions_distinct" AS SELECT * FROM "routing_decisions"',
  };

  test('bring up a database of an older level with its rows; a second time they change nothing', async () => {
    const older = await createDuckdbWarehouse({ file });
    await older.append('routing_decisions', [rowOf('routing-decision', decisionPayload('d1'))]);
    await older.close();
    for (let time = 0; time < 2; time += 1)
      await withConnection(async (connection) => {
        await migrate(connection, [...MIGRATIONS, note]);
        expect(await rowsOf(connection, 'SELECT decision_id, note FROM routing_decisions_distinct')).toEqual([
          ['d1', null],
        ]);
        expect(await rowsOf(connection, 'SELECT id, name FROM schema_migrations ORDER BY id')).toEqual(
          [...MIGRATIONS, note].map(({ id, name }) => [id, name]),
        );
      });
  });

  test('one that fails leaves the level before it', async () => {
    const broken = { ...note, sql: `${note.sql}; SELECT no_such_column FROM routing_decisions` };
    await withConnection(async (connection) => {
      await expect(migrate(connection, [...MIGRATIONS, broken])).rejects.toThrow(/no_such_column/);
    });
    await withConnection(async (connection) => {
      await migrate(connection, [...MIGRATIONS, note]);
      expect(await rowsOf(connection, 'SELECT note FROM routing_decisions')).toEqual([]);
    });
  });

  test('a database of a newer build is refused and left as it is', async () => {
    await withConnection((connection) => migrate(connection, [...MIGRATIONS, note]));
    expect(await failureOf(createDuckdbWarehouse({ file }))).toEqual({
      code: 'warehouse_incompatible',
      message: `the database is at migration ${note.id} "note"; this build knows only ${MIGRATIONS.length}`,
    });
    // The refusal let go of the file.
    await withConnection((connection) => migrate(connection, [...MIGRATIONS, note]));
  });

  test('a database of another history is refused', async () => {
    await withConnection((connection) =>
      migrate(connection, [{ ...note, id: 1, sql: 'CREATE TABLE "other" ("id" INTEGER)' }]),
    );
    expect(await failureOf(createDuckdbWarehouse({ file }))).toMatchObject({
      code: 'warehouse_incompatible',
      message: 'the database is at migration 1 "note"; this build knows "event-tables"',
    });
  });

  test('an up-to-date file is opened without a write', async () => {
    await (await createDuckdbWarehouse({ file })).close();
    const before = readFileSync(file);
    const again = await createDuckdbWarehouse({ file });
    expect(await again.query(decisionIds, {})).toEqual([]);
    await again.close();
    expect(readFileSync(file).equals(before)).toBe(true);
  });
});
