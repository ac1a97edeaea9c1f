/** What a tenant may still spend today: two kinds of entries in state, in whole millionths of a dollar, so that sums are exact. */
import { z } from 'zod';
import { count } from './primitives.ts';

/** Millionths of a US dollar. Infinite where the sum is past what a number holds: no limit allows it. */
export function microUsd(usd: number): number {
  const micro = Math.round(usd * 1e6);
  return Number.isSafeInteger(micro) ? micro : Number.POSITIVE_INFINITY;
}

/** A UTC day of world time, YYYY-MM-DD. */
const day = z.string().regex(/^\d{4}-\d\d-\d\d$/);

/** `budget/<tenant>/<day>`: what its decisions of that day may cost at most, less what turned out cheaper. */
export const budgetAccount = z.object({ tenant_id: z.string(), day, reserved_micro_usd: count });
export type BudgetAccount = z.infer<typeof budgetAccount>;
export const accountPrefix = (tenantId: string): string => `budget/${tenantId}/`;
export const accountKey = ({ tenant_id, day }: Pick<BudgetAccount, 'tenant_id' | 'day'>): string =>
  `${accountPrefix(tenant_id)}${day}`;

/** One decision's part of an account. */
export const reservation = z.object({ tenant_id: z.string(), day, micro_usd: count });
export type Reservation = z.infer<typeof reservation>;

/** `budget-hold/<decision_id>`: a reservation whose decision is durable. States: held -> settled, once. */
export const budgetHold = reservation.extend({ settled: z.boolean() });
export type BudgetHold = z.infer<typeof budgetHold>;
export const holdKey = (decisionId: string): string => `budget-hold/${decisionId}`;
