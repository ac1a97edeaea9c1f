/** A frozen training set: the rows of the record up to a watermark, matured as of it. The same watermark gives the same rows. */
import { MAX_TRAINING_ROWS, MS_PER_DAY } from '#shared/defaults.ts';
import { outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import { trainingExamples, trainingRows } from '#shared/queries/training.ts';
import type { Example } from './example.ts';
import { exampleOf } from './examples.ts';
import { matured } from './matured.ts';

/** Days back from the watermark within which the newest attempts are looked for, one after the other: a record of years is never sorted for its last days. */
const WINDOWS_DAYS = [1, 4, 16, 64, 256] as const;

export interface TrainingWindow {
  /** RFC 3339: when the last row had arrived. */
  readonly watermark: string;
  /** RFC 3339: no attempt of the set was decided before. */
  readonly since: string;
  /** Attempts at most: the newest. */
  readonly limit: number;
  /** Attempts, those included that are censored or have not matured. */
  readonly rows: number;
}

/** Where the newest `limit` attempts begin, as far as days tell. The same watermark and limit give the same window. */
export async function trainingWindow(
  warehouse: Warehouse,
  watermark: string,
  limit = MAX_TRAINING_ROWS,
): Promise<TrainingWindow> {
  const rowsSince = async (since: string): Promise<number> => {
    const [answer] = await warehouse.query(trainingRows, { watermark, since });
    return Math.min(limit, answer?.attempts ?? 0);
  };
  for (const days of WINDOWS_DAYS) {
    const since = rfc3339(Math.max(0, Date.parse(watermark) - days * MS_PER_DAY));
    const rows = await rowsSince(since);
    if (rows === limit) return { watermark, since, limit, rows };
  }
  const since = rfc3339(0);
  return { watermark, since, limit, rows: await rowsSince(since) };
}

/** Its matured examples, read as a stream. */
export async function readWindow(
  warehouse: Warehouse,
  { watermark, since, limit }: TrainingWindow,
): Promise<readonly Example[]> {
  const examples: Example[] = [];
  for await (const rows of warehouse.stream(trainingExamples, { watermark, since, limit })) {
    for (const row of rows) {
      const parsed = outcome.parse({ ...row, request: JSON.parse(row.request), features: JSON.parse(row.features) });
      const example = exampleOf(parsed);
      if (example !== null) examples.push(example);
    }
  }
  return matured(examples, Date.parse(watermark));
}

/** @param limit newest attempts */
export const readTrainingSet = async (
  warehouse: Warehouse,
  watermark: string,
  limit?: number,
): Promise<readonly Example[]> => readWindow(warehouse, await trainingWindow(warehouse, watermark, limit));
