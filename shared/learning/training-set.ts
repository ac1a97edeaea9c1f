/** A frozen training set: the rows of the record up to a watermark, matured as of it. The same watermark gives the same rows. */
import { MAX_TRAINING_ROWS } from '#shared/defaults.ts';
import { outcome } from '#shared/domain/outcome.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import { type DayCount, startOfNewest } from '#shared/queries/days.ts';
import { trainingDays, trainingExamples } from '#shared/queries/training.ts';
import type { Example } from './example.ts';
import { exampleOf } from './examples.ts';
import { matured } from './matured.ts';

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

/** Where the newest `limit` attempts begin, by days. The same watermark and limit give the same window. */
export async function trainingWindow(
  warehouse: Warehouse,
  watermark: string,
  limit = MAX_TRAINING_ROWS,
): Promise<TrainingWindow> {
  let counted: readonly DayCount[] = [];
  const since = await startOfNewest(limit, Date.parse(watermark), async (from) => {
    counted = await warehouse.query(trainingDays, { watermark, since: from });
    return counted;
  });
  const rows = counted.reduce((sum, { day, at_least }) => (day >= since.slice(0, 10) ? sum + at_least : sum), 0);
  return { watermark, since, limit, rows: Math.min(limit, rows) };
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
