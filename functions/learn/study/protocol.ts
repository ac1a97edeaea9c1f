/** What is asked of the study and what it answers. Everything is a plain value: it may live in a thread of its own. */
import type { RejectedError } from '#shared/errors.ts';
import type { LessonRow } from '#shared/queries/learning.ts';
import type { ModelFiles } from './baselines.ts';
import type { Entry } from './entry.ts';
import type { Counts, Snapshot, Standing } from './ledger.ts';

export interface Opening {
  readonly name: string;
  /** The object's bytes; null: begin anew. */
  readonly statistics: Uint8Array | null;
  /** Null: the learner on its own. */
  readonly model: ModelFiles | null;
}

/** A learner by its name; all but `open` of one that is open. */
export interface Study {
  /** Replaces one of that name. @throws RejectedError artefact_corrupt, artefact_incompatible */
  open(opening: Opening): Promise<Standing>;
  take(name: string, entries: readonly Entry[]): Promise<Counts>;
  /** `begin`, then `rows` again and again, then `end`: the record goes in. */
  readRecord(name: string, step: 'begin' | 'end' | readonly LessonRow[]): Promise<Counts>;
  /** @param fresh brings the posterior up to date although not enough is new */
  snapshot(name: string, nowMs: number, fresh: boolean): Promise<Snapshot>;
  /** As the learner stands, without a refit. */
  posterior(name: string): Promise<Uint8Array>;
  /** Forgets what is open under the name. */
  close(name: string): Promise<void>;
  /** Ends the thread. */
  stop(): Promise<void>;
}

type Call = { [K in keyof Study]: { readonly method: K; readonly args: Parameters<Study[K]> } }[Exclude<
  keyof Study,
  'stop'
>];

export type ToWorker = Call & { readonly id: number };
export type FromWorker =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly code: ConstructorParameters<typeof RejectedError>[0]; readonly message: string };
