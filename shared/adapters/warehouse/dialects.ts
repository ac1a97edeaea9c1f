/** The fragments in which DuckDB and BigQuery differ; each pair answers the same for the same rows. */
import type { Dialect } from '#shared/ports/warehouse.ts';

/** Pub/Sub delivers within seconds; what a dead letter brings days later is in the record all the same. */
const LATE_DAYS = 2;

export const duckdbDialect: Dialect = {
  name: 'duckdb',
  table: (name) => `"${identifier(name)}"`,
  param: (name) => `$${identifier(name)}`,
  quantile: (expression, q) => `quantile_cont(${expression}, ${fraction(q)})`,
  millisBetween: (from, to) => `((epoch_us(${to}) - epoch_us(${from})) // 1000)`,
  // A cast of text straight to TIMESTAMP drops the offset without a word: '…+02:00' would be two hours off.
  timestamp: (expression) => `(CAST(${expression} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')`,
  // json_extract_string answers the text of objects and arrays too; JSON_VALUE, there as here, answers NULL for them.
  jsonText: (column, path) =>
    `CASE WHEN json_type(${column}, '${jsonPath(path)}') NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string(${column}, '${jsonPath(path)}') END`,
  timestampText: (expression) => `strftime(${expression}, '%Y-%m-%dT%H:%M:%S.%fZ')`,
  daysOfArrivals: () => 'TRUE',
  // rowid is the order of insertion; it decides between duplicates of one batch.
  arrivalOrder: (alias) => `${identifier(alias)}.ingested_at, ${identifier(alias)}.rowid`,
};

/** `dataset` is `project.dataset` or `dataset`. */
export function bigqueryDialect(dataset: string): Dialect {
  if (!/^[A-Za-z0-9_.-]+$/.test(dataset)) throw new Error(`expected project.dataset, got ${JSON.stringify(dataset)}`);
  return {
    name: 'bigquery',
    table: (name) => `\`${dataset}.${identifier(name)}\``,
    param: (name) => `@${identifier(name)}`,
    quantile: (expression, q) => `APPROX_QUANTILES(${expression}, 1000)[OFFSET(${Math.round(fraction(q) * 1000)})]`,
    millisBetween: (from, to) => `TIMESTAMP_DIFF(${to}, ${from}, MILLISECOND)`,
    timestamp: (expression) => `TIMESTAMP(${expression})`,
    jsonText: (column, path) => `JSON_VALUE(${column}, '${jsonPath(path)}')`,
    timestampText: (expression) => `FORMAT_TIMESTAMP('%Y-%m-%dT%H:%M:%E6SZ', ${expression}, 'UTC')`,
    daysOfArrivals: (after) => `event_date >= DATE(${after}) - ${LATE_DAYS}`,
    // No order of insertion there, and to compare rows by all they hold would have every query read every column. Rows of one event
    // that share an instant are copies, of one message that went to two instances: an append holds an event once.
    arrivalOrder: (alias) => `${identifier(alias)}.ingested_at`,
  };
}

/** Names come from this repository; a quote in one is a mistake to stop here, not to escape. */
function identifier(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Error(`expected an identifier, got ${JSON.stringify(name)}`);
  return name;
}

function jsonPath(path: string): string {
  if (!/^\$(\.[A-Za-z_][A-Za-z0-9_]*)+$/.test(path)) throw new Error(`expected $.a.b, got ${JSON.stringify(path)}`);
  return path;
}

function fraction(q: number): number {
  if (!(q >= 0 && q <= 1)) throw new Error(`expected a quantile in [0, 1], got ${q}`);
  return q;
}
