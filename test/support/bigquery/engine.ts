/**
 * BigQuery's SQL on DuckDB. The text is BigQuery's own; what DuckDB spells otherwise becomes a macro or a rewritten call, and a
 * function that is not listed here is refused, so that no text passes that nobody has looked at.
 */
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';
import { duckdbSchema } from '#shared/adapters/warehouse/ddl.ts';
import type { ColumnType } from '#shared/domain/columns.ts';
import { TABLES } from '#shared/domain/events/schemas.ts';
import { readsOf, wordsOf } from './reads.ts';

export interface Parameter {
  readonly type: string;
  /** Null: NULL. */
  readonly value: string | null;
}

type Parameters = Readonly<Record<string, Parameter>>;

export interface Answer {
  readonly fields: readonly { readonly name: string; readonly type: string; readonly mode: 'NULLABLE' }[];
  /** As the API sends them: text, null for NULL. */
  readonly rows: readonly (readonly (string | null)[])[];
}

/** What BigQuery answers to a text that it does not take. */
export class InvalidQuery extends Error {}

const MACROS = [
  `CREATE MACRO bq_timestamp(text) AS (CAST(text AS TIMESTAMPTZ) AT TIME ZONE 'UTC')`,
  `CREATE MACRO bq_timestamp_diff(later, earlier) AS ((epoch_us(later) - epoch_us(earlier)) // 1000)`,
  `CREATE MACRO bq_json_value(json, path) AS (CASE WHEN json_type(json, path) NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string(json, path) END)`,
  `CREATE MACRO bq_format_timestamp(value) AS (strftime(value, '%Y-%m-%dT%H:%M:%S.%fZ'))`,
];

/** Called alike in both, as far as the queries use them; keywords that stand before a parenthesis too. */
const COMMON = new Set(
  `COUNT MAX MIN AVG SUM COUNTIF ROW_NUMBER CAST FLOOR DATE COALESCE ABS ROUND OVER IN AND OR NOT FROM JOIN WHERE SELECT ON AS WHEN THEN EXISTS BY VALUES USING`.split(
    ' ',
  ),
);

export async function openEngine(dataset: string) {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(duckdbSchema());
  for (const macro of MACROS) await connection.run(macro);
  return {
    connection,
    query: (text: string, parameters: Parameters) => run(connection, translated(text, dataset), parameters),
    dryRun: (text: string, parameters: Parameters) => dryRun(connection, { text, dataset, parameters }),
    close(): void {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

export type Engine = Awaited<ReturnType<typeof openEngine>>;

function translated(text: string, dataset: string): string {
  const unbounded = readsOf(text).find(({ days }) => days.length === 0);
  if (unbounded !== undefined)
    throw new InvalidQuery(
      `Cannot query over table '${unbounded.table}' without a filter over column(s) 'event_date' that can be used for partition elimination`,
    );
  return inDuckdb(text, dataset);
}

function inDuckdb(text: string, dataset: string): string {
  const known = text
    .replace(
      /APPROX_QUANTILES\((\w+), 1000\)\[OFFSET\((\d+)\)\]/g,
      (_, column, at) => `quantile_cont(${column}, ${Number(at) / 1000})`,
    )
    .replace(/\bTIMESTAMP_DIFF\((.+?), (\S+), MILLISECOND\)/g, 'bq_timestamp_diff($1, $2)')
    .replace(/\bFORMAT_TIMESTAMP\('%Y-%m-%dT%H:%M:%E6SZ', (.+?), 'UTC'\)/g, 'bq_format_timestamp($1)')
    .replace(/\bJSON_VALUE\(/g, 'bq_json_value(')
    .replace(/\bTIMESTAMP\(/g, 'bq_timestamp(')
    .replace(/`([^`]+)`/g, (_, path: string) => {
      if (!path.startsWith(`${dataset}.`)) throw new InvalidQuery(`Not found: Table ${path}`);
      return `"${path.slice(dataset.length + 1)}"`;
    })
    .replace(/@(\w+)/g, '$$$1');
  const outsideText = known.replace(/'[^']*'/g, "''");
  for (const [, name = ''] of outsideText.matchAll(/\b([A-Za-z_]\w*)\s*\(/g))
    if (!COMMON.has(name.toUpperCase()) && !/^(bq_\w+|quantile_cont)$/.test(name))
      throw new InvalidQuery(`Function not found: ${name}`);
  return known;
}

async function run(connection: DuckDBConnection, text: string, parameters: Parameters): Promise<Answer> {
  const used = new Set([...text.matchAll(/\$(\w+)/g)].map(([, name]) => name));
  for (const name of used)
    if (parameters[name as string] === undefined) throw new InvalidQuery(`Query parameter '${name}' not found`);
  const values = Object.fromEntries(
    Object.entries(parameters)
      .filter(([name]) => used.has(name))
      .map(([name, parameter]) => [name, boundTo(parameter)]),
  );
  const reader = await connection.runAndReadAll(text, values).catch((error: unknown) => {
    throw new InvalidQuery(error instanceof Error ? error.message : String(error));
  });
  const types = reader.columnTypes().map((type) => typeOf(`${type}`, type.alias));
  return {
    fields: reader.columnNames().map((name, i) => ({ name, type: types[i] as string, mode: 'NULLABLE' })),
    rows: reader.getRows().map((row) => row.map((value, i) => textOf(value, types[i] as string))),
  };
}

/** What a text would read: of each table the columns that it names, on the days that it asks for. */
async function dryRun(
  connection: DuckDBConnection,
  { text, dataset, parameters }: { readonly text: string; readonly dataset: string; readonly parameters: Parameters },
) {
  const { fields } = await run(connection, translated(text, dataset), parameters);
  const named = wordsOf(text);
  const reads = readsOf(text);
  let bytes = 0;
  for (const { table, days, view } of reads) {
    const { columns } = tableOf(table, dataset);
    const read = columns.filter(({ name }) => named.has(name) || (view && OF_THE_VIEW.has(name)));
    const size = read.map(({ name, type }) => `COALESCE(${SIZE[type](`"${name}"`)}, 0)`).join(' + ');
    const where = inDuckdb(days.join(' AND '), dataset);
    const answer = await run(
      connection,
      `SELECT CAST(COALESCE(SUM(${size}), 0) AS BIGINT) FROM "${table.slice(dataset.length + 1)}" WHERE ${where}`,
      parameters,
    );
    bytes += Number(answer.rows[0]?.[0]);
  }
  return { fields, bytes, tables: [...new Set(reads.map(({ table }) => table.slice(dataset.length + 1)))] };
}

function tableOf(path: string, dataset: string) {
  const table = TABLES.find(({ name }) => path === `${dataset}.${name}`);
  if (table === undefined) throw new InvalidQuery(`Not found: Table ${path}`);
  return table;
}

const OF_THE_VIEW: ReadonlySet<string> = new Set(['event_date', 'event_id', 'ingested_at']);

/** https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#data_type_sizes */
const SIZE: Readonly<Record<ColumnType, (column: string) => string>> = {
  STRING: (column) => `2 + strlen(${column})`,
  JSON: (column) => `2 + strlen(CAST(${column} AS VARCHAR))`,
  BYTES: (column) => `2 + octet_length(${column})`,
  INT64: (column) => `CASE WHEN ${column} IS NOT NULL THEN 8 END`,
  FLOAT64: (column) => `CASE WHEN ${column} IS NOT NULL THEN 8 END`,
  TIMESTAMP: (column) => `CASE WHEN ${column} IS NOT NULL THEN 8 END`,
  DATE: (column) => `CASE WHEN ${column} IS NOT NULL THEN 8 END`,
  BOOL: (column) => `CASE WHEN ${column} IS NOT NULL THEN 1 END`,
};

function boundTo({ type, value }: Parameter): DuckDBValue {
  if (value === null) return null;
  switch (type) {
    case 'STRING':
      return value;
    case 'INT64':
      return BigInt(value);
    case 'FLOAT64':
      return Number(value);
    case 'BOOL':
      return value === 'true';
    default:
      throw new InvalidQuery(`Invalid parameter type ${type}`);
  }
}

function typeOf(type: string, alias: string | undefined): string {
  if (alias === 'JSON') return 'JSON';
  if (/^(BIGINT|INTEGER|HUGEINT|UBIGINT)$/.test(type)) return 'INTEGER';
  const names: Readonly<Record<string, string>> = {
    DOUBLE: 'FLOAT',
    VARCHAR: 'STRING',
    BOOLEAN: 'BOOLEAN',
    TIMESTAMP: 'TIMESTAMP',
    DATE: 'DATE',
    BLOB: 'BYTES',
  };
  const name = names[type];
  if (name === undefined) throw new InvalidQuery(`answers a ${type}, which BigQuery does not have`);
  return name;
}

function textOf(value: DuckDBValue, type: string): string | null {
  if (value === null) return null;
  if (type === 'TIMESTAMP') return `${(value as { micros: bigint }).micros}`;
  if (type === 'BYTES') return Buffer.from((value as { bytes: Uint8Array }).bytes).toString('base64');
  return String(value);
}
