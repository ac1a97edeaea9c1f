import { z } from 'zod';
import { timestamp } from '#shared/domain/primitives.ts';
import { defineQuery } from './fragments.ts';

const between = z.strictObject({ from: timestamp, to: timestamp });
const id = z.object({ event_id: z.string() });

/** Ids of the decisions taken in [from, to], both ends included. */
export const decisionsBetween = defineQuery({
  name: 'decisions_between',
  params: between,
  row: id,
  sql: (dialect) => `
SELECT DISTINCT event_id FROM ${dialect.table('routing_decisions')}
WHERE event_date >= DATE(${dialect.timestamp(dialect.param('from'))}) AND event_date <= DATE(${dialect.timestamp(dialect.param('to'))})
  AND decided_at >= ${dialect.timestamp(dialect.param('from'))} AND decided_at <= ${dialect.timestamp(dialect.param('to'))}`,
});

/** Ids of the outcomes observed in [from, to], both ends included. */
export const outcomesBetween = defineQuery({
  name: 'outcomes_between',
  params: between,
  row: id,
  sql: (dialect) => `
SELECT DISTINCT event_id FROM ${dialect.table('routing_outcomes')}
WHERE event_date >= DATE(${dialect.timestamp(dialect.param('from'))}) AND event_date <= DATE(${dialect.timestamp(dialect.param('to'))})
  AND observed_at >= ${dialect.timestamp(dialect.param('from'))} AND observed_at <= ${dialect.timestamp(dialect.param('to'))}`,
});
