/** The peer: tfjs predicts eight rows, encoded beforehand. Arguments: directory of model.json, weights and inputs, calls, backend. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { type BackendName, useBackend } from '#shared/learning/backend.ts';
import { predictRaw } from '#shared/learning/model/build.ts';
import { CANDIDATES } from '../fixtures/market.ts';
import { timeCalls } from '../time-calls.ts';
import { answerRounds } from './subject.ts';

const [, , directory = '', calls = '0', backend = 'cpu'] = process.argv;
await useBackend(backend as BackendName);
const json = JSON.parse(readFileSync(join(directory, 'model.json'), 'utf8')) as tf.io.ModelJSON;
const weights = readFileSync(join(directory, 'weights.bin'));
const inputs = readFileSync(join(directory, 'inputs.bin'));
const rows = new Float32Array(inputs.buffer.slice(inputs.byteOffset, inputs.byteOffset + inputs.byteLength));
const model = await loadLayersModel(
  tf.io.fromMemory({
    modelTopology: json.modelTopology,
    weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
    weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength),
  }),
);
let kept: unknown;

answerRounds(() => timeCalls(Number(calls), () => (kept = predictRaw(model, rows, CANDIDATES) ?? kept)));
