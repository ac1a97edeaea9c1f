import { z } from 'zod';
import type { TableName } from '#shared/domain/tables.ts';
import type { Dialect } from '#shared/ports/warehouse.ts';
import { defineQuery, EVERY_DAY, firstArrivals } from './fragments.ts';

const count = z.int().min(0);

const accepted = (dialect: Dialect, table: TableName): string =>
  `(SELECT COUNT(*) FROM ${dialect.table(table)} WHERE ${EVERY_DAY})`;
const distinct = (dialect: Dialect, table: TableName, condition = 'true'): string =>
  `(SELECT COUNT(*) FROM ${firstArrivals(dialect, table, EVERY_DAY)} WHERE ${condition})`;

/** How much came in. Accepted: rows, duplicates included. Distinct: each event once. One row, always. */
export const loopCounts = defineQuery({
  name: 'loop_counts',
  params: z.strictObject({}),
  row: z.object({
    decisions_accepted: count,
    decisions_distinct: count,
    outcomes_accepted: count,
    outcomes_distinct: count,
    /** Of the distinct outcomes, those that end an attempt. */
    final_distinct: count,
    /** Of those, attempts at a second or later offer, because the ones before had come to nothing. */
    fallbacks_distinct: count,
    rejected: count,
  }),
  sql: (dialect) => `
SELECT
  ${accepted(dialect, 'routing_decisions')} AS decisions_accepted,
  ${distinct(dialect, 'routing_decisions')} AS decisions_distinct,
  ${accepted(dialect, 'routing_outcomes')} AS outcomes_accepted,
  ${distinct(dialect, 'routing_outcomes')} AS outcomes_distinct,
  ${distinct(dialect, 'routing_outcomes', 'final')} AS final_distinct,
  ${distinct(dialect, 'routing_outcomes', 'final AND attempt > 0')} AS fallbacks_distinct,
  ${distinct(dialect, 'rejected_events')} AS rejected`,
});
