import { MIN_NEW_EXAMPLES, MIN_NEW_SHARE } from '#shared/defaults.ts';

/** What is known when a training is asked for. */
export interface TrainingSituation {
  /** Finished attempts that arrived since the last version was trained, and the rows of that version. */
  readonly newRows: number;
  readonly lastRows: number;
}

/** Null: train. Otherwise why not. A version that sees little new changes no verdict; a share of the last one's rows keeps the cost of all trainings in proportion to what arrives. */
export function whyNotTrain({ newRows, lastRows }: TrainingSituation): string | null {
  const needed = Math.max(MIN_NEW_EXAMPLES, Math.ceil(lastRows * MIN_NEW_SHARE));
  return newRows >= needed ? null : `${newRows} new attempts; the next version waits for ${needed}`;
}
