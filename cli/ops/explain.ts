import { z } from 'zod';
import { outcome } from '#shared/domain/outcome.ts';
import { RejectedError } from '#shared/errors.ts';
import { decisionById, decisionOf, outcomesByDecision } from '#shared/queries/decisions.ts';
import { type Explanation, explanationOf } from '../explain/explanation.ts';
import { operation } from './operation.ts';

/** A decision on record, taken apart. */
export const explainDecision = operation({
  name: 'decisions.explain',
  /** What can be no id, the record does not know. */
  params: z.strictObject({ decision_id: z.string() }),
  run: async ({ platform }, params): Promise<Explanation> => {
    const warehouse = await platform.warehouse();
    const [row] = params.decision_id === '' ? [] : await warehouse.query(decisionById, params);
    if (row === undefined)
      throw new RejectedError('decision_unknown', `no decision ${JSON.stringify(params.decision_id)} is on record`);
    const outcomes = await warehouse.query(outcomesByDecision, params);
    return explanationOf(
      decisionOf(row),
      outcomes.map(({ request, features, ...rest }) =>
        outcome.parse({
          ...rest,
          request: JSON.parse(request),
          features: features === null ? null : JSON.parse(features),
        }),
      ),
    );
  },
});
