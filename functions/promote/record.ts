/** The record as of a watermark, as those who are judged live through it. */
import { MAX_JUDGED_DECISIONS } from '#shared/defaults.ts';
import { type Contest, createContest } from '#shared/learning/evaluate/contest.ts';
import type { Example } from '#shared/learning/example.ts';
import { readDecisions, readLessons } from '#shared/learning/record/read-record.ts';
import type { RecordedDecision } from '#shared/learning/record/recorded.ts';
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

export interface JudgedContest {
  readonly contest: Contest;
  readonly decisions: readonly RecordedDecision[];
}

/** Beside those that are judged on: what these are compared with, to see whether the world has drifted. */
const BEFORE_DECISIONS = 5_000;

export async function contestOver(
  warehouse: Warehouse,
  { watermark, examples, holdoutRows, seed, alpha }: JudgedRecord,
): Promise<JudgedContest> {
  const asOfMs = Date.parse(watermark);
  const decisions = await readDecisions(warehouse, { watermark, limit: MAX_JUDGED_DECISIONS + BEFORE_DECISIONS });
  const contest = createContest({
    ...splitByTime(examples, holdoutRows),
    decisions,
    lessons: await readLessons(warehouse, asOfMs),
    asOfMs,
    seed,
    alpha,
  });
  return { contest, decisions };
}
