/**
 * What the gate said of the learner on its own, look by look: create-only `models/linear/verdicts/000007.json`. It has no
 * versions to write a verdict beside; it learns on, so the newest look counts.
 */
import { z } from 'zod';
import { LINEAR } from '#shared/domain/actor.ts';
import { count } from '#shared/domain/primitives.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { numberedName, sequencesUnder } from './numbered.ts';
import { createRecord, isCorrupt, jsonBytes, parseObject, readObject } from './object-json.ts';
import { verdict } from './verdict.ts';

const learnerVerdict = verdict.extend({
  /** From 1. */
  sequence: z.int().min(1),
  /** Attempts that had ended: the next look is due when they are 1.4 times as many. */
  ended: count,
});
export type LearnerVerdict = z.infer<typeof learnerVerdict>;

const PREFIX = `models/${LINEAR}/verdicts/`;
/** Entries among which one that can be read is looked for. */
const LOOK_BACK = 16;

/** The newest that can be read; null: there was no look yet. @throws TransientError objects_unavailable */
export async function newestLearnerVerdict(objects: Objects): Promise<LearnerVerdict | null> {
  return (await learnerVerdicts(objects, LOOK_BACK)).at(-1) ?? null;
}

/** The newest `limit` of them, oldest first; those that cannot be read are left out. @throws TransientError objects_unavailable */
export async function learnerVerdicts(objects: Objects, limit: number): Promise<readonly LearnerVerdict[]> {
  const found: LearnerVerdict[] = [];
  for (const sequence of (await sequencesUnder(objects, PREFIX)).slice(-limit)) {
    const name = numberedName(PREFIX, sequence);
    try {
      const stored = await readObject(objects, name);
      if (stored !== null) found.push(parseObject(name, stored.bytes, learnerVerdict));
    } catch (error) {
      if (!isCorrupt(error)) throw error;
    }
  }
  return found;
}

/**
 * As the look after the newest there was when it began; false when another look came first.
 * @param sequence of that newest one; 0: there was none
 */
export async function addLearnerVerdict(
  objects: Objects,
  sequence: number,
  { ended, ...said }: Omit<LearnerVerdict, 'sequence'>,
): Promise<boolean> {
  const entry: LearnerVerdict = learnerVerdict.parse({ ...said, sequence: sequence + 1, ended });
  return createRecord(objects, numberedName(PREFIX, entry.sequence), jsonBytes(entry));
}

/** Of the newest look, whether it can be read or not; 0: there was none. */
export const lastLearnerLook = async (objects: Objects): Promise<number> =>
  (await sequencesUnder(objects, PREFIX)).at(-1) ?? 0;
