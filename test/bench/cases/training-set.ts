import { join } from 'node:path';
import { MAX_TRAINING_ROWS } from '#shared/defaults.ts';
import { type BenchCase, type Figure, figure } from '../bench-case.ts';
import { startSubject } from '../children/subject.ts';
import type { TrainingSetRead } from '../children/training-set.ts';
import { makeLongRecord } from '../fixtures/long-record.ts';

const AIM_MIB = 1_024;
/** The attempts of the last hours have not. */
const SURELY_MATURED = 0.8;

export const trainingSet: BenchCase = {
  name: 'training-set',
  title: 'Reading the training set of a long record, in DuckDB',
  async run({ quick, directory }) {
    const [long, short] = quick ? [20_000, 5_000] : [10_000_000, MAX_TRAINING_ROWS];
    const read = async (attempts: number): Promise<TrainingSetRead> => {
      const file = join(directory, `${attempts}.duckdb`);
      await makeLongRecord(file, attempts);
      const child = startSubject<TrainingSetRead>(new URL('../children/training-set.ts', import.meta.url), []);
      try {
        return await child.measure(file);
      } finally {
        await child.stop();
      }
    };
    const floor = await read(short);
    const whole = await read(long);
    if (Math.min(whole.rows, floor.rows) < SURELY_MATURED * short)
      throw new Error(`expected the newest, got ${whole.rows} rows`);
    const line = (unit: string, part: 'seconds' | 'peakMiB', aim?: number): Figure =>
      figure({
        name: `the newest of ${long.toLocaleString('en-US')} attempts, ${part === 'seconds' ? 'read and hashed' : 'resident at most'}`,
        unit,
        better: 'lower',
        values: [whole[part]],
        baseline: { name: `floor: a record of ${short.toLocaleString('en-US')}`, values: [floor[part]] },
        ...(aim === undefined ? {} : { aim }),
      });
    return {
      figures: [line('s', 'seconds'), line('MiB', 'peakMiB', AIM_MIB)],
      facts: [
        `an attempt a minute; ${whole.rows.toLocaleString('en-US')} examples read and hashed, the last hours having not matured; a process of its own for each record, one run each; resident: DuckDB included`,
      ],
    };
  },
};
