import { z } from 'zod';
import { timestamp } from '#shared/domain/primitives.ts';
import { dayCount } from './days.ts';
import { defineQuery, firstArrivals, fromDayOf } from './fragments.ts';
import { outcomeRow } from './training.ts';

/** What of an outcome a learner looks at, and how it is known. */
const lessonRow = outcomeRow
  .pick({
    decision_id: true,
    attempt: true,
    observed_at: true,
    status: true,
    final: true,
    blame: true,
    ready_ms: true,
    ready_within_ms: true,
    latency_ms: true,
    exposure_hours: true,
    billed_gpu_hours: true,
    cost_usd: true,
    effective_usd_per_gpu_hour: true,
    advertised_usd_per_gpu_hour: true,
    advertised_latency_ms: true,
    request: true,
    features: true,
  })
  .extend({ event_id: z.string() });
export type LessonRow = z.infer<typeof lessonRow>;

/**
 * The newest `limit` outcomes, interim ones too, that were observed from `observed_from` on and arrived after `arrived_after`,
 * in the order in which they were observed: what a learner that had been there would have heard.
 */
export const lessonRows = defineQuery({
  name: 'lesson_rows',
  params: z.strictObject({ observed_from: timestamp, arrived_after: timestamp, limit: z.int().min(1) }),
  row: lessonRow,
  sql: (dialect) => `
SELECT * FROM (
  SELECT ${Object.keys(lessonRow.shape).join(', ')}, sequence
  FROM ${firstArrivals(dialect, 'routing_outcomes', fromDayOf(dialect, 'observed_from'))}
  WHERE observed_at >= ${dialect.timestamp(dialect.param('observed_from'))}
    AND ingested_at > ${dialect.timestamp(dialect.param('arrived_after'))}
    AND (features IS NOT NULL OR final)
  ORDER BY observed_at DESC, decision_id DESC, attempt DESC, sequence DESC
  LIMIT ${dialect.param('limit')}
) AS newest
ORDER BY observed_at, decision_id, attempt, sequence`,
});

/** How many final ones of them there are, by day, the newest first: every day with any, and nothing read of what makes them large. */
export const lessonDays = defineQuery({
  name: 'lesson_days',
  params: z.strictObject({ from: timestamp, arrived_after: timestamp }),
  row: dayCount,
  sql: (dialect) => `
SELECT event_date AS day, COUNTIF(final) AS at_least
FROM ${firstArrivals(dialect, 'routing_outcomes', fromDayOf(dialect, 'from'))}
WHERE ingested_at > ${dialect.timestamp(dialect.param('arrived_after'))}
GROUP BY event_date
ORDER BY event_date DESC`,
});
