import { z } from 'zod';
import type { Dialect } from '#shared/ports/warehouse.ts';
import { defineQuery, EVERY_DAY } from './fragments.ts';

const count = z.int().min(0);

const countOf = (dialect: Dialect, table: string, condition = EVERY_DAY): string =>
  `(SELECT COUNT(*) FROM ${dialect.table(table)} WHERE ${condition})`;

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
    rejected: count,
  }),
  sql: (dialect) => `
SELECT
  ${countOf(dialect, 'routing_decisions')} AS decisions_accepted,
  ${countOf(dialect, 'routing_decisions_distinct')} AS decisions_distinct,
  ${countOf(dialect, 'routing_outcomes')} AS outcomes_accepted,
  ${countOf(dialect, 'routing_outcomes_distinct')} AS outcomes_distinct,
  ${countOf(dialect, 'routing_outcomes_distinct', `${EVERY_DAY} AND final`)} AS final_distinct,
  ${countOf(dialect, 'rejected_events_distinct')} AS rejected`,
});
