/** Trains in a worker or in the main thread, and says how late the main thread's event loop was meanwhile. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { TRAINING_FOLDS } from '#shared/defaults.ts';
import { FEATURE_SET } from '#shared/learning/features.ts';
import { trainInWorker } from '#shared/learning/train/in-worker.ts';
import { type TrainRequest, trainModel } from '#shared/learning/train/index.ts';
import { TRAIN_DEFAULTS } from '#shared/learning/train/plan.ts';
import { generatedExamples } from '../fixtures/examples.ts';
import { answerRounds } from './subject.ts';

export interface TrainingTimes {
  readonly rowsPerSecond: number;
  /** Training rows times epochs, of the final network and those of the folds. */
  readonly stepsRowsPerSecond: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
  readonly backend: string;
  readonly epochs: number;
}

const made = new Map<number, TrainRequest>();

/** Subject: `worker 10000`, `main 10000`. */
answerRounds(async (subject): Promise<TrainingTimes> => {
  const [where, text] = subject.split(' ');
  const rows = Number(text);
  const request = made.get(rows) ?? requestOf(rows);
  made.set(rows, request);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const since = performance.now();
  const { manifest } =
    where === 'worker' ? await trainInWorker(request, { clock: hostClock }) : await trainModel(request);
  const seconds = (performance.now() - since) / 1_000;
  delay.disable();
  const { backend, epochs, rows: all, holdout_rows: kept } = manifest.training;
  return {
    rowsPerSecond: rows / seconds,
    // Each of K folds is in the final network and in K - 1 of the others.
    stepsRowsPerSecond: (TRAINING_FOLDS * (all - kept) * epochs) / seconds,
    delayP99Ms: delay.percentile(99) / 1e6,
    delayMaxMs: delay.max / 1e6,
    backend,
    epochs,
  };
});

const requestOf = (rows: number): TrainRequest => ({
  examples: generatedExamples(rows, 2),
  config: TRAIN_DEFAULTS,
  featureSet: FEATURE_SET,
  watermark: '2026-01-01T00:00:00.000Z',
  createdAt: '2026-01-01T00:00:00.000Z',
});
