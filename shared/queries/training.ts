import { z } from 'zod';
import { outcome } from '#shared/domain/outcome.ts';
import { timestamp } from '#shared/domain/primitives.ts';
import { defineQuery, EVERY_DAY } from './fragments.ts';

/** An outcome as its row: `request` and `features` are JSON text, instants RFC 3339 with milliseconds. */
export const outcomeRow = outcome.extend({ request: z.string(), features: z.string().nullable() });

export const OUTCOME_COLUMNS = Object.keys(outcome.shape).join(', ');

/** A row that a learner can use: the attempt is over, and its offer was scored. */
const MATURED = `${EVERY_DAY} AND final AND features IS NOT NULL`;

const trainingRow = outcomeRow.extend({ features: z.string() });

/**
 * The newest `limit` matured outcomes that had arrived by `watermark`, in the order of every training set: decided_at,
 * decision_id, attempt. The same watermark and limit give the same rows as long as nothing arrives with an older stamp.
 */
export const trainingExamples = defineQuery({
  name: 'training_examples',
  params: z.strictObject({ watermark: timestamp, limit: z.int().min(1) }),
  row: trainingRow,
  sql: (dialect) => `
SELECT * FROM (
  SELECT ${OUTCOME_COLUMNS}
  FROM ${dialect.table('routing_outcomes_distinct')}
  WHERE ${MATURED} AND ingested_at <= ${dialect.timestamp(dialect.param('watermark'))}
  ORDER BY decided_at DESC, decision_id DESC, attempt DESC, sequence DESC
  LIMIT ${dialect.param('limit')}
) AS newest
ORDER BY decided_at, decision_id, attempt, sequence`,
});

/** The stamp of the newest outcome (null: there is none), and how many matured ones there are. One row, always. */
export const trainingWatermark = defineQuery({
  name: 'training_watermark',
  params: z.strictObject({}),
  row: z.object({ watermark: timestamp.nullable(), matured: z.int().min(0) }),
  sql: (dialect) => `
SELECT
  (SELECT MAX(ingested_at) FROM ${dialect.table('routing_outcomes')} WHERE ${EVERY_DAY}) AS watermark,
  (SELECT COUNT(*) FROM ${dialect.table('routing_outcomes_distinct')} WHERE ${MATURED}) AS matured`,
});

/** Matured outcomes that arrived after `since`: what a new version would learn from. One row, always. */
export const maturedSince = defineQuery({
  name: 'matured_since',
  params: z.strictObject({ since: timestamp }),
  row: z.object({ matured: z.int().min(0) }),
  sql: (dialect) => `
SELECT COUNT(*) AS matured
FROM ${dialect.table('routing_outcomes_distinct')}
WHERE ${MATURED} AND ingested_at > ${dialect.timestamp(dialect.param('since'))}`,
});
