/** Reads the training set of a record, names it by its hash, and says how long that took and how much memory it needed. */
import { createDuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import { dataSha256 } from '#shared/learning/examples.ts';
import { readTrainingSet } from '#shared/learning/training-set.ts';
import { trainingWatermark } from '#shared/queries/training.ts';
import { answerRounds } from './subject.ts';

export interface TrainingSetRead {
  readonly seconds: number;
  readonly rows: number;
  /** The most that was resident in this process, ever. */
  readonly peakMiB: number;
}

/** Subject: the file of the record, once a process. */
answerRounds(async (file): Promise<TrainingSetRead> => {
  const warehouse = await createDuckdbWarehouse({ file });
  const since = performance.now();
  const [newest] = await warehouse.query(trainingWatermark, {});
  if (newest?.watermark == null) throw new Error(`${file} holds no outcome`);
  const examples = await readTrainingSet(warehouse, newest.watermark);
  await dataSha256(examples);
  const seconds = (performance.now() - since) / 1_000;
  await warehouse.close();
  return { seconds, rows: examples.length, peakMiB: process.resourceUsage().maxRSS / 1_024 };
});
