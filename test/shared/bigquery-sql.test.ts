/** BigQuery's text of every named query and view, by a parser of BigQuery's SQL. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Dialect, validate } from '@polyglot-sql/sdk';
import { describe, expect, test } from 'vitest';
import { bigqueryTableOptions } from '#shared/adapters/warehouse/ddl.ts';
import { bigqueryDialect } from '#shared/adapters/warehouse/dialects.ts';
import { TABLES } from '#shared/domain/events/schemas.ts';
import type { NamedQuery } from '#shared/ports/warehouse.ts';
import { readsOf } from '#test/support/bigquery/reads.ts';

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
      const reads = readsOf(query.sql(dialect));
      expect(reads.length).toBeGreaterThan(0);
      expect(reads.filter(({ days }) => days.length === 0)).toEqual([]);
    },
  );

  test.each<[string, readonly string[]]>([
    ["SELECT x FROM `t` AS a WHERE a.event_date >= DATE '2026-01-01' AND x = 1", ["a.event_date >= DATE '2026-01-01'"]],
    [
      'SELECT x FROM `t` WHERE event_date >= DATE(TIMESTAMP(@from)) - 1 GROUP BY x',
      ['event_date >= DATE(TIMESTAMP(@from)) - 1'],
    ],
    ['SELECT x FROM `t` WHERE x = 1', []],
    ['SELECT event_date FROM `t`', []],
    ["SELECT x FROM `t` WHERE event_date >= DATE '2026-01-01' OR x = 1", []],
    ['SELECT x FROM `t` WHERE event_date >= DATE(decided_at)', []],
    ['SELECT x FROM `t` WHERE event_date >= (SELECT MAX(event_date) FROM `u`)', []],
    ["SELECT x FROM `t` AS a WHERE b.event_date >= DATE '2026-01-01'", []],
    ["SELECT * FROM (SELECT * FROM `t`) WHERE event_date >= DATE '2026-01-01'", []],
    ["SELECT x FROM `t` WHERE y = ' AND event_date >= 1'", []],
  ])('%s: which days it reads', (text, days) => {
    expect(readsOf(text)[0]?.days.map((condition) => condition.trim())).toEqual(days);
  });

  test.each(TABLES.map((table) => [table.name, table] as const))('the view of %s', (_, table) => {
    expect(errorsIn(bigqueryTableOptions(table).view_query)).toEqual([]);
  });

  test.each(['SELECT FROM', 'SELECT 1 FROM `t` WHERE (', 'SELEC 1'])('%s is none', (text) => {
    expect(errorsIn(text)).not.toEqual([]);
  });
});
