import { type DeploymentRecord, deploymentKey, deploymentRecord } from '#shared/domain/deployment.ts';
import { describeIssues } from '#shared/domain/events/codec.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { State, StateEntry, StateOptions } from '#shared/ports/state.ts';

export interface Held {
  readonly entry: StateEntry;
  readonly record: DeploymentRecord;
}

export type SavedRecord = ReturnType<typeof recordOf>;

/** The one record of a decision. */
export function recordOf(state: State, decisionId: string) {
  const key = deploymentKey(decisionId);
  return {
    /** @throws RejectedError state_entry_invalid: waiting would only hold up what is behind it */
    async read(): Promise<Held | null> {
      const entry = await state.get(key);
      if (entry === null) return null;
      const parsed = deploymentRecord.safeParse(entry.value);
      if (!parsed.success)
        throw new RejectedError('state_entry_invalid', `${key} cannot be read: ${describeIssues(parsed.error.issues)}`);
      return { entry, record: parsed.data };
    },
    /** @throws TransientError state_unavailable when another delivery wrote in between */
    async put(held: Held | null, next: DeploymentRecord, options?: StateOptions): Promise<Held> {
      let entry: StateEntry | null;
      if (held === null) {
        const made = await state.create(key, next, options);
        entry = made.created ? made.entry : null;
      } else entry = await state.swap(held.entry.key, held.entry.version, next, options);
      if (entry === null)
        throw new TransientError('state_unavailable', `deployment ${decisionId} is being handled by another delivery`);
      return { entry, record: next };
    },
  };
}
