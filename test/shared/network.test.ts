import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Features } from '#shared/domain/features.ts';
import { encode, inputWidth } from '#shared/learning/encoding.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { createNetwork, OUTPUTS, type WordSums } from '#shared/learning/network.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import { testCases } from '#test/support/cases.ts';
import { aModel, type ModelFixture } from '#test/support/model.ts';
import { instantArbitrary, offerArbitrary, workloadArbitrary } from '#test/support/offers.ts';

tf.env().set('PROD', true);

const rowsArbitrary: fc.Arbitrary<Features[]> = fc
  .tuple(workloadArbitrary, fc.array(offerArbitrary, { minLength: 1, maxLength: 8 }), instantArbitrary)
  .map(([workload, offers, at]) => offers.map((offer) => candidateFeatures(workload, offer, at)));

const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe('the forward pass', () => {
  it.each([[[32, 16]], [[8]], [[16, 8, 4, 3]]])('equals tfjs within 1e-5 with hidden layers %j', (hidden) => {
    const model = aModel({ hidden, seed: hidden.length });
    const network = createNetwork(model.manifest, model.files['weights.bin']);
    const tensors = weightTensors(model);
    fc.assert(
      fc.property(rowsArbitrary, (rows) => {
        const expected = tfForward(model.manifest, tensors, rows);
        const got = network.forward(rows);
        expect(got).toHaveLength(rows.length * OUTPUTS);
        for (const [i, value] of got.entries()) expect(Math.abs(value - (expected[i] as number))).toBeLessThan(1e-5);
      }),
      // tfjs costs a hundred times the pass that it checks.
      { numRuns: Math.ceil(testCases / 10) },
    );
    tf.dispose(tensors);
  });

  it('answers each candidate the same alone, in a batch and with sums remembered, and leaves nothing behind between calls', () => {
    const { manifest, files } = aModel();
    const network = createNetwork(manifest, files['weights.bin']);
    fc.assert(
      fc.property(rowsArbitrary, (rows) => {
        const batch = network.forward(rows);
        const single = rows.flatMap((row) => [...network.forward([row])]);
        expect([...batch]).toEqual(single);
        expect(network.forward(rows)).toEqual(batch);
        const remembered: WordSums = new WeakMap();
        expect(network.forward(rows, remembered)).toEqual(batch);
        expect(network.forward(rows.toReversed(), remembered)).toEqual(network.forward(rows.toReversed()));
      }),
      { numRuns: testCases },
    );
  });

  it('answers nothing for no candidates', () => {
    const { manifest, files } = aModel();
    expect(createNetwork(manifest, files['weights.bin']).forward([])).toHaveLength(0);
  });

  it('refuses features of another set or definition', () => {
    const { manifest, files } = aModel();
    const network = createNetwork(manifest, files['weights.bin']);
    const { features } = manifest.golden;
    expect(() => network.forward([{ ...features, set: 'router-0' }])).toThrow(
      refused('artefact_incompatible', /^expected feature set router-1 .* got router-0/),
    );
    expect(() => network.forward([{ ...features, hash: '0' }])).toThrow(
      refused('artefact_incompatible', /got router-1 \(0\)/),
    );
  });
});

describe('loading weights', () => {
  const { manifest, files } = aModel();
  const weights = files['weights.bin'];

  it.each([
    ['four bytes short', weights.slice(0, -4)],
    ['one byte short', weights.slice(0, -1)],
    ['one byte long', Buffer.concat([weights, new Uint8Array(1)])],
    ['one float long', Buffer.concat([weights, new Uint8Array(4)])],
    ['empty', new Uint8Array()],
  ])('refuses weights that are %s', (_, bytes) => {
    expect(() => createNetwork(manifest, bytes)).toThrow(
      refused('artefact_corrupt', new RegExp(`expected ${weights.length} bytes of weights, got ${bytes.length}$`)),
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses a weight of %d', (value) => {
    const bytes = weights.slice();
    new DataView(bytes.buffer).setFloat32(bytes.length - 4, value, true);
    expect(() => createNetwork(manifest, bytes)).toThrow(
      refused('artefact_corrupt', /expected finite weights, got .* in wide\/bias/),
    );
  });

  it('refuses shapes that are not those of the encoding and the layers', () => {
    const other: Manifest = { ...manifest, hidden: [32, 8] };
    expect(() => createNetwork(other, weights)).toThrow(refused('artefact_corrupt', /expected weight shapes/));
  });

  it('reads weights at an odd offset of a larger buffer', () => {
    const shifted = Buffer.concat([new Uint8Array(3), weights]).subarray(3);
    const { features, output } = manifest.golden;
    expect([...createNetwork(manifest, shifted).forward([features])]).toEqual(output);
  });
});

function weightTensors({ manifest, files }: ModelFixture): tf.Tensor2D[] {
  const floats = new Float32Array(files['weights.bin'].slice().buffer);
  let at = 0;
  return manifest.weights.map(({ shape }) => {
    const [rows, columns] = shape.length === 2 ? shape : [1, ...shape];
    const size = (rows as number) * (columns as number);
    at += size;
    return tf.tensor2d(floats.slice(at - size, at), [rows as number, columns as number]);
  });
}

/** The same network written with tfjs operations on the dense input: the independent oracle. */
function tfForward(manifest: Manifest, tensors: readonly tf.Tensor2D[], rows: readonly Features[]): Float32Array {
  const width = inputWidth(manifest.encoding);
  const dense = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) encode(manifest.encoding, row, dense, i * width);
  return tf.tidy(() => {
    const input = tf.tensor2d(dense, [rows.length, width]);
    let last: tf.Tensor2D = input;
    for (let layer = 0; layer < manifest.hidden.length; layer++) {
      const [kernel, bias] = tensors.slice(2 * layer, 2 * layer + 2) as [tf.Tensor2D, tf.Tensor2D];
      last = tf.relu(tf.add(tf.matMul(last, kernel), bias));
    }
    const [deep, wide, bias] = tensors.slice(-3) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
    return tf.add(tf.add(tf.matMul(last, deep), tf.matMul(input, wide)), bias).dataSync<'float32'>();
  });
}
