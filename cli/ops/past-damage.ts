import { RejectedError } from '#shared/errors.ts';

export interface PastDamage {
  /** Null in the place of what cannot be read. */
  read<T>(reading: Promise<T>): Promise<T | null>;
  /** Why not, of each, in plain words. */
  readonly damaged: readonly string[];
}

/** Reads on: one damaged record must not hide how everything else stands. */
export function pastDamage(): PastDamage {
  const damaged: string[] = [];
  return {
    damaged,
    async read(reading) {
      try {
        return await reading;
      } catch (error) {
        if (!(error instanceof RejectedError)) throw error;
        damaged.push(`${error.code}: ${error.message}`);
        return null;
      }
    },
  };
}
