/** The trials that there were, as the control log tells them. Pure. */
import type { Trial } from '#shared/domain/control.ts';
import type { ChangeEntry } from '#shared/domain/control-change.ts';

export interface Begun {
  readonly trial: Trial;
  /** World time at which it was said; of a change that cannot be read any more, the first instant of its blocks. */
  readonly began_at: string;
  /** Null, as the reason: the change cannot be read any more. */
  readonly began_by: string | null;
  readonly began_because: string | null;
}

export interface PastTrial extends Begun {
  /** World time; null, as the others: the change that ended it cannot be read. */
  readonly ended_at: string | null;
  readonly ended_by: string | null;
  /** In words: who was better by how much, or why it was given up. */
  readonly verdict: string | null;
}

export interface Trials {
  readonly running: Begun | null;
  /** Newest first. */
  readonly past: readonly PastTrial[];
}

/**
 * Each entry says which trial ran from then on, so that one entry that is lost costs no more than its own words.
 * @param entries oldest first; those before them are forgotten
 * @param now what the control object says
 */
export function trialsIn(entries: readonly ChangeEntry[], now: Trial | null): Trials {
  let running: Begun | null = null;
  const past: PastTrial[] = [];
  const follow = (trial: Trial | null, said: ChangeEntry | null): void => {
    if (isSame(running?.trial ?? null, trial)) return;
    if (running !== null) past.unshift(endOf(running, said));
    running = trial === null ? null : beginningOf(trial, said);
  };
  for (const entry of entries) follow(entry.control.trial, entry.change.kind === 'trial' ? entry : null);
  follow(now, null);
  return { running, past };
}

const beginningOf = (trial: Trial, said: ChangeEntry | null): Begun => ({
  trial,
  began_at: said?.at ?? trial.start,
  began_by: said?.by ?? null,
  began_because: said?.reason ?? null,
});

function endOf(begun: Begun, said: ChangeEntry | null): PastTrial {
  // No trial takes the place of another: where the next begins, the end between them was lost.
  if (said === null || said.control.trial !== null) return { ...begun, ended_at: null, ended_by: null, verdict: null };
  return { ...begun, ended_at: said.at, ended_by: said.by, verdict: said.reason };
}

/** Two trials of the same arms begin at different instants. */
const isSame = (one: Trial | null, other: Trial | null): boolean => JSON.stringify(one) === JSON.stringify(other);
