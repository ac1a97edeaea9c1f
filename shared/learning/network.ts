import type { Features } from '#shared/domain/features.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import { assertSameFeatureSet, encodeSparse, inputWidth } from './encoding.ts';
import { HEADS } from './heads.ts';
import { addWeightedRows, setPositive, type WeightedRows, weightedRows } from './weighted-rows.ts';

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
  const hidden: Layer[] = manifest.hidden.map((units, i) => ({
    outputs: units,
    kernel: tensors[2 * i] as Float64Array,
    bias: tensors[2 * i + 1] as Float64Array,
  }));
  const [deepKernel, wideKernel, headBias] = tensors.slice(2 * hidden.length) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];

  // Scratch of one candidate, reused: a scorer runs one call at a time.
  const inputs = weightedRows(numerics + encoding.categorical.length);
  const oneHots = inputs.rows.subarray(numerics);
  for (let i = 0; i < numerics; i++) inputs.rows[i] = i;
  inputs.weights.fill(1, numerics);
  inputs.length = inputs.rows.length;
  const sums = hidden.map((layer) => new Float64Array(layer.outputs));
  const active = hidden.map((layer) => weightedRows(layer.outputs));
  const head = new Float64Array(OUTPUTS);

  return {
    forward(candidates) {
      const out = new Float32Array(candidates.length * OUTPUTS);
      for (let at = 0; at < candidates.length; at++) {
        const features = candidates[at] as Features;
        assertSameFeatureSet(manifest.feature_set, features);
        encodeSparse(encoding, features, inputs.weights, oneHots);
        let current = inputs;
        for (let i = 0; i < hidden.length; i++) {
          const { kernel, bias } = hidden[i] as Layer;
          const sum = sums[i] as Float64Array;
          sum.set(bias);
          addWeightedRows(current, kernel, sum);
          current = active[i] as WeightedRows;
          setPositive(current, sum);
        }
        head.set(headBias);
        addWeightedRows(current, deepKernel, head);
        addWeightedRows(inputs, wideKernel, head);
        out.set(head, at * OUTPUTS);
      }
      return out;
    },
  };
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
