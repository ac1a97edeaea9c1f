import { z } from 'zod';
import { defineQuery, EVERY_DAY } from './fragments.ts';

/** Every decision with the number of rows it has: 1, or more after a redelivery. In order of event id. */
export const decisionIds = defineQuery({
  name: 'decision_ids',
  params: z.strictObject({}),
  row: z.object({ event_id: z.string(), decision_id: z.string(), copies: z.int().min(1) }),
  sql: (dialect) => `
SELECT event_id, decision_id, COUNT(*) AS copies
FROM ${dialect.table('routing_decisions')}
WHERE ${EVERY_DAY}
GROUP BY event_id, decision_id
ORDER BY event_id, decision_id`,
});

/** Every outcome with the number of rows it has. In order of event id. */
export const outcomeIds = defineQuery({
  name: 'outcome_ids',
  params: z.strictObject({}),
  row: z.object({
    event_id: z.string(),
    decision_id: z.string(),
    attempt: z.int(),
    sequence: z.int(),
    final: z.boolean(),
    copies: z.int().min(1),
  }),
  sql: (dialect) => `
SELECT event_id, decision_id, attempt, sequence, final, COUNT(*) AS copies
FROM ${dialect.table('routing_outcomes')}
WHERE ${EVERY_DAY}
GROUP BY event_id, decision_id, attempt, sequence, final
ORDER BY event_id, decision_id, attempt, sequence, final`,
});
