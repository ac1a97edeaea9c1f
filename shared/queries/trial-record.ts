import { z } from 'zod';
import { timestamp } from '#shared/domain/primitives.ts';
import { defineQuery, EVERY_DAY } from './fragments.ts';
import { outcomeRow } from './training.ts';

/** What the utility of an attempt is made of. */
const END = {
  status: true,
  blame: true,
  ready_ms: true,
  latency_ms: true,
  useful_gpu_hours: true,
  cost_usd: true,
} as const;
const end = outcomeRow.pick(END);

/** A decision and the end of its sampled action; `status` null: it has not ended. `request` is JSON text. */
const trialRow = z.object({
  ...end.shape,
  decided_at: timestamp,
  request: z.string(),
  status: end.shape.status.nullable(),
});

/**
 * Decisions taken from `decided_from` on that acted, and how each ended: of each block of `block_ms` from then on at most
 * `per_block`, drawn by their ids, which are hashes.
 */
export const trialDecisions = defineQuery({
  name: 'trial_decisions',
  params: z.strictObject({ decided_from: timestamp, block_ms: z.int().min(1), per_block: z.int().min(1) }),
  row: trialRow,
  sql: (dialect) => {
    const start = dialect.timestamp(dialect.param('decided_from'));
    // A whole number: BigQuery does not part by others.
    const block = `CAST(FLOOR(${dialect.millisBetween(start, 'decided_at')} / ${dialect.param('block_ms')}) AS INT64)`;
    const since = `${EVERY_DAY} AND decided_at >= ${start}`;
    return `
SELECT d.decided_at AS decided_at, d.request AS request, ${Object.keys(END)
      .map((column) => `o.${column} AS ${column}`)
      .join(', ')}
FROM (
  SELECT decision_id, decided_at, request
  FROM ${dialect.table('routing_decisions_distinct')}
  WHERE ${since} AND final_offer_id IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (PARTITION BY ${block} ORDER BY decision_id) <= ${dialect.param('per_block')}
) AS d
LEFT JOIN (
  SELECT decision_id, ${Object.keys(END).join(', ')}
  FROM ${dialect.table('routing_outcomes_distinct')}
  WHERE ${since} AND final AND attempt = 0
) AS o ON o.decision_id = d.decision_id
ORDER BY d.decided_at, d.decision_id`;
  },
});
