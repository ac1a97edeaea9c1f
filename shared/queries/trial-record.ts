import { z } from 'zod';
import { timestamp } from '#shared/domain/primitives.ts';
import { END_COLUMNS, endsFrom, firstEnd, joinFirstEnds } from './first-ends.ts';
import { defineQuery, firstArrivals, fromDayOf } from './fragments.ts';

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
    const since = `decided_at >= ${start}`;
    return `
SELECT asked.decided_at AS decided_at, asked.request AS request, ${END_COLUMNS}
FROM (
  SELECT decision_id, decided_at, request
  FROM ${firstArrivals(dialect, 'routing_decisions', fromDayOf(dialect, 'decided_from'))}
  WHERE ${since} AND final_offer_id IS NOT NULL AND mode <> 'recorded'
  QUALIFY ROW_NUMBER() OVER (PARTITION BY ${block} ORDER BY decision_id, decided_at) <= ${dialect.param('per_block')}
) AS asked${joinFirstEnds(dialect, 'asked', { days: endsFrom(dialect, 'decided_from'), condition: since })}
ORDER BY asked.decided_at, asked.decision_id`;
  },
});
