import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { RejectedError } from '#shared/errors.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import { weightLayout } from '../network.ts';
import type { Shape } from './build.ts';

export interface Artefact {
  readonly files: Readonly<Record<'model.json' | 'weights.bin', Uint8Array>>;
  readonly weights: Manifest['weights'];
}

/**
 * The trained network as files: weights.bin in the manifest's order, and a model.json over the same bytes that
 * `tf.loadLayersModel` reads. Deterministic: equal weights give equal bytes.
 * @throws RejectedError artefact_corrupt when training diverged
 */
export async function artefactOf(model: LayersModel, shape: Shape): Promise<Artefact> {
  const artifacts = await topologyOf(model);
  const tensors = new Map(model.weights.map((weight) => [weight.originalName, weight.read()]));
  const layout = weightLayout(shape.inputs, shape.hidden);
  const values: number[] = [];
  for (const { name } of layout) {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`the network has no weight ${name}`);
    for (const value of tensor.dataSync<'float32'>()) values.push(value);
  }
  if (!values.every(Number.isFinite))
    throw new RejectedError('artefact_corrupt', 'training ended in weights that are not finite');
  const bytes = new Uint8Array(values.length * Float32Array.BYTES_PER_ELEMENT);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setFloat32(i * 4, value, true);
  const modelJson: tf.io.ModelJSON = {
    format: 'layers-model',
    generatedBy: artifacts.generatedBy ?? 'TensorFlow.js',
    convertedBy: null,
    modelTopology: artifacts.modelTopology ?? {},
    weightsManifest: [{ paths: ['weights.bin'], weights: layout.map((entry) => ({ ...entry, dtype: 'float32' })) }],
  };
  return {
    files: { 'model.json': new TextEncoder().encode(JSON.stringify(modelJson)), 'weights.bin': bytes },
    weights: [...layout],
  };
}

async function topologyOf(model: LayersModel): Promise<tf.io.ModelArtifacts> {
  return new Promise((resolve, reject) => {
    const handler = tf.io.withSaveHandler(async (artifacts) => {
      resolve(artifacts);
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    });
    model.save(handler).catch(reject);
  });
}
