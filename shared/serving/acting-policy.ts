import { EXPLORATION_EPSILON } from '#shared/defaults.ts';
import type { Policy } from '#shared/domain/decision.ts';
import type { Workload } from '#shared/domain/request.ts';

/** How scores become a distribution. A critical workload is never explored on. */
export function actingPolicy(workload: Workload): Policy {
  return workload.priority === 'critical'
    ? { kind: 'greedy', epsilon: 0 }
    : { kind: 'epsilon_softened', epsilon: EXPLORATION_EPSILON };
}
