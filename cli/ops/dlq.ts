import { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';
import type { DeadLetter, DeadLetters } from '#shared/ports/bus.ts';
import { operation } from './operation.ts';
import { idParam } from './params.ts';

export interface DeadLetterRow extends Omit<DeadLetter, 'data'> {
  readonly bytes: number;
}

const rowOf = ({ data, ...letter }: DeadLetter): DeadLetterRow => ({ ...letter, bytes: data.byteLength });

/** Ids that one call takes or gives. */
export const MAX_IDS = 1_000;

/** Newest first; with `before`, those older than that one. */
export const listDeadLetters = operation({
  name: 'dlq.list',
  params: z.strictObject({ limit: z.int().min(1).max(MAX_IDS), before: z.string().nullable() }),
  run: async ({ platform }, { limit, before }): Promise<DeadLetterRow[]> =>
    (await (await platform.deadLetters()).deadLetters(limit, before ?? undefined)).map(rowOf),
});

export const showDeadLetter = operation({
  name: 'dlq.show',
  params: idParam,
  run: async ({ platform }, { id }): Promise<DeadLetterRow & { data: string }> => {
    const letter = await (await platform.deadLetters()).deadLetter(id);
    if (letter === null) throw new RejectedError('not_found', `no dead letter ${JSON.stringify(id)}`);
    return { ...rowOf(letter), data: new TextDecoder().decode(letter.data) };
  },
});

/** Back to the subscriptions that gave them up, in this order. One that cannot go back keeps no other from it. */
export const replayDeadLetters = operation({
  name: 'dlq.replay',
  params: z.strictObject({ ids: z.array(z.string()).max(MAX_IDS) }),
  run: async ({ platform }, { ids }): Promise<{ replayed: number; unknown: string[] }> => {
    const letters = await platform.deadLetters();
    // Asked for together they share a commit, and keep their order.
    const found = await Promise.all(ids.map((id) => replayed(letters, id)));
    const unknown = ids.filter((_, i) => found[i] === false);
    return { replayed: ids.length - unknown.length, unknown };
  },
});

async function replayed(letters: DeadLetters, id: string): Promise<boolean> {
  try {
    return await letters.replayDeadLetter(id);
  } catch (error) {
    if (error instanceof RejectedError && error.code === 'not_found') return false;
    throw error;
  }
}
