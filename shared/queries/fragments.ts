import type { TableName } from '#shared/domain/tables.ts';
import type { Cell, Dialect, NamedQuery } from '#shared/ports/warehouse.ts';

export const defineQuery = <P extends Readonly<Record<string, Cell>>, R>(query: NamedQuery<P, R>): NamedQuery<P, R> =>
  query;

/** The cloud's tables refuse a query without a filter on the partition; this one keeps every partition. */
export const EVERY_DAY = `event_date >= DATE '1970-01-01'`;

/**
 * The days from that of the instant `param` on. `event_date` is the UTC day of the event's own instant, so no row whose instant
 * is that one or later is left out.
 */
export const fromDayOf = (dialect: Dialect, param: string): string =>
  `event_date >= DATE(${dialect.timestamp(dialect.param(param))})`;

/**
 * The rows of `table` that fulfil `where`, each event id once, as in its view; but the filter on the partition stands at the table
 * itself, where it prunes whatever an engine makes of filters over a view (docs/decisions/2026-11-30-partition-filters.md).
 * @param where on what the event id is made of (decision_id, attempt) and on the partition only: before the first of several rows
 * is taken, every other condition would choose another one
 */
export const firstArrivals = (dialect: Dialect, table: TableName, where: string): string =>
  `(SELECT * FROM ${dialect.table(table)} AS t WHERE ${where} ` +
  `QUALIFY ROW_NUMBER() OVER (PARTITION BY t.event_date, t.event_id ORDER BY ${dialect.arrivalOrder('t')}) = 1) AS firsts`;
