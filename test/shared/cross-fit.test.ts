import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { TRAINING_FOLDS, WEIGHT_PRECISION } from '#shared/defaults.ts';
import { useBackend } from '#shared/learning/backend.ts';
import { inputWidth } from '#shared/learning/encoding.ts';
import type { Example } from '#shared/learning/example.ts';
import { type Baseline, NO_RECORD } from '#shared/learning/fast/estimate.ts';
import { attemptKey } from '#shared/learning/fast/lesson.ts';
import { networkBaselines } from '#shared/learning/fast/network-baseline.ts';
import { createNetwork } from '#shared/learning/network.ts';
import { decodeOutOfFold } from '#shared/learning/out-of-fold.ts';
import { crossFit, type FinalFit, foldOf } from '#shared/learning/train/cross-fit.ts';
import { encodingOf, targetScalesOf } from '#shared/learning/train/dataset.ts';
import { type TrainedModel, trainModel } from '#shared/learning/train/index.ts';
import { foldPlanOf, planOf, TRAIN_DEFAULTS } from '#shared/learning/train/plan.ts';
import { splitByTime } from '#shared/learning/train/split.ts';
import { TOY_CONFIG, TOY_SET, TOY_TIMES, toyExamples } from '#test/support/learning.ts';

beforeAll(() => useBackend());

/** Two attempts a decision. */
const ROWS = toyExamples({ rows: 120, seed: 3 }).map((row, i) => ({
  ...row,
  decision_id: `d${Math.floor(i / 2)}`,
  attempt: i % 2,
}));

function finalFit(rows: readonly Example[]): FinalFit {
  const plan = planOf({ ...TOY_CONFIG, holdout_share: 0 }, rows.length);
  const encoding = encodingOf(rows);
  return {
    plan,
    encoding,
    targets: targetScalesOf(rows),
    shape: { inputs: inputWidth(encoding), hidden: plan.hidden },
  };
}

async function predicted(rows: readonly Example[]): Promise<ReadonlyMap<string, Baseline>> {
  const found = await crossFit(rows, finalFit(rows), () => undefined);
  expect(found).toHaveLength(rows.length);
  return new Map(found.map(({ key, baseline }) => [key, baseline]));
}

describe('crossFit', () => {
  test('an answer moves the predictions of every other fold, and not one of its own', async () => {
    const before = await predicted(ROWS);
    const at = ROWS.findIndex(({ interrupted }) => interrupted === 0);
    const changed = ROWS[at] as Example;
    // Not a target of the scales, which know all rows.
    const after = await predicted(ROWS.with(at, { ...changed, interrupted: 1 } as (typeof ROWS)[number]));
    for (const row of ROWS) {
      const [was, is] = [before.get(attemptKey(row)), after.get(attemptKey(row))];
      if (foldOf(row.decision_id) === foldOf(changed.decision_id)) expect(is).toEqual(was);
      else expect(is).not.toEqual(was);
    }
  });

  test('attempts of a decision fall together, and every fold gets its part', () => {
    const sizes = Array<number>(TRAINING_FOLDS).fill(0);
    for (let i = 0; i < 3_000; i++) {
      const fold = foldOf(`d${i}`);
      sizes[fold] = (sizes[fold] ?? 0) + 1;
    }
    for (const size of sizes) expect(Math.abs(size - 3_000 / TRAINING_FOLDS)).toBeLessThan(100);
  });

  test('repeats bit for bit, and leaves no tensor behind', async () => {
    const tensors = tf.memory().numTensors;
    expect(await predicted(ROWS)).toEqual(await predicted(ROWS));
    expect(tf.memory().numTensors).toBe(tensors);
  });

  test('rows of one decision have no other fold: what is said without a record', async () => {
    const rows = ROWS.map((row, i) => ({ ...row, decision_id: 'd', attempt: i }));
    expect(new Set((await predicted(rows)).values())).toEqual(new Set([NO_RECORD]));
  });
});

describe('foldPlanOf', () => {
  test.each([300, 1_500, 12_000, 100_000])(
    'of %i rows: as many steps as the final network, and a prior that weighs the same',
    (rows) => {
      const plan = planOf(TRAIN_DEFAULTS, rows);
      const training = plan.rows - plan.holdout_rows;
      const others = Math.round((training * (TRAINING_FOLDS - 1)) / TRAINING_FOLDS);
      const fold = foldPlanOf(plan, 1, others);
      const steps = (all: number, { batch_size, epochs }: { batch_size: number; epochs: number }): number =>
        Math.ceil(all / batch_size) * epochs;
      expect(Math.abs(steps(others, fold) / steps(training, plan) - 1)).toBeLessThan(0.1);
      expect(fold.l2 * others).toBeCloseTo(WEIGHT_PRECISION / 2, 9);
      const seeds = [plan.seed, ...Array.from({ length: TRAINING_FOLDS }, (_, i) => foldPlanOf(plan, i, others).seed)];
      expect(new Set(seeds).size).toBe(1 + TRAINING_FOLDS);
    },
  );
});

describe('a trained version', () => {
  /** Nothing can be learnt here, and this network learns it by heart. */
  const rows = toyExamples({ rows: 300, seed: 9, signal: 0 });
  const { training, holdout } = splitByTime(rows, 60);
  let model: TrainedModel;
  beforeAll(async () => {
    const config = { ...TOY_CONFIG, hidden: [32, 16], epochs: 30, batch_size: 32, learning_rate: 0.02 };
    model = await trainModel({ examples: rows, config, featureSet: TOY_SET, ...TOY_TIMES });
  });
  const outOfFold = () => decodeOutOfFold('v1', model.files['out-of-fold.bin']);
  const network = () =>
    networkBaselines(createNetwork(model.manifest, model.files['weights.bin']), model.manifest.targets);

  /** Mean squared residual of the start (Pearson's) and of log price, over what chance alone leaves. */
  function residualsOf(predict: (row: Example) => Baseline | null): { readonly start: number; readonly price: number } {
    const started = training.reduce((sum, row) => sum + row.started, 0) / training.length;
    const priced = training.filter((row) => row.log_price_ratio !== null);
    const square = (row: Example, head: 'start' | 'price'): number => {
      const told = (predict(row) as Baseline)[head];
      return head === 'price'
        ? ((row.log_price_ratio ?? Number.NaN) - told) ** 2
        : (row.started - 1 / (1 + Math.exp(-told))) ** 2;
    };
    const mean = (of: readonly Example[], head: 'start' | 'price'): number =>
      of.reduce((sum, row) => sum + square(row, head), 0) / of.length;
    return {
      start: mean(training, 'start') / (started * (1 - started)),
      price: mean(priced, 'price') / model.manifest.targets.price.std ** 2,
    };
  }

  test('of pure noise: out of fold the residuals are no smaller than the noise; those of the final network are', () => {
    const lookup = outOfFold();
    const honest = residualsOf((row) => lookup(attemptKey(row)));
    expect(honest.start).toBeGreaterThan(1);
    expect(honest.price).toBeGreaterThan(1);
    const byHeart = residualsOf((row) => network()([row.features])[0] ?? null);
    expect(byHeart.start).toBeLessThan(0.8);
    expect(byHeart.price).toBeLessThan(0.8);
  });

  test('tells of every row of its training and of none of its holdout', () => {
    const lookup = outOfFold();
    expect(training.filter((row) => lookup(attemptKey(row)) === null)).toEqual([]);
    expect(holdout.filter((row) => lookup(attemptKey(row)) !== null)).toEqual([]);
  });
});
