import { z } from 'zod';
import { type Decision, decision } from '#shared/domain/decision.ts';
import { defineQuery, EVERY_DAY, firstArrivals } from './fragments.ts';
import { OUTCOME_COLUMNS, outcomeRow } from './training.ts';

/** A decision as its row: nested values are JSON text. */
const decisionRow = decision.extend({
  request: z.string(),
  candidates: z.string(),
  excluded: z.string(),
  policy: z.string(),
});

/** The row as the decision that it was. */
export const decisionOf = ({
  request,
  candidates,
  excluded,
  policy,
  ...rest
}: z.output<typeof decisionRow>): Decision =>
  decision.parse({
    ...rest,
    request: JSON.parse(request),
    candidates: JSON.parse(candidates),
    excluded: JSON.parse(excluded),
    policy: JSON.parse(policy),
  });

/** One decision, complete. No row when there is none. */
export const decisionById = defineQuery({
  name: 'decision_by_id',
  params: z.strictObject({ decision_id: z.string().min(1) }),
  row: decisionRow,
  sql: (dialect) => `
SELECT ${Object.keys(decision.shape).join(', ')}
FROM ${firstArrivals(dialect, 'routing_decisions', `${EVERY_DAY} AND decision_id = ${dialect.param('decision_id')}`)}
ORDER BY decided_at
LIMIT 1`,
});

/** What became of a decision: every outcome once, in the order of attempt and sequence. */
export const outcomesByDecision = defineQuery({
  name: 'outcomes_by_decision',
  params: z.strictObject({ decision_id: z.string().min(1) }),
  row: outcomeRow,
  sql: (dialect) => `
SELECT ${OUTCOME_COLUMNS}
FROM ${firstArrivals(dialect, 'routing_outcomes', `${EVERY_DAY} AND decision_id = ${dialect.param('decision_id')}`)}
ORDER BY attempt, sequence`,
});
