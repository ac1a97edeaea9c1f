import type { Features } from '#shared/domain/features.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import { assertSameFeatureSet, encodeSparse, inputWidth } from './encoding.ts';
import { HEADS } from './heads.ts';

/**
 * The forward pass of the wide-and-deep network, by hand: relu layers and a linear part beside them, summed into the heads.
 * Equal to tfjs within 1e-5 (sums are kept in float64, weights are float32). One-hot inputs are row sums: a candidate costs
 * (numerics + categoricals) rows instead of the whole input width. No output is NaN: at most four layers of finite float32
 * cannot overflow float64, so the worst is an infinity, which the limits of the parts hold.
 */
export interface Network {
  /** Raw outputs of the heads, row by row: n * 5. Only the answer is allocated. @throws artefact_incompatible */
  forward(features: readonly Features[]): Float32Array;
}

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
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
}

/** @throws RejectedError artefact_corrupt when shapes, byte length or values are not what the manifest promises. */
export function createNetwork(manifest: Manifest, weightsBytes: Uint8Array): Network {
  const { encoding } = manifest;
  const width = inputWidth(encoding);
  const layout = weightLayout(width, manifest.hidden);
  assertShapes(manifest, layout);
  const tensors = readTensors(manifest.version, layout, weightsBytes);
  const numerics = encoding.numeric.length;
  const hidden: Layer[] = manifest.hidden.map((units, i) => ({
    inputs: i === 0 ? width : (manifest.hidden[i - 1] as number),
    outputs: units,
    kernel: tensors[2 * i] as Float32Array,
    bias: tensors[2 * i + 1] as Float32Array,
  }));
  const [deepKernel, wideKernel, headBias] = tensors.slice(2 * hidden.length) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const [first, ...rest] = hidden as [Layer, ...Layer[]];

  // Scratch of one row, reused: a scorer runs one call at a time.
  const numeric = new Float64Array(numerics);
  const indices = new Int32Array(encoding.categorical.length);
  const activations = hidden.map((layer) => new Float64Array(layer.outputs));
  const head = new Float64Array(OUTPUTS);

  return {
    forward(rows) {
      const out = new Float32Array(rows.length * OUTPUTS);
      for (let row = 0; row < rows.length; row++) {
        const features = rows[row] as Features;
        assertSameFeatureSet(manifest.feature_set, features);
        encodeSparse(encoding, features, numeric, indices);
        let current = activations[0] as Float64Array;
        current.set(first.bias);
        sparseProduct(numeric, indices, first.kernel, current);
        relu(current);
        for (let i = 0; i < rest.length; i++) {
          const layer = rest[i] as Layer;
          const next = activations[i + 1] as Float64Array;
          next.set(layer.bias);
          denseProduct(current, layer.kernel, next);
          relu(next);
          current = next;
        }
        head.set(headBias);
        denseProduct(current, deepKernel, head);
        sparseProduct(numeric, indices, wideKernel, head);
        out.set(head, row * OUTPUTS);
      }
      return out;
    },
  };
}

/** out += numeric * kernel rows + the kernel rows of the one-hot inputs. */
function sparseProduct(numeric: Float64Array, indices: Int32Array, kernel: Float32Array, out: Float64Array): void {
  denseProduct(numeric, kernel, out);
  const width = out.length;
  for (let c = 0; c < indices.length; c++) {
    const base = (indices[c] as number) * width;
    for (let j = 0; j < width; j++) out[j] = (out[j] as number) + (kernel[base + j] as number);
  }
}

/** out += input * kernel, skipping zeros: flags and relu leave about half of them. */
function denseProduct(input: Float64Array, kernel: Float32Array, out: Float64Array): void {
  const width = out.length;
  for (let i = 0; i < input.length; i++) {
    const value = input[i] as number;
    if (value === 0) continue;
    const base = i * width;
    for (let j = 0; j < width; j++) out[j] = (out[j] as number) + value * (kernel[base + j] as number);
  }
}

function relu(values: Float64Array): void {
  for (let i = 0; i < values.length; i++) if ((values[i] as number) < 0) values[i] = 0;
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
    const tensor = new Float32Array(size);
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
