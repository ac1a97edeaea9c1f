import * as tf from '@tensorflow/tfjs-core';
import {
  initializers,
  type LayersModel,
  layers,
  model,
  input as modelInput,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import { HEADS } from '../heads.ts';

export interface Shape {
  /** Width of the encoded input. */
  readonly inputs: number;
  /** Widths of the deep part's relu layers. */
  readonly hidden: readonly number[];
}

/**
 * Wide and deep (Cheng et al. 2016, arXiv:1606.07792): heads = deep(relu(...relu(x))) + wide(x) + bias. Every name is given,
 * because generated ones count up within a process and would change the bytes. `bias` starts each head at its base rate.
 */
export function buildModel(shape: Shape, seed: number, bias: readonly number[]): LayersModel {
  const input = modelInput({ shape: [shape.inputs], name: 'features' });
  let last = input;
  for (const [i, units] of shape.hidden.entries()) {
    const kernelInitializer = initializers.heNormal({ seed: seed + i });
    last = through(layers.dense({ units, activation: 'relu', kernelInitializer, name: `hidden_${i + 1}` }), last);
  }
  const deep = layers.dense({
    units: HEADS.length,
    useBias: false,
    // A tenth of He's spread: at the start the base rates speak, and no head begins saturated.
    kernelInitializer: initializers.randomNormal({ mean: 0, stddev: 0.1 / Math.sqrt(shape.inputs), seed: seed + 101 }),
    name: 'deep',
  });
  const wide = layers.dense({ units: HEADS.length, kernelInitializer: 'zeros', name: 'wide' });
  const heads = layers.add({ name: 'heads' });
  const output = heads.apply([through(deep, last), through(wide, input)]) as SymbolicTensor;
  const built = model({ inputs: input, outputs: output, name: 'aurora_router' });
  tf.tidy(() => wide.setWeights([tf.zeros([shape.inputs, HEADS.length]), tf.tensor1d([...bias])]));
  return built;
}

/** The library types every result as any of four; one symbolic tensor in, one out. */
function through(layer: { apply(x: SymbolicTensor): unknown }, x: SymbolicTensor): SymbolicTensor {
  return layer.apply(x) as SymbolicTensor;
}

/** Raw outputs, row-major [rows, 5]. */
export function predictRaw(built: LayersModel, inputs: Float32Array, rows: number): Float32Array {
  return tf.tidy(() => {
    const x = tf.tensor2d(inputs, [rows, inputs.length / rows]);
    return (built.predict(x) as tf.Tensor2D).dataSync<'float32'>().slice();
  });
}
