import type { Outcome } from './outcome.ts';

/** What a deployment came to, for whoever keeps the tenants' budgets: of its last outcome, in USD. Null: nobody knows. */
export type Settlement = Pick<Outcome, 'decision_id' | 'cost_usd'>;

/** Called before a deployment is forgotten, maybe more than once: it is the same settlement then. */
export type OnSettled = (settlement: Settlement) => Promise<void>;

export const settlementOf = ({ decision_id, cost_usd }: Outcome): Settlement => ({ decision_id, cost_usd });
