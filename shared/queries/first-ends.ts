import type { Dialect } from '#shared/ports/warehouse.ts';
import { firstArrivals, fromDayOf } from './fragments.ts';
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
 * @param outcomes `days`: of the partition, which may leave out days before the decision's (endsFrom); `condition`: which count
 */
export const joinFirstEnds = (
  dialect: Dialect,
  alias: string,
  { days, condition = 'true' }: { readonly days: string; readonly condition?: string },
): string => `
LEFT JOIN (
  SELECT decision_id, decided_at, ${COLUMNS.join(', ')}
  FROM ${firstArrivals(dialect, 'routing_outcomes', days)}
  WHERE ${condition} AND final AND attempt = 0
  QUALIFY ROW_NUMBER() OVER (PARTITION BY decision_id, decided_at ORDER BY observed_at, sequence) = 1
) AS ends ON ends.decision_id = ${alias}.decision_id AND ends.decided_at = ${alias}.decided_at`;

/**
 * Days on which the decisions taken since the instant `param` may have ended. No outcome is of a day before its decision's; but
 * its instant is the provider's word, whose clock may be some hours off.
 */
export const endsFrom = (dialect: Dialect, param: string): string => `${fromDayOf(dialect, param)} - 1`;
