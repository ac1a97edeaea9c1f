import { z } from 'zod';
import { outcome } from '#shared/domain/outcome.ts';
import { timestamp } from '#shared/domain/primitives.ts';
import type { Dialect } from '#shared/ports/warehouse.ts';
import { dayCount } from './days.ts';
import { defineQuery, EVERY_DAY, firstArrivals, fromDayOf } from './fragments.ts';

/** An outcome as its row: `request` and `features` are JSON text, instants RFC 3339 with milliseconds. */
export const outcomeRow = outcome.extend({ request: z.string(), features: z.string().nullable() });

export const OUTCOME_COLUMNS = Object.keys(outcome.shape).join(', ');

/** A row that a learner can use: the attempt is over, and its offer was scored. */
const TAUGHT = 'final AND features IS NOT NULL';

const trainingRow = outcomeRow.extend({ features: z.string() });

/**
 * The newest `limit` matured outcomes that had arrived by `watermark`, decided at `since` or later, in the order of every training
 * set: decided_at, decision_id, attempt. The same parameters give the same rows as long as nothing arrives with an older stamp.
 */
export const trainingExamples = defineQuery({
  name: 'training_examples',
  params: z.strictObject({ watermark: timestamp, since: timestamp, limit: z.int().min(1) }),
  row: trainingRow,
  sql: (dialect) => `
SELECT * FROM (
  SELECT ${OUTCOME_COLUMNS}
  ${taught(dialect)}
  ORDER BY decided_at DESC, decision_id DESC, attempt DESC, sequence DESC
  LIMIT ${dialect.param('limit')}
) AS newest
ORDER BY decided_at, decision_id, attempt, sequence`,
});

/** How many of them were decided on each day, the newest first. */
export const trainingDays = defineQuery({
  name: 'training_days',
  params: z.strictObject({ watermark: timestamp, since: timestamp }),
  row: dayCount,
  sql: (dialect) => `
SELECT DATE(decided_at) AS day, COUNT(*) AS at_least
${taught(dialect)}
GROUP BY day
ORDER BY day DESC`,
});

/** An outcome is observed after its decision, so the days before `since` hold none of them, and are not read. */
const taught = (
  dialect: Dialect,
): string => `FROM ${firstArrivals(dialect, 'routing_outcomes', fromDayOf(dialect, 'since'))}
  WHERE decided_at >= ${dialect.timestamp(dialect.param('since'))} AND ${TAUGHT}
    AND ingested_at <= ${dialect.timestamp(dialect.param('watermark'))}`;

/** The stamp of the newest outcome; null: there is none. One row, always. */
export const trainingWatermark = defineQuery({
  name: 'training_watermark',
  params: z.strictObject({}),
  row: z.object({ watermark: timestamp.nullable() }),
  sql: (dialect) => `
SELECT MAX(ingested_at) AS watermark FROM ${dialect.table('routing_outcomes')} WHERE ${EVERY_DAY}`,
});

/**
 * Matured outcomes that arrived after `since`: what a new version would learn from. Where reading is paid by the day, those are
 * left out that were days old when they came; this decides when to look again, and nothing else. One row, always.
 */
export const maturedSince = defineQuery({
  name: 'matured_since',
  params: z.strictObject({ since: timestamp }),
  row: z.object({ matured: z.int().min(0) }),
  sql: (dialect) => {
    const since = dialect.timestamp(dialect.param('since'));
    return `
SELECT COUNT(*) AS matured
FROM ${firstArrivals(dialect, 'routing_outcomes', dialect.daysOfArrivals(since))}
WHERE ${TAUGHT} AND ingested_at > ${since}`;
  },
});
