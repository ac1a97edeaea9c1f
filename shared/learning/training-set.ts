/** A frozen training set: the rows of the record up to a watermark, matured as of it. The same watermark gives the same rows. */
import { MAX_TRAINING_ROWS } from '#shared/defaults.ts';
import { outcome } from '#shared/domain/outcome.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import { trainingExamples } from '#shared/queries/training.ts';
import type { Example } from './example.ts';
import { exampleOf } from './examples.ts';
import { matured } from './matured.ts';

/** @param limit newest attempts */
export async function readTrainingSet(
  warehouse: Warehouse,
  watermark: string,
  limit = MAX_TRAINING_ROWS,
): Promise<readonly Example[]> {
  const examples: Example[] = [];
  for await (const rows of warehouse.stream(trainingExamples, { watermark, limit })) {
    for (const row of rows) {
      const parsed = outcome.parse({ ...row, request: JSON.parse(row.request), features: JSON.parse(row.features) });
      const example = exampleOf(parsed);
      if (example !== null) examples.push(example);
    }
  }
  return matured(examples, Date.parse(watermark));
}
