import { z } from 'zod';
import { decision } from '#shared/domain/decision.ts';
import { timestamp } from '#shared/domain/primitives.ts';
import type { Dialect } from '#shared/ports/warehouse.ts';
import { dayCount } from './days.ts';
import { END_COLUMNS, endsFrom, firstEnd, joinFirstEnds } from './first-ends.ts';
import { defineQuery, firstArrivals, fromDayOf } from './fragments.ts';

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

const arrived = (dialect: Dialect): string => `ingested_at <= ${dialect.timestamp(dialect.param('watermark'))}`;

/** Decisions that acted, from the day of `from` on, as they had arrived by `watermark`. */
const acted = (dialect: Dialect, condition: string): string => `
  FROM ${firstArrivals(dialect, 'routing_decisions', fromDayOf(dialect, 'from'))}
  WHERE ${arrived(dialect)} AND final_offer_id IS NOT NULL${condition}`;

const newest = (dialect: Dialect, condition: string): string => {
  const columns = [...Object.keys(picked.shape), 'request', 'candidates', 'actor'];
  return `
SELECT ${columns.map((column) => `newest.${column} AS ${column}`).join(', ')}, ${END_COLUMNS}
FROM (
  SELECT ${[...Object.keys(picked.shape), 'request', 'candidates'].join(', ')}, ${ACTOR} AS actor${acted(dialect, condition)}
  ORDER BY decided_at DESC, decision_id DESC
  LIMIT ${dialect.param('limit')}
) AS newest${joinFirstEnds(dialect, 'newest', { days: endsFrom(dialect, 'from'), condition: arrived(dialect) })}
ORDER BY newest.decided_at, newest.decision_id`;
};

const asOf = z.strictObject({ from: timestamp, watermark: timestamp, limit: z.int().min(1) });

/**
 * The newest `limit` decisions that were taken from the day of `from` on, had arrived by `watermark` and acted, in the order in
 * which they were taken.
 */
export const recordedDecisions = defineQuery({
  name: 'recorded_decisions',
  params: asOf,
  row: recordedRow,
  sql: (dialect) => newest(dialect, ''),
});

/** Those of one actor. */
export const actorsDecisions = defineQuery({
  name: 'actors_decisions',
  params: asOf.extend({ actor: z.string().min(1) }),
  row: recordedRow,
  sql: (dialect) => newest(dialect, ` AND ${ACTOR} = ${dialect.param('actor')}`),
});

/** How many they are, by day, the newest first. `actor` null = of anybody. Reads none of what makes a decision large. */
export const decisionDays = defineQuery({
  name: 'decision_days',
  params: z.strictObject({ from: timestamp, watermark: timestamp, actor: z.string().min(1).nullable() }),
  row: dayCount,
  sql: (dialect) => `
SELECT event_date AS day, COUNT(*) AS at_least${acted(dialect, ` AND (${dialect.param('actor')} IS NULL OR ${ACTOR} = ${dialect.param('actor')})`)}
GROUP BY event_date
ORDER BY event_date DESC`,
});
