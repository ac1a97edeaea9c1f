import type { z } from 'zod';
import { deploymentKey, deploymentRecord } from '#shared/domain/deployment.ts';
import { describeIssues } from '#shared/domain/events/codec.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { State, StateEntry } from '#shared/ports/state.ts';
import type { Caller } from '../doors/caller.ts';
import { intent, intentKey } from '../intent.ts';
import { belongsTo, type OnRecord } from './view.ts';

/** As a record was read: what replaces it must name its version. */
export interface Found extends OnRecord {
  readonly entry: StateEntry | null;
}

/** A decision id (shared/domain/ids.ts): nothing else is looked for, nor made part of a key. */
const ID = /^[0-9a-f]{32}$/;

/** @throws RejectedError deployment_unknown: there is none, or it is another tenant's, which is the same to whoever asks */
export async function findDeployment(state: State, caller: Caller, id: string): Promise<Found> {
  const found = ID.test(id) ? await read(state, id) : null;
  if (found !== null && (caller === null || belongsTo(caller, found))) return found;
  throw new RejectedError('deployment_unknown', `no deployment ${JSON.stringify(id.slice(0, 64))}`);
}

/** Null: neither record nor intent is there. @throws TransientError internal: what is there cannot be read */
export async function read(state: State, id: string): Promise<Found | null> {
  const [entry, intended] = await Promise.all([state.get(deploymentKey(id)), state.get(intentKey(id))]);
  if (entry === null && intended === null) return null;
  return {
    id,
    entry,
    record: entry === null ? null : parsed(entry, deploymentRecord),
    intent: intended === null ? null : parsed(intended, intent),
  };
}

function parsed<T>({ key, value }: StateEntry, schema: z.ZodType<T>): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  throw new TransientError('internal', `${key} cannot be read: ${describeIssues(error.issues)}`);
}
