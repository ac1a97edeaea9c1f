/** What promote remembers of its steps, beside what the logs say. */
import { z } from 'zod';
import { count, name, timestamp } from '#shared/domain/primitives.ts';
import { TransientError } from '#shared/errors.ts';
import type { State } from '#shared/ports/state.ts';

const notes = z.object({
  /** Attempts that had ended by the time that the newest of them arrived, ever: the record forgets, this does not. */
  ended: z.object({ count, until: timestamp.nullable() }),
  /** How many had ended at the last look back at what acts. */
  looked_back_at: count.nullable(),
  /** Ended attempts before which a contender is not tried again, by its name. */
  retry_at: z.record(name, count),
  /** A version that was judged while a trial ran: its verdict takes effect after it. */
  waiting: name.nullable(),
});
export type Notes = Readonly<z.infer<typeof notes>>;

const KEY = 'promote/notes';
export const NO_NOTES: Notes = { ended: { count: 0, until: null }, looked_back_at: null, retry_at: {}, waiting: null };
/** Those who were tried last; who is forgotten may be tried again. */
const MAX_RETRIES = 64;
/** Each lost round means that another instance won one. */
const ATTEMPTS = 32;

export async function readNotes({ state }: { readonly state: State }): Promise<Notes> {
  const entry = await state.get(KEY);
  return entry === null ? NO_NOTES : notes.parse(entry.value);
}

/** Writes what `change` makes of them, once. @throws TransientError state_unavailable, or when others wrote too often meanwhile */
export async function changeNotes(
  { state }: { readonly state: State },
  change: (notes: Notes) => Notes,
): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { entry, created } = await state.create(KEY, bounded(change(NO_NOTES)));
    if (created) return;
    if ((await state.swap(KEY, entry.version, bounded(change(notes.parse(entry.value))))) !== null) return;
  }
  throw new TransientError('state_unavailable', `${KEY}: others wrote it ${ATTEMPTS} times meanwhile`);
}

const bounded = ({ retry_at, ...rest }: Notes): Notes => ({
  ...rest,
  retry_at: Object.fromEntries(Object.entries(retry_at).slice(-MAX_RETRIES)),
});

/** The last of those who were tried. */
export const withRetry = ({ retry_at, ...rest }: Notes, of: string, ended: number): Notes => {
  const { [of]: _before, ...others } = retry_at;
  return { ...rest, retry_at: { ...others, [of]: Math.ceil(ended) } };
};
