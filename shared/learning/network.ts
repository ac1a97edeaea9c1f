import type { Features } from '#shared/domain/features.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import { assertSameFeatureSet, encodeNumeric, encodeWords, inputWidth } from './encoding.ts';
import { HEADS } from './heads.ts';
import { addWeightedRows, setPositive, type WeightedRows, weightedRows } from './weighted-rows.ts';

/**
 * The forward pass of the wide-and-deep network, by hand: relu layers and a linear part beside them, summed into the heads.
 * Equal to tfjs within 1e-5 (sums are kept in float64, weights are float32). One-hot inputs are row sums: a candidate costs
 * (numerics + categoricals) rows instead of the whole input width. The first layer and the linear part see the same inputs,
 * so their kernels lie side by side and one product gives both. No output is NaN: at most four layers of finite float32
 * cannot overflow float64, so the worst is an infinity, which the limits of the parts hold.
 */
export interface Network {
  /**
   * Raw outputs of the heads, row by row: n * 5. @throws artefact_incompatible
   * @param remembered what the words of a candidate add up to, by their list; for a caller whose lists come again unchanged.
   */
  forward(features: readonly Features[], remembered?: WordSums): Float32Array;
}

/** Belongs to one network. */
export type WordSums = WeakMap<readonly string[], Float64Array>;

export const OUTPUTS = HEADS.length;

/** The weights in the order of weights.bin (see registry/manifest.ts). */
export function weightLayout(inputs: number, hidden: readonly number[]): readonly { name: string; shape: number[] }[] {
  const layout: { name: string; shape: number[] }[] = [];
  let width = inputs;
  for (const [i, units] of hidden.entries()) {
    layout.push(
      { name: `hidden_${i + 1}/kernel`, shape: [width, units] },
      { name: `hidden_${i + 1}/bias`, shape: [units] },
    );
    width = units;
  }
  layout.push(
    { name: 'deep/kernel', shape: [width, OUTPUTS] },
    { name: 'wide/kernel', shape: [inputs, OUTPUTS] },
    { name: 'wide/bias', shape: [OUTPUTS] },
  );
  return layout;
}

interface Layer {
  readonly outputs: number;
  readonly kernel: Float64Array;
  readonly bias: Float64Array;
}

/** @throws RejectedError artefact_corrupt when shapes, byte length or values are not what the manifest promises. */
export function createNetwork(manifest: Manifest, weightsBytes: Uint8Array): Network {
  const { encoding } = manifest;
  const width = inputWidth(encoding);
  const layout = weightLayout(width, manifest.hidden);
  assertShapes(manifest, layout);
  const tensors = readTensors(manifest.version, layout, weightsBytes);
  const numerics = encoding.numeric.length;
  const layers = manifest.hidden.map((outputs, i) => ({ outputs, kernel: tensorAt(2 * i), bias: tensorAt(2 * i + 1) }));
  const [first, ...rest] = layers as [Layer, ...Layer[]];
  const deepKernel = tensorAt(2 * layers.length);
  const inputKernel = sideBySide(width, first.kernel, tensorAt(2 * layers.length + 1));
  const inputBias = sideBySide(1, first.bias, tensorAt(2 * layers.length + 2));

  // Scratch of one candidate, reused: a scorer runs one call at a time.
  const numbers = weightedRows(numerics);
  for (let i = 0; i < numerics; i++) numbers.rows[i] = i;
  numbers.length = numerics;
  const words = weightedRows(encoding.categorical.length);
  words.weights.fill(1);
  words.length = words.rows.length;
  const inputSums = new Float64Array(inputBias.length);
  const sums = [inputSums.subarray(0, first.outputs), ...rest.map((layer) => new Float64Array(layer.outputs))];
  const head = inputSums.subarray(first.outputs);
  const active = layers.map((layer) => weightedRows(layer.outputs));

  const sumOfWords = (list: readonly string[], remembered: WordSums | undefined): Float64Array => {
    const known = remembered?.get(list);
    if (known !== undefined) return known;
    encodeWords(encoding, list, words.rows);
    const sum = inputBias.slice();
    addWeightedRows(words, inputKernel, sum);
    remembered?.set(list, sum);
    return sum;
  };

  return {
    forward(candidates, remembered) {
      const out = new Float32Array(candidates.length * OUTPUTS);
      for (let at = 0; at < candidates.length; at++) {
        const features = candidates[at] as Features;
        assertSameFeatureSet(manifest.feature_set, features);
        encodeNumeric(encoding, features, numbers.weights);
        inputSums.set(sumOfWords(features.categorical, remembered));
        addWeightedRows(numbers, inputKernel, inputSums);
        let current = active[0] as WeightedRows;
        setPositive(current, sums[0] as Float64Array);
        for (let i = 1; i < layers.length; i++) {
          const { kernel, bias } = layers[i] as Layer;
          const sum = sums[i] as Float64Array;
          sum.set(bias);
          addWeightedRows(current, kernel, sum);
          current = active[i] as WeightedRows;
          setPositive(current, sum);
        }
        addWeightedRows(current, deepKernel, head);
        out.set(head, at * OUTPUTS);
      }
      return out;
    },
  };

  function tensorAt(index: number): Float64Array {
    return tensors[index] as Float64Array;
  }
}

/** Two matrices of `rows` rows as one: each row of the first, then that of the second. */
function sideBySide(rows: number, left: Float64Array, right: Float64Array): Float64Array {
  const [widthLeft, widthRight] = [left.length / rows, right.length / rows];
  const joined = new Float64Array(left.length + right.length);
  for (let row = 0; row < rows; row++) {
    const start = row * (widthLeft + widthRight);
    joined.set(left.subarray(row * widthLeft, (row + 1) * widthLeft), start);
    joined.set(right.subarray(row * widthRight, (row + 1) * widthRight), start + widthLeft);
  }
  return joined;
}

function assertShapes(manifest: Manifest, layout: readonly { shape: number[] }[]): void {
  const expected = JSON.stringify(layout.map(({ shape }) => shape));
  const got = JSON.stringify(manifest.weights.map(({ shape }) => shape));
  if (expected !== got) throw corrupt(manifest.version, `expected weight shapes ${expected}, got ${got}`);
}

function readTensors(version: string, layout: readonly { name: string; shape: number[] }[], bytes: Uint8Array) {
  const sizes = layout.map(({ shape }) => shape.reduce((product, side) => product * side, 1));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  // Too short fails in any reader; too long loads silently in some.
  if (bytes.byteLength !== total * 4)
    throw corrupt(version, `expected ${total * 4} bytes of weights, got ${bytes.byteLength}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  return sizes.map((size, t) => {
    const tensor = new Float64Array(size);
    for (let i = 0; i < size; i++, at += 4) {
      const value = view.getFloat32(at, true);
      if (!Number.isFinite(value))
        throw corrupt(version, `expected finite weights, got ${value} in ${layout[t]?.name}`);
      tensor[i] = value;
    }
    return tensor;
  });
}

const corrupt = (version: string, problem: string): RejectedError =>
  new RejectedError('artefact_corrupt', `model ${version}: ${problem}`);
