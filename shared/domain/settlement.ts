import type { DeploymentRequest } from './events/catalogue.ts';
import type { Outcome } from './outcome.ts';

/** What a deployment came to, for whoever keeps the tenants' budgets. USD. */
export interface Settlement {
  readonly tenant_id: string;
  readonly decision_id: string;
  /** World time; a budget is of a day. */
  readonly decided_at: string;
  /** As its last attempt's offer had it. */
  readonly estimated_usd: number;
  /** Null: nobody knows, as of an instance that its provider has lost. */
  readonly cost_usd: number | null;
}

/** Called before a deployment is forgotten, maybe more than once: it is the same settlement then. */
export type OnSettled = (settlement: Settlement) => Promise<void>;

export const settlementOf = (request: DeploymentRequest, { cost_usd }: Pick<Outcome, 'cost_usd'>): Settlement => ({
  tenant_id: request.tenant_id,
  decision_id: request.decision_id,
  decided_at: request.decided_at,
  estimated_usd: request.option.advertised_usd_per_gpu_hour * request.request.gpu_hours,
  cost_usd,
});
