/** The record as of a watermark, as those who are judged live through it. */

import { type Contest, createContest } from '#shared/learning/evaluate/contest.ts';
import type { Example } from '#shared/learning/example.ts';
import { readDecisions, readLessons } from '#shared/learning/record/read-record.ts';
import { splitByTime } from '#shared/learning/train/split.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';

export interface JudgedRecord {
  /** RFC 3339, world time. */
  readonly watermark: string;
  /** Up to it, matured. */
  readonly examples: readonly Example[];
  /** The last of them in time, on which is judged. */
  readonly holdoutRows: number;
  readonly seed: number;
  /** Error of each one-sided limit of an uplift. */
  readonly alpha: number;
}

export async function contestOver(
  warehouse: Warehouse,
  { watermark, examples, holdoutRows, seed, alpha }: JudgedRecord,
): Promise<Contest> {
  return createContest({
    ...splitByTime(examples, holdoutRows),
    decisions: await readDecisions(warehouse, { watermark, examples }),
    lessons: await readLessons(warehouse),
    asOfMs: Date.parse(watermark),
    seed,
    alpha,
  });
}
