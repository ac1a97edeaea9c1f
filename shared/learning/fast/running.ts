import type { Row } from './effects.ts';

/** A run that has become ready and whose end is awaited. */
export interface Running {
  readonly row: Row;
  readonly sinceMs: number;
  readonly runHours: number;
  readonly offset: number;
  /** Interruptions an hour that the record expected of it; null: it was not sure. */
  readonly rate: number | null;
}
