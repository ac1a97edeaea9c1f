/** What the probes found out: how often each check was well, and how fast its error budget goes. */
import { z } from 'zod';
import { timestamp } from '#shared/domain/primitives.ts';
import { defineQuery, firstArrivals, fromDayOf } from './fragments.ts';

/** Whether a decision of late is on record. */
export const canarySeen = defineQuery({
  name: 'canary_seen',
  params: z.strictObject({ decision_id: z.string().min(1), since: timestamp }),
  row: z.object({ seen: z.int() }),
  sql: (dialect) => `
SELECT COUNT(*) AS seen
FROM ${dialect.table('routing_decisions')} AS t
WHERE ${fromDayOf(dialect, 'since')} AND t.decision_id = ${dialect.param('decision_id')}`,
});

const window = z.strictObject({ suite: z.string().min(1), since: timestamp });

/** Runs in maintenance, and such as could not look, count for nothing. */
const looked = (dialect: Parameters<typeof firstArrivals>[0]): string =>
  `FROM ${firstArrivals(dialect, 'probe_results', fromDayOf(dialect, 'since'))}
WHERE suite = ${dialect.param('suite')} AND observed_at >= ${dialect.timestamp(dialect.param('since'))}
  AND (status = 'pass' OR status = 'fail') AND maintenance IS NULL
GROUP BY check_id`;

/** Share of the looks since an instant that passed, by check; the worst first. */
export const probeUptime = defineQuery({
  name: 'probe_uptime',
  params: window,
  row: z.object({ check_id: z.string(), looks: z.int(), uptime: z.number(), last_observed_at: timestamp }),
  sql: (dialect) => `
SELECT check_id, COUNT(*) AS looks, AVG(CASE WHEN status = 'pass' THEN 1.0 ELSE 0.0 END) AS uptime,
  MAX(observed_at) AS last_observed_at
${looked(dialect)}
ORDER BY uptime, check_id`,
});

/**
 * How many times faster than its objective allows a check uses its error budget up: 1 uses up all of it in the objective's own window,
 * 14.4 a fiftieth of thirty days in one hour (Site Reliability Workbook, chapter 5).
 * @param objective of the query: the share of looks that should pass, below 1
 */
export const probeBurnRate = defineQuery({
  name: 'probe_burn_rate',
  params: window.extend({ objective: z.number().gt(0).lt(1) }),
  row: z.object({ check_id: z.string(), looks: z.int(), burn_rate: z.number() }),
  sql: (dialect) => `
SELECT check_id, COUNT(*) AS looks,
  AVG(CASE WHEN status = 'fail' THEN 1.0 ELSE 0.0 END) / (1.0 - ${dialect.param('objective')}) AS burn_rate
${looked(dialect)}
ORDER BY burn_rate DESC, check_id`,
});
