import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { HEADS } from '../heads.ts';
import type { Random } from '../random.ts';
import { shuffle } from '../random.ts';
import { objective, TARGET_WIDTH } from './objective.ts';

/** Rows as scoring sees them: dense numerics, and for each categorical the input index that is one. */
export interface TrainingData {
  readonly rows: number;
  /** Inputs of the network. */
  readonly width: number;
  /** [rows, numerics], row-major. */
  readonly numeric: Float32Array;
  /** [rows, categoricals], row-major. */
  readonly indices: Int32Array;
  /** Of each categorical, the input index of its unknown word. */
  readonly unknown: readonly number[];
  /** [rows, TARGET_WIDTH], row-major, NaN where masked. */
  readonly targets: Float32Array;
}

export interface Schedule {
  readonly epochs: number;
  readonly batch_size: number;
  readonly learning_rate: number;
  readonly l2: number;
}

/** Share of words hidden per batch, so that the unknown word learns what the average word means. */
const HIDDEN_WORD_SHARE = 0.02;

/** tf's Adam with a rate that can fall: the cosine's end averages out the noise of minibatches. */
class DecayingAdam extends tf.AdamOptimizer {
  setRate(rate: number): void {
    this.learningRate = rate;
  }
}

/**
 * Minibatch Adam over a fixed number of epochs, the rate on a half cosine to zero (Loshchilov and Hutter 2017). The number
 * of steps depends on nothing but rows and schedule, and every order on `random`: so a run repeats bit for bit on one backend.
 * Calls `onEpoch` with the mean training loss and lets other work in after each epoch.
 */
export async function fitModel(
  model: LayersModel,
  data: TrainingData,
  schedule: Schedule,
  deps: { readonly random: Random; onEpoch(epoch: number, loss: number): void },
): Promise<void> {
  const order = Uint32Array.from({ length: data.rows }, (_, i) => i);
  const steps = Math.ceil(data.rows / schedule.batch_size);
  const kernels = model.weights.filter(({ originalName }) => originalName.endsWith('/kernel'));
  const adam = new DecayingAdam(schedule.learning_rate, 0.9, 0.999, 1e-7);
  try {
    for (let epoch = 0; epoch < schedule.epochs; epoch++) {
      shuffle(order, deps.random);
      let total = 0;
      for (let step = 0; step < steps; step++) {
        const progress = (epoch * steps + step) / (schedule.epochs * steps);
        adam.setRate((schedule.learning_rate * (1 + Math.cos(Math.PI * progress))) / 2);
        const rows = order.subarray(step * schedule.batch_size, (step + 1) * schedule.batch_size);
        const { inputs, targets } = batchOf(data, rows, deps.random);
        total += rows.length * descend(inputs, targets);
      }
      deps.onEpoch(epoch + 1, total / data.rows);
      await setImmediate();
    }
  } finally {
    adam.dispose();
  }

  /** One step; answers the batch's mean loss before it, penalty not included. */
  function descend(inputs: Float32Array, targets: Float32Array): number {
    const rows = targets.length / TARGET_WIDTH;
    let loss = 0;
    tf.tidy(() => {
      const x = tf.tensor2d(inputs, [rows, data.width]);
      const { grads } = tf.variableGrads(() => {
        const raw = model.apply(x) as tf.Tensor2D;
        const gradient = new Float32Array(rows * HEADS.length);
        loss = objective(raw.dataSync<'float32'>(), targets, gradient);
        // Its derivative by the weights is the loss's own: gradient is a constant here.
        const surrogate = tf.sum<tf.Scalar>(tf.mul(raw, tf.tensor2d(gradient, [rows, HEADS.length])));
        return kernels.reduce<tf.Scalar>((sum, kernel) => {
          const weights = kernel.read();
          return tf.add(sum, tf.mul(schedule.l2, tf.sum<tf.Scalar>(tf.mul(weights, weights))));
        }, surrogate);
      });
      adam.applyGradients(grads as Parameters<typeof adam.applyGradients>[0]);
    });
    return loss;
  }
}

/** The rows named as a dense batch, a few words hidden. Expanded here: dense, 100,000 rows would be 300 MB. */
function batchOf(
  data: TrainingData,
  rows: Uint32Array,
  random: Random,
): { readonly inputs: Float32Array; readonly targets: Float32Array } {
  const { width, unknown } = data;
  const numerics = data.numeric.length / data.rows;
  const inputs = new Float32Array(rows.length * width);
  const targets = new Float32Array(rows.length * TARGET_WIDTH);
  for (const [at, row] of rows.entries()) {
    inputs.set(data.numeric.subarray(row * numerics, (row + 1) * numerics), at * width);
    targets.set(data.targets.subarray(row * TARGET_WIDTH, (row + 1) * TARGET_WIDTH), at * TARGET_WIDTH);
    for (const [c, hidden] of unknown.entries()) {
      const index = random.next() < HIDDEN_WORD_SHARE ? hidden : (data.indices[row * unknown.length + c] ?? hidden);
      inputs[at * width + index] = 1;
    }
  }
  return { inputs, targets };
}
