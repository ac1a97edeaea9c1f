import { MIN_NEW_EXAMPLES, MIN_NEW_SHARE } from '#shared/defaults.ts';

/** What is known when a training is asked for. */
export interface TrainingSituation {
  /** Attempts with a final outcome on record now, and when the last version was trained (0: never). */
  readonly onRecord: number;
  readonly lastOnRecord: number;
  readonly force: boolean;
}

/** Null: train. Otherwise why not. Geometric cadence: each version sees at least a fifth more than the last, so all trainings together cost a constant times the last one. */
export function whyNotTrain({ onRecord, lastOnRecord, force }: TrainingSituation): string | null {
  if (force) return null;
  const needed = lastOnRecord + Math.max(MIN_NEW_EXAMPLES, Math.ceil(lastOnRecord * MIN_NEW_SHARE));
  return onRecord >= needed ? null : `${onRecord} finished attempts on record; the next version waits for ${needed}`;
}
