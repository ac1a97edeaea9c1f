import { z } from 'zod';
import { count } from '#shared/domain/primitives.ts';
import type { Objects } from '#shared/ports/objects.ts';
import type { Alias, AliasEntry, AliasLog } from './alias-log.ts';
import { isCorrupt, isPreconditionFailed, jsonBytes, parseObject, readObject } from './object-json.ts';

/**
 * Which moves of an alias the world has been told of: `aliases/<alias>.announced.json` holds the sequence up to which it was.
 * It is written after the telling, so whoever was killed in between tells again, and the ids of the events make that one. Lost
 * or damaged, it is as if nothing had been told.
 */
const announced = z.strictObject({ sequence: count });

interface Mark {
  readonly sequence: number;
  readonly generation: string;
}

export async function announceMoves(
  { objects, log }: { readonly objects: Objects; readonly log: AliasLog },
  alias: Alias,
  publish: (moves: readonly AliasEntry[]) => Promise<void>,
): Promise<number> {
  const mark = await readMark(objects, alias);
  const { sequence, entries } = await log.recent(alias, mark.sequence);
  if (sequence <= mark.sequence) return 0;
  const moves = entries.filter((entry) => entry !== null);
  if (moves.length > 0) await publish(moves);
  try {
    await objects.write(markName(alias), jsonBytes({ sequence }), { generationMatch: mark.generation });
  } catch (error) {
    // Somebody else told them at the same time.
    if (!isPreconditionFailed(error)) throw error;
  }
  return moves.length;
}

async function readMark(objects: Objects, alias: Alias): Promise<Mark> {
  let generation = '0';
  try {
    const stored = await readObject(objects, markName(alias));
    if (stored === null) return { sequence: 0, generation };
    generation = stored.generation;
    return { sequence: parseObject(markName(alias), stored.bytes, announced).sequence, generation };
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    const seen = error.details?.['generation'];
    return { sequence: 0, generation: seen === undefined ? generation : String(seen) };
  }
}

const markName = (alias: Alias): string => `aliases/${alias}.announced.json`;
