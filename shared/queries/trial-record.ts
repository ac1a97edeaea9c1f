import { z } from 'zod';
import { timestamp } from '#shared/domain/primitives.ts';
import { END_COLUMNS, firstEnd, joinFirstEnds } from './first-ends.ts';
import { defineQuery } from './fragments.ts';

/**
 * Decisions taken from `decided_from` on that acted, and how each ended: of each block of `block_ms` from then on at most
 * `per_block`, drawn by their ids, which are hashes. `request` is JSON text.
 */
export const trialDecisions = defineQuery({
  name: 'trial_decisions',
  params: z.strictObject({ decided_from: timestamp, block_ms: z.int().min(1), per_block: z.int().min(1) }),
  row: firstEnd.extend({ decided_at: timestamp, request: z.string() }),
  sql: (dialect) => {
    const start = dialect.timestamp(dialect.param('decided_from'));
    // A whole number: BigQuery does not part by others.
    const block = `CAST(FLOOR(${dialect.millisBetween(start, 'decided_at')} / ${dialect.param('block_ms')}) AS INT64)`;
    // Neither a decision nor its outcome is of a day before.
    const since = `event_date >= CAST(${start} AS DATE) AND decided_at >= ${start}`;
    return `
SELECT asked.decided_at AS decided_at, asked.request AS request, ${END_COLUMNS}
FROM (
  SELECT decision_id, decided_at, request
  FROM ${dialect.table('routing_decisions_distinct')}
  WHERE ${since} AND final_offer_id IS NOT NULL AND mode <> 'recorded'
  QUALIFY ROW_NUMBER() OVER (PARTITION BY ${block} ORDER BY decision_id, decided_at) <= ${dialect.param('per_block')}
) AS asked${joinFirstEnds(dialect, 'asked', since)}
ORDER BY asked.decided_at, asked.decision_id`;
  },
});
