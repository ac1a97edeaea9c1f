import { z } from 'zod';
import { decision } from '#shared/domain/decision.ts';
import { timestamp } from '#shared/domain/primitives.ts';
import type { Dialect } from '#shared/ports/warehouse.ts';
import { END_COLUMNS, firstEnd, joinFirstEnds } from './first-ends.ts';
import { defineQuery, EVERY_DAY } from './fragments.ts';

const picked = decision.pick({ decision_id: true, decided_at: true, final_offer_id: true, propensity: true });

/** What off-policy evaluation reads of a decision, and how its first attempt ended; nested values are JSON text. */
const recordedRow = picked.extend({
  request: z.string(),
  candidates: z.string(),
  /** `rules`, `linear` or a version; null: it was made elsewhere. */
  actor: z.string().nullable(),
  ...firstEnd.shape,
});

/** Who made a decision (shared/domain/actor.ts). */
const ACTOR = `CASE mode
      WHEN 'online' THEN COALESCE(arm, model_version)
      WHEN 'switchback' THEN arm
      WHEN 'rules' THEN 'rules'
      WHEN 'apprentice' THEN 'rules'
    END`;

const newest = (dialect: Dialect, condition: string): string => {
  const arrived = `${EVERY_DAY} AND ingested_at <= ${dialect.timestamp(dialect.param('watermark'))}`;
  const columns = [...Object.keys(picked.shape), 'request', 'candidates', 'actor'];
  return `
SELECT ${columns.map((column) => `newest.${column} AS ${column}`).join(', ')}, ${END_COLUMNS}
FROM (
  SELECT ${[...Object.keys(picked.shape), 'request', 'candidates'].join(', ')}, ${ACTOR} AS actor
  FROM ${dialect.table('routing_decisions_distinct')}
  WHERE ${arrived} AND final_offer_id IS NOT NULL${condition}
  ORDER BY decided_at DESC, decision_id DESC
  LIMIT ${dialect.param('limit')}
) AS newest${joinFirstEnds(dialect, 'newest', arrived)}
ORDER BY newest.decided_at, newest.decision_id`;
};

/** The newest `limit` decisions that had arrived by `watermark` and acted, in the order in which they were taken. */
export const recordedDecisions = defineQuery({
  name: 'recorded_decisions',
  params: z.strictObject({ watermark: timestamp, limit: z.int().min(1) }),
  row: recordedRow,
  sql: (dialect) => newest(dialect, ''),
});

/** Those of one actor. */
export const actorsDecisions = defineQuery({
  name: 'actors_decisions',
  params: z.strictObject({ watermark: timestamp, limit: z.int().min(1), actor: z.string().min(1) }),
  row: recordedRow,
  sql: (dialect) => newest(dialect, ` AND ${ACTOR} = ${dialect.param('actor')}`),
});
