import type { z } from 'zod';
import type { TableName } from '#shared/domain/tables.ts';

/**
 * The warehouse: append-only tables and named queries.
 * Promise: `append` is durable before it resolves and idempotent by event id through the deduplicating view
 * `<table>_distinct` (the first row of an event id wins); a query is a value, its text written once for every engine.
 */
export type Cell = string | number | boolean | null;
/** Column name -> cell. TIMESTAMP is RFC 3339 UTC, DATE is YYYY-MM-DD, JSON is its text. */
export type Row = Readonly<Record<string, Cell>>;

/** The fragments in which the engines differ. Everything else in a query is common SQL. */
export interface Dialect {
  readonly name: 'duckdb' | 'bigquery';
  /** Reference to a table or its view, quoted and qualified. */
  table(name: string): string;
  /** Reference to a named parameter of the query. */
  param(name: string): string;
  /** Approximate or exact quantile q in [0, 1] of a numeric expression, as an aggregate. */
  quantile(expression: string, q: number): string;
  /** Milliseconds between two TIMESTAMP expressions, as INT64. */
  millisBetween(from: string, to: string): string;
  /** A TIMESTAMP parameter or literal from an RFC 3339 string expression. */
  timestamp(expression: string): string;
  /** The text at a JSON path `$.a.b` of a JSON column, as STRING or NULL. */
  jsonText(column: string, path: string): string;
  /** TIMESTAMP as RFC 3339 UTC text with microseconds and Z. */
  timestampText(expression: string): string;
  /**
   * Condition on event_date: the days in which rows lie that arrived after a TIMESTAMP expression. An engine that is paid by what it
   * reads leaves out those that came days after their time.
   */
  daysOfArrivals(after: string): string;
  /** ORDER BY list that puts the row of an event id which counts (the first to arrive) first. `alias` is the table's. */
  arrivalOrder(alias: string): string;
}

/** `P`: parameters (strings, numbers, booleans, null); `R`: one row as answered. */
export interface NamedQuery<P extends Readonly<Record<string, Cell>>, R> {
  readonly name: string;
  readonly params: z.ZodType<P>;
  readonly row: z.ZodType<R>;
  readonly sql: (dialect: Dialect) => string;
}

export interface Warehouse {
  /**
   * All rows or none.
   * @throws RejectedError row_invalid (unknown table or column, a cell of the wrong type, NULL where none may be)
   * @throws TransientError warehouse_unavailable, disk_full
   */
  append(table: TableName, rows: readonly Row[]): Promise<void>;
  /** @throws RejectedError query_invalid @throws TransientError warehouse_unavailable */
  query<P extends Readonly<Record<string, Cell>>, R>(query: NamedQuery<P, R>, params: P): Promise<readonly R[]>;
  /** The same, a batch at a time in the order of the query, in bounded memory. */
  stream<P extends Readonly<Record<string, Cell>>, R>(query: NamedQuery<P, R>, params: P): AsyncIterable<readonly R[]>;
  close(): Promise<void>;
}

/** What a query would read, were it run. */
export interface QueryEstimate {
  /** Of the columns and days that it reads, as they are billed. */
  readonly bytes: number;
  readonly tables: number;
  /** Whether it may be less, as of clustered tables, or more. */
  readonly accuracy: 'precise' | 'at most' | 'at least' | 'unknown';
}

/** @throws RejectedError query_invalid @throws TransientError warehouse_unavailable */
export type EstimateQuery = <P extends Readonly<Record<string, Cell>>, R>(
  query: NamedQuery<P, R>,
  params: P,
) => Promise<QueryEstimate>;
