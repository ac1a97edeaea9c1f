import { z } from 'zod';
import { decision } from '#shared/domain/decision.ts';
import { timestamp } from '#shared/domain/primitives.ts';
import { defineQuery, EVERY_DAY } from './fragments.ts';

/** What off-policy evaluation reads of a decision; nested values are JSON text. */
const recordedRow = decision
  .pick({
    decision_id: true,
    decided_at: true,
    final_offer_id: true,
    propensity: true,
    mode: true,
    arm: true,
    model_version: true,
  })
  .extend({ request: z.string(), candidates: z.string() });

/** The newest `limit` decisions that had arrived by `watermark` and acted, in the order in which they were taken. */
export const recordedDecisions = defineQuery({
  name: 'recorded_decisions',
  params: z.strictObject({ watermark: timestamp, limit: z.int().min(1) }),
  row: recordedRow,
  sql: (dialect) => `
SELECT * FROM (
  SELECT ${Object.keys(recordedRow.shape).join(', ')}
  FROM ${dialect.table('routing_decisions_distinct')}
  WHERE ${EVERY_DAY}
    AND ingested_at <= ${dialect.timestamp(dialect.param('watermark'))}
    AND final_offer_id IS NOT NULL
  ORDER BY decided_at DESC, decision_id DESC
  LIMIT ${dialect.param('limit')}
) AS newest
ORDER BY decided_at, decision_id`,
});
