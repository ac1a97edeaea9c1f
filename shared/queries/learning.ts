import { z } from 'zod';
import { timestamp } from '#shared/domain/primitives.ts';
import { defineQuery, EVERY_DAY } from './fragments.ts';
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
  FROM ${dialect.table('routing_outcomes_distinct')}
  WHERE ${EVERY_DAY}
    AND observed_at >= ${dialect.timestamp(dialect.param('observed_from'))}
    AND ingested_at > ${dialect.timestamp(dialect.param('arrived_after'))}
    AND (features IS NOT NULL OR final)
  ORDER BY observed_at DESC, decision_id DESC, attempt DESC, sequence DESC
  LIMIT ${dialect.param('limit')}
) AS newest
ORDER BY observed_at, decision_id, attempt, sequence`,
});
