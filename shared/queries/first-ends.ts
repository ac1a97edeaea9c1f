import type { Dialect } from '#shared/ports/warehouse.ts';
import { outcomeRow } from './training.ts';

const PICKED = {
  status: true,
  blame: true,
  ready_ms: true,
  latency_ms: true,
  useful_gpu_hours: true,
  cost_usd: true,
} as const;
const picked = outcomeRow.pick(PICKED);

/** What the utility of a first attempt is made of; `status` null: it has not ended. */
export const firstEnd = picked.extend({ status: picked.shape.status.nullable() });

const COLUMNS = Object.keys(PICKED);

/** Of the alias `ends`. */
export const END_COLUMNS = COLUMNS.map((column) => `ends.${column} AS ${column}`).join(', ');

/**
 * ` LEFT JOIN` of the end of the first attempt of each decision of the alias, as `ends`. A request id that is used again is another
 * decision, and of two ends, days apart, the first one counts.
 * @param condition on the outcomes, with their partition filter
 */
export const joinFirstEnds = (dialect: Dialect, alias: string, condition: string): string => `
LEFT JOIN (
  SELECT decision_id, decided_at, ${COLUMNS.join(', ')}
  FROM ${dialect.table('routing_outcomes_distinct')}
  WHERE ${condition} AND final AND attempt = 0
  QUALIFY ROW_NUMBER() OVER (PARTITION BY decision_id, decided_at ORDER BY observed_at, sequence) = 1
) AS ends ON ends.decision_id = ${alias}.decision_id AND ends.decided_at = ${alias}.decided_at`;
