/** BigQuery's text of every named query and view, by a parser of BigQuery's SQL. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Dialect, validate } from '@polyglot-sql/sdk';
import { describe, expect, test } from 'vitest';
import { bigqueryTableOptions } from '#shared/adapters/warehouse/ddl.ts';
import { bigqueryDialect } from '#shared/adapters/warehouse/dialects.ts';
import { TABLES } from '#shared/domain/events/schemas.ts';
import type { NamedQuery } from '#shared/ports/warehouse.ts';

const QUERIES = fileURLToPath(new URL('../../shared/queries/', import.meta.url));
const dialect = bigqueryDialect('my-project.aurora');

/** Every exported query of the room. */
const queries: NamedQuery<never, unknown>[] = [];
for (const file of readdirSync(QUERIES)) {
  const room = (await import(QUERIES + file)) as Record<string, unknown>;
  queries.push(
    ...Object.values(room).filter(
      (value): value is NamedQuery<never, unknown> => typeof value === 'object' && value !== null && 'sql' in value,
    ),
  );
}

const errorsIn = (text: string): unknown => validate(text, Dialect.BigQuery).errors;

describe('the SQL of the warehouse, as BigQuery reads it', () => {
  test('there are queries', () => {
    expect(queries.length).toBeGreaterThan(15);
  });

  test.each(queries.map((query) => [query.name, query] as const))('%s', (_, query) => {
    expect(errorsIn(query.sql(dialect))).toEqual([]);
  });

  test.each(queries.map((query) => [query.name, query] as const))(
    '%s reads no table without its partition',
    (_, query) => {
      // A sub-query of its own for each table; as many filters as tables.
      const text = query.sql(dialect);
      const tables = text.match(/FROM `/g)?.length ?? 0;
      expect(text.match(/event_date [>=]/g)?.length ?? 0).toBeGreaterThanOrEqual(tables);
    },
  );

  test.each(TABLES.map((table) => [table.name, table] as const))('the view of %s', (_, table) => {
    expect(errorsIn(bigqueryTableOptions(table).view_query)).toEqual([]);
  });

  test.each(['SELECT FROM', 'SELECT 1 FROM `t` WHERE (', 'SELEC 1'])('%s is none', (text) => {
    expect(errorsIn(text)).not.toEqual([]);
  });
});
