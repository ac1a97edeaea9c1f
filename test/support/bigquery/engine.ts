/**
 * BigQuery's SQL on DuckDB. The text is BigQuery's own; what DuckDB spells otherwise becomes a macro or a rewritten call, and a
 * function that is not listed here is refused, so that no text passes that nobody has looked at.
 */
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';
import { duckdbSchema } from '#shared/adapters/warehouse/ddl.ts';

export interface Parameter {
  readonly type: string;
  /** Null: NULL. */
  readonly value: string | null;
}

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
    query: (text: string, parameters: Readonly<Record<string, Parameter>>) =>
      run(connection, translated(text, dataset), parameters),
    close(): void {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

export type Engine = Awaited<ReturnType<typeof openEngine>>;

function translated(text: string, dataset: string): string {
  if (!/\bevent_date\b/.test(text))
    throw new InvalidQuery('Cannot query over table without a filter over column(s) event_date');
  const known = text
    .replace(
      /APPROX_QUANTILES\((\w+), 1000\)\[OFFSET\((\d+)\)\]/g,
      (_, column, at) => `quantile_cont(${column}, ${Number(at) / 1000})`,
    )
    .replace(/\bTIMESTAMP_DIFF\((.+?), (\S+), MILLISECOND\)/g, 'bq_timestamp_diff($1, $2)')
    .replace(/\bFORMAT_TIMESTAMP\('%Y-%m-%dT%H:%M:%E6SZ', (.+?), 'UTC'\)/g, 'bq_format_timestamp($1)')
    .replace(/\bTO_JSON_STRING\((\w+)\)/g, 'CAST(to_json($1) AS VARCHAR)')
    .replace(/\bJSON_VALUE\(/g, 'bq_json_value(')
    .replace(/\bTIMESTAMP\(/g, 'bq_timestamp(')
    .replace(/`([^`]+)`/g, (_, path: string) => {
      if (!path.startsWith(`${dataset}.`)) throw new InvalidQuery(`Not found: Table ${path}`);
      return `"${path.slice(dataset.length + 1)}"`;
    })
    .replace(/@(\w+)/g, '$$$1');
  const outsideText = known.replace(/'[^']*'/g, "''");
  for (const [, name = ''] of outsideText.matchAll(/\b([A-Za-z_]\w*)\s*\(/g))
    if (!COMMON.has(name.toUpperCase()) && !/^(bq_\w+|quantile_cont|to_json)$/.test(name))
      throw new InvalidQuery(`Function not found: ${name}`);
  return known;
}

async function run(
  connection: DuckDBConnection,
  text: string,
  parameters: Readonly<Record<string, Parameter>>,
): Promise<Answer> {
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
