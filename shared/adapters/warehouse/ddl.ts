/** Schemas of both engines as text, from the one source: TABLES, whose columns come from the events' zod schemas. */
import type { Column, ColumnType } from '#shared/domain/columns.ts';
import { TABLES } from '#shared/domain/events/schemas.ts';
import type { TableName, TableSchema } from '#shared/domain/tables.ts';
import type { Dialect } from '#shared/ports/warehouse.ts';
import { bigqueryDialect, duckdbDialect } from './dialects.ts';

/** TIMESTAMP without zone holds UTC. JSON is linked into every DuckDB binary, nothing is downloaded. */
const DUCKDB_TYPES: Readonly<Record<ColumnType, string>> = {
  STRING: 'VARCHAR',
  INT64: 'BIGINT',
  FLOAT64: 'DOUBLE',
  BOOL: 'BOOLEAN',
  TIMESTAMP: 'TIMESTAMP',
  DATE: 'DATE',
  JSON: 'JSON',
  BYTES: 'BLOB',
};

/** As the BigQuery API answers them, so that a plan shows no difference. */
const BIGQUERY_TYPES: Readonly<Record<ColumnType, string>> = {
  STRING: 'STRING',
  INT64: 'INTEGER',
  FLOAT64: 'FLOAT',
  BOOL: 'BOOLEAN',
  TIMESTAMP: 'TIMESTAMP',
  DATE: 'DATE',
  JSON: 'JSON',
  BYTES: 'BYTES',
};

const distinctViewOf = (table: TableName): string => `${table}_distinct`;

/**
 * The first row of each event id. The partition column stands in PARTITION BY, so that a filter on it (and on event_id)
 * reaches the table below the window.
 */
const distinctSelect = (dialect: Dialect, table: TableName): string =>
  `SELECT * FROM ${dialect.table(table)} AS t WHERE true ` +
  `QUALIFY ROW_NUMBER() OVER (PARTITION BY t.event_date, t.event_id ORDER BY ${dialect.arrivalOrder('t')}) = 1`;

function duckdbTable(schema: TableSchema): string {
  const columns = schema.columns.map(
    ({ name, type, nullable }) => `  "${name}" ${DUCKDB_TYPES[type]}${nullable ? '' : ' NOT NULL'}`,
  );
  return `CREATE TABLE "${schema.name}" (\n${columns.join(',\n')}\n);`;
}

const duckdbView = (table: TableName): string =>
  `CREATE VIEW "${distinctViewOf(table)}" AS\n${distinctSelect(duckdbDialect, table)};`;

/** The whole schema as one script. */
export const duckdbSchema = (): string =>
  TABLES.map((schema) => `${duckdbTable(schema)}\n\n${duckdbView(schema.name)}\n`).join('\n');

export interface BigqueryField {
  readonly name: string;
  readonly type: string;
  readonly mode: 'NULLABLE' | 'REQUIRED';
}

export const bigqueryFields = (columns: readonly Column[]): readonly BigqueryField[] =>
  columns.map(({ name, type, nullable }) => ({
    name,
    type: BIGQUERY_TYPES[type],
    mode: nullable ? 'NULLABLE' : 'REQUIRED',
  }));

/** Stands for `project.dataset` in a generated view; the infrastructure puts the real name there. */
const DATASET_PLACEHOLDER = 'PROJECT.DATASET';

/** What the infrastructure must know of a table beside its fields. */
export const bigqueryTableOptions = (schema: TableSchema) => ({
  partition_by: schema.partitionBy,
  partition_type: 'DAY',
  require_partition_filter: true,
  cluster_by: schema.clusterBy,
  view: distinctViewOf(schema.name),
  view_query: distinctSelect(bigqueryDialect(DATASET_PLACEHOLDER), schema.name),
});
