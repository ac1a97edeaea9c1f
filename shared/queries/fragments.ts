import type { TableName } from '#shared/domain/tables.ts';
import type { Cell, Dialect, NamedQuery } from '#shared/ports/warehouse.ts';

export const defineQuery = <P extends Readonly<Record<string, Cell>>, R>(query: NamedQuery<P, R>): NamedQuery<P, R> =>
  query;

/** The cloud's tables refuse a query without a filter on the partition; this one keeps every partition. */
export const EVERY_DAY = `event_date >= DATE '1970-01-01'`;

/**
 * The rows of `table` that fulfil `condition`, each event id once. For conditions on what the event id is made of only
 * (decision_id, attempt): there it equals the same filter on the view, but the engine sorts a few rows and not the table.
 */
export const firstArrivals = (dialect: Dialect, table: TableName, condition: string): string =>
  `(SELECT * FROM ${dialect.table(table)} AS t WHERE ${EVERY_DAY} AND ${condition} ` +
  `QUALIFY ROW_NUMBER() OVER (PARTITION BY t.event_date, t.event_id ORDER BY ${dialect.arrivalOrder('t')}) = 1) AS firsts`;
