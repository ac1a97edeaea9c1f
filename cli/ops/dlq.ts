import { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';
import type { DeadLetter } from '#shared/ports/bus.ts';
import { operation } from './operation.ts';
import { idParam } from './params.ts';

export interface DeadLetterRow extends Omit<DeadLetter, 'data'> {
  readonly bytes: number;
}

const rowOf = ({ data, ...letter }: DeadLetter): DeadLetterRow => ({ ...letter, bytes: data.byteLength });

export const listDeadLetters = operation({
  name: 'dlq.list',
  params: z.strictObject({ limit: z.int().min(1).max(1000) }),
  run: async ({ platform }, { limit }): Promise<DeadLetterRow[]> =>
    (await (await platform.bus()).deadLetters(limit)).map(rowOf),
});

export const showDeadLetter = operation({
  name: 'dlq.show',
  params: idParam,
  run: async ({ platform }, { id }): Promise<DeadLetterRow & { data: string }> => {
    const letter = await (await platform.bus()).deadLetter(id);
    if (letter === null) throw new RejectedError('not_found', `no dead letter ${JSON.stringify(id)}`);
    return { ...rowOf(letter), data: new TextDecoder().decode(letter.data) };
  },
});

/** Back to the subscription that gave up: one by its id, or all that are there now. */
export const replayDeadLetters = operation({
  name: 'dlq.replay',
  params: z.strictObject({ ids: z.array(z.string()).max(1000) }),
  run: async ({ platform }, { ids }): Promise<{ replayed: number; unknown: string[] }> => {
    const bus = await platform.bus();
    const unknown: string[] = [];
    for (const id of ids) if (!(await bus.replayDeadLetter(id))) unknown.push(id);
    return { replayed: ids.length - unknown.length, unknown };
  },
});
