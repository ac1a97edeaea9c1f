import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { MIN_TRAINING_EXAMPLES, WEIGHT_PRECISION } from '#shared/defaults.ts';
import type { Features } from '#shared/domain/features.ts';
import { encode, inputWidth } from '#shared/learning/encoding.ts';
import type { Example } from '#shared/learning/example.ts';
import { dataSha256 } from '#shared/learning/examples.ts';
import { artefactOf } from '#shared/learning/model/artefact.ts';
import { buildModel, predictRaw } from '#shared/learning/model/build.ts';
import { objective, TARGET_WIDTH } from '#shared/learning/model/objective.ts';
import { createNetwork } from '#shared/learning/network.ts';
import { seededRandom } from '#shared/learning/random.ts';
import { trainInWorker } from '#shared/learning/train/in-worker.ts';
import { type TrainedModel, type TrainRequest, trainModel } from '#shared/learning/train/index.ts';
import { configOf, planOf, TRAIN_DEFAULTS, versionOf } from '#shared/learning/train/plan.ts';
import { inputScaleOf } from '#shared/learning/train/scale.ts';
import { splitByTime } from '#shared/learning/train/split.ts';
import { manifest as manifestSchema } from '#shared/registry/manifest.ts';
import { testCases } from '#test/support/cases.ts';
import { fakeClock } from '#test/support/clock.ts';
import { evaluateModel } from '#test/support/evaluate-model.ts';
import { TOY_CONFIG, TOY_SET, TOY_TIMES, toyExamples } from '#test/support/learning.ts';
import { networkOf } from '#test/support/network-of.ts';

const examples = toyExamples({ rows: 400, seed: 11 });
const request: TrainRequest = { examples, config: TOY_CONFIG, featureSet: TOY_SET, ...TOY_TIMES };
let trained: TrainedModel;
const abortListeners = (): number => process.listenerCount('unhandledRejection');
let listenersBefore: number;
beforeAll(async () => {
  listenersBefore = abortListeners();
  trained = await trainModel(request);
});

const random = seededRandom(5);
const anyFeatures = (): Features => ({
  ...TOY_SET,
  numeric: Array.from({ length: 4 }, () => (random.next() - 0.5) * 10 ** random.below(4)),
  categorical: ['provider', 'gpu', 'both'].map((_, c) =>
    random.next() < 0.3
      ? `never seen ${random.below(9)}`
      : (examples[random.below(400)]?.features.categorical[c] ?? ''),
  ),
});

describe('the forward pass', () => {
  it('equals tfjs within 1e-5 for random weights, shapes and inputs, unknown words included', async () => {
    const { encoding } = trained.manifest;
    const inputs = inputWidth(encoding);
    for (let seed = 1; seed <= 12; seed++) {
      const hidden = Array.from({ length: 1 + random.below(3) }, () => 1 + random.below(40));
      const model = buildModel({ inputs, hidden }, seed, [0, 0, 0, 0, 0]);
      tf.tidy(() =>
        model.setWeights(model.getWeights().map((w, i) => tf.randomNormal(w.shape, 0, 0.3, 'float32', seed * 99 + i))),
      );
      const { files, weights } = await artefactOf(model, { inputs, hidden });
      const network = createNetwork({ ...trained.manifest, hidden, weights }, files['weights.bin']);
      const rows = Array.from({ length: 25 }, anyFeatures);
      const dense = new Float32Array(rows.length * inputs);
      for (const [i, features] of rows.entries()) encode(encoding, features, dense, i * inputs);
      const expected = predictRaw(model, dense, rows.length);
      const got = network.forward(rows);
      for (const [i, value] of expected.entries())
        expect(Math.abs((got[i] ?? Number.NaN) - value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
      model.dispose();
    }
  });

  it('gives the golden vector of the manifest', () => {
    const { golden } = trained.manifest;
    const got = createNetwork(trained.manifest, trained.files['weights.bin']).forward([golden.features]);
    for (const [i, value] of golden.output.entries()) expect(got[i]).toBeCloseTo(value, 5);
  });
});

describe('trainModel', () => {
  it('writes a manifest that the registry takes', () => {
    expect(manifestSchema.parse(trained.manifest)).toEqual(trained.manifest);
    expect(trained.manifest.training).toMatchObject({ rows: 400, holdout_rows: 80, epochs: 3, seed: 7 });
  });

  it('repeats bit for bit', async () => {
    const again = await trainModel({ ...request, examples: examples.toReversed() });
    expect(again).toEqual(trained);
  });

  it('repeats from what its manifest says', async () => {
    const { manifest } = trained;
    const { watermark, backend } = manifest.training;
    const config = configOf(manifest);
    const again = await trainModel({ ...request, config, watermark, backend, createdAt: manifest.created_at });
    expect(again).toEqual(trained);
  });

  it('has its version before it trains, and another for any other input', async () => {
    const inputs = {
      plan: planOf(TOY_CONFIG, examples.length),
      featureSet: TOY_SET,
      watermark: TOY_TIMES.watermark,
      dataSha256: await dataSha256(examples),
    };
    expect(versionOf(inputs)).toBe(trained.manifest.version);
    expect(versionOf(inputs)).toMatch(/^v[0-9a-f]{16}$/);
    for (const other of [
      { ...inputs, plan: planOf({ ...TOY_CONFIG, seed: 8 }, examples.length) },
      { ...inputs, featureSet: { ...TOY_SET, hash: 'other' } },
      { ...inputs, watermark: TOY_TIMES.createdAt },
      { ...inputs, dataSha256: inputs.dataSha256.replace(/^./, 'x') },
    ])
      expect(versionOf(other)).not.toBe(trained.manifest.version);
  });

  it.each([
    { rows: 50, epochs: 20, batch_size: 32 },
    { rows: 300, epochs: 20, batch_size: 32 },
    { rows: 1_500, epochs: 20, batch_size: 64 },
    { rows: 12_000, epochs: 20, batch_size: 256 },
    { rows: 100_000, epochs: 3, batch_size: 256 },
    { rows: 10_000_000, epochs: 1, batch_size: 256 },
  ])('plans $rows rows with $epochs epochs at batches of $batch_size', ({ rows, ...expected }) => {
    const plan = planOf(TRAIN_DEFAULTS, rows);
    expect(plan).toMatchObject({ ...expected, holdout_rows: rows / 5 });
    // A prior of one weight on the whole sum of losses, so ever less on their mean.
    expect(plan.l2 * (rows - rows / 5)).toBeCloseTo(WEIGHT_PRECISION / 2, 9);
  });

  it('plans again what it planned by the number of rows', () => {
    const plan = planOf(TRAIN_DEFAULTS, 437);
    const { hidden, rows, holdout_rows, ...schedule } = plan;
    const { manifest } = trained;
    const stored = {
      ...manifest,
      hidden: [...hidden],
      training: { ...manifest.training, ...schedule, rows, holdout_rows },
    };
    expect(planOf(configOf(stored), rows)).toEqual(plan);
  });

  it('plans again the same holdout, although its share is rounded', () => {
    const { manifest } = trained;
    const again = (rows: number, holdout_rows: number): number =>
      planOf(configOf({ ...manifest, training: { ...manifest.training, rows, holdout_rows } }), rows).holdout_rows;
    for (let rows = MIN_TRAINING_EXAMPLES; rows < 300; rows++)
      expect(Array.from({ length: rows }, (_, holdout) => again(rows, holdout))).toEqual([...Array(rows).keys()]);
    const many = fc
      .integer({ min: MIN_TRAINING_EXAMPLES, max: 1e9 })
      .chain((rows) => fc.tuple(fc.constant(rows), fc.nat({ max: rows - 1 })));
    fc.assert(
      fc.property(many, ([rows, holdout]) => again(rows, holdout) === holdout),
      { numRuns: testCases },
    );
  });

  it('refuses a backend that does not work here', async () => {
    const nowhere = 'abacus' as 'cpu';
    await expect(trainModel({ ...request, backend: nowhere })).rejects.toMatchObject({
      code: 'backend_unavailable',
      message: expect.stringMatching(/^the tfjs backend asked for does not work here: abacus: ./),
    });
  });

  it('is a layers model to anyone else', async () => {
    const json = JSON.parse(new TextDecoder().decode(trained.files['model.json'])) as tf.io.ModelJSON;
    const loaded = await loadLayersModel(
      tf.io.fromMemory({
        modelTopology: json.modelTopology,
        weightSpecs: json.weightsManifest.flatMap(({ weights }) => weights),
        weightData: trained.files['weights.bin'].slice().buffer,
      }),
    );
    const { encoding, golden } = trained.manifest;
    const input = new Float32Array(inputWidth(encoding));
    encode(encoding, golden.features, input, 0);
    expect([...predictRaw(loaded, input, 1)]).toEqual(golden.output);
    loaded.dispose();
  });

  it('leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    await trainModel(request);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leaves no listener on the process: the wasm glue would abort it on any unhandled rejection', () => {
    expect(abortListeners()).toBe(listenersBefore);
  });

  it('knows the words of the training part only, rare ones as unknown', async () => {
    const words = ['usual', 'usual', 'usual', 'usual', 'usual', 'usual', 'rare'];
    const rows = examples.map((row, i) => ({
      ...row,
      features: { ...row.features, categorical: [i >= 320 ? 'future' : i < 7 ? (words[i] ?? '') : 'usual', 'g', 'x'] },
    }));
    const { manifest } = await trainModel({ ...request, examples: rows });
    expect(manifest.encoding.categorical[0]?.vocabulary).toEqual(['usual']);
  });

  it.each([0, 1] as const)('stays finite when started is always %i', async (started) => {
    const rows = examples.map((row) =>
      started === 1
        ? { ...row, started, interrupted: 0 as const, exposure_hours: 3 }
        : {
            ...row,
            started,
            interrupted: null,
            exposure_hours: null,
            log_price_ratio: null,
            log_latency_ratio: null,
            log_ready_ms: null,
          },
    );
    const { manifest, files } = await trainModel({ ...request, examples: rows });
    const [first] = rows;
    if (first === undefined) throw new Error('no rows');
    const [start] = createNetwork(manifest, files['weights.bin']).forward([first.features]);
    expect(Math.sign(start ?? 0)).toBe(started === 1 ? 1 : -1);
    expect(manifest.golden.output.every(Number.isFinite)).toBe(true);
  });

  const [first, ...rest] = examples;
  if (first === undefined) throw new Error('no rows');
  it.each([
    [
      'NaN among the features',
      { ...first, features: { ...first.features, numeric: [0, Number.NaN, 0, 0] } },
      'event_invalid',
    ],
    ['an infinite target', { ...first, log_ready_ms: Number.NEGATIVE_INFINITY }, 'event_invalid'],
    ['another feature set', { ...first, features: { ...first.features, hash: 'other' } }, 'artefact_incompatible'],
    ['another shape', { ...first, features: { ...first.features, categorical: ['one'] } }, 'artefact_incompatible'],
  ])('refuses %s', async (_, bad, code) => {
    await expect(trainModel({ ...request, examples: [...rest, bad] })).rejects.toMatchObject({
      code,
      retryable: false,
    });
  });

  it('refuses fewer rows than it can learn from', async () => {
    await expect(trainModel({ ...request, examples: examples.slice(0, 49) })).rejects.toMatchObject({
      code: 'not_enough_data',
      message: expect.stringContaining('got 49'),
    });
  });
});

describe('the network alone, as tests evaluate it', () => {
  it('is that of trainModel', async () => {
    const { manifest, weights } = await networkOf(request);
    const { encoding, targets, hidden, feature_set } = trained.manifest;
    expect(manifest).toMatchObject({ encoding, targets, hidden, feature_set, weights: trained.manifest.weights });
    expect(Buffer.compare(weights, trained.files['weights.bin'])).toBe(0);
  });
});

describe('trainModel on 300 rows', () => {
  const HOLDOUT = 2_000;
  /** Beside the toy's own numbers one that only tells the time, in a stretch of a wave that the holdout leaves. */
  const withClock = (rows: readonly Example[]): readonly Example[] =>
    rows.map((row, i) => ({
      ...row,
      features: { ...row.features, numeric: [...row.features.numeric, Math.sin(i / 400), Math.cos(i / 400)] },
    }));

  it.each([
    { signal: 0, seed: 1 },
    { signal: 0, seed: 2 },
    { signal: 1, seed: 4 },
  ])('is not worse than the base rates by more than .02 (signal $signal, seed $seed)', async ({ signal, seed }) => {
    const rows = withClock(toyExamples({ rows: 300 + HOLDOUT, seed, signal }));
    const config = { ...TRAIN_DEFAULTS, holdout_share: HOLDOUT / rows.length };
    const challenger = await networkOf({ ...request, examples: rows, config });
    const report = await evaluateModel({ ...splitByTime(rows, HOLDOUT), challenger, champion: null, seed: 1 });
    expect(report).toMatchObject({ training_rows: 300, rows: HOLDOUT });
    expect(report.completion?.over_base.mean).toBeGreaterThan(signal === 0 ? -0.02 : 0.02);
    expect(report.start?.over_base.mean).toBeGreaterThan(signal === 0 ? -0.02 : 0.02);
  });
});

describe('inputScaleOf', () => {
  const noise = Array.from({ length: 3_000 }, () => 4 * random.next());
  const wave = (periods: number): number[] => noise.map((_, i) => Math.sin((2 * Math.PI * periods * i) / noise.length));

  it('nears the spread of the values as rows come in', () => {
    const few = inputScaleOf(noise.map((value) => value / 40).slice(0, 30));
    const many = inputScaleOf(noise.map((value) => value / 40));
    const trueSpread = 0.1 / Math.sqrt(12);
    expect(few.std).toBeGreaterThan(20 * trueSpread);
    expect(many.std).toBeLessThan(6 * trueSpread);
  });

  it('trusts a number that comes back, and not one that only moved on', () => {
    expect(inputScaleOf(wave(15)).std).toBeLessThan(0.75);
    // Half a wave has a spread of .31.
    expect(inputScaleOf(wave(0.5)).std).toBeGreaterThan(1.5);
    expect(inputScaleOf(noise.map((_, i) => i)).std).toBeGreaterThan((10 * 3_000) / Math.sqrt(12));
  });

  it('gives a constant the spread of one', () => {
    expect(inputScaleOf(Array.from({ length: 500 }, () => 0.1))).toMatchObject({ std: 1 });
  });
});

describe('trainInWorker', () => {
  it('trains the same bytes as in process, and tells its progress', async () => {
    const clock = fakeClock();
    const seen: string[] = [];
    const model = await trainInWorker(request, {
      clock,
      onProgress: (progress) => void seen.push(progress.kind === 'fold' ? `fold ${progress.fold}` : progress.kind),
    });
    expect(model.manifest).toEqual(trained.manifest);
    for (const file of ['model.json', 'weights.bin', 'out-of-fold.bin'] as const)
      expect(Buffer.compare(model.files[file], trained.files[file])).toBe(0);
    const fits = ['epoch', 'fold 1', 'fold 2', 'fold 3'];
    expect(seen).toEqual(['backend', ...fits.flatMap((fit) => [fit, fit, fit])]);
    expect(clock.pending()).toBe(0);
  });

  it('passes a refusal on as it is', async () => {
    const refused = trainInWorker({ ...request, examples: examples.slice(0, 3) }, { clock: fakeClock() });
    await expect(refused).rejects.toMatchObject({ code: 'not_enough_data', retryable: false });
    const nowhere = trainInWorker({ ...request, backend: 'abacus' as 'cpu' }, { clock: fakeClock() });
    await expect(nowhere).rejects.toMatchObject({ code: 'backend_unavailable', retryable: false });
  });

  it('stops when told', async () => {
    const abort = new AbortController();
    const clock = fakeClock();
    const stopped = trainInWorker(request, { clock, signal: abort.signal, onProgress: () => abort.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'draining', retryable: true });
    await expect(trainInWorker(request, { clock, signal: abort.signal })).rejects.toMatchObject({ code: 'draining' });
    expect(clock.pending()).toBe(0);
  });

  it('gives up at its deadline', async () => {
    const clock = fakeClock();
    const silent = new URL('data:text/javascript,setInterval(() => {}, 1000)');
    const late = trainInWorker(request, { clock, deadlineMs: 5_000, workerUrl: silent });
    const verdict = expect(late).rejects.toMatchObject({ code: 'deadline_exceeded', retryable: true });
    await clock.advance(5_000);
    await verdict;
  });

  it.each([
    ['exits', 'process.exit(3)'],
    ['throws', 'throw new Error("out of memory")'],
  ])('can be tried again when the worker %s', async (_, source) => {
    const crashed = trainInWorker(request, {
      clock: fakeClock(),
      workerUrl: new URL(`data:text/javascript,${source}`),
    });
    await expect(crashed).rejects.toMatchObject({ code: 'internal', retryable: true });
  });
});

describe('objective', () => {
  it('has the gradient that differences show', () => {
    const raw = Float32Array.from({ length: 20 }, () => (random.next() - 0.5) * 3);
    const targets = Float32Array.from([
      ...[1, 0, 5, 0.5, -0.5, 1],
      ...[1, 1, 0.5, -1, 0.3, Number.NaN],
      ...[0, Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN],
      ...[1, 0, 2, 4, Number.NaN, 0],
    ]);
    expect(targets.length).toBe(4 * TARGET_WIDTH);
    const gradient = new Float32Array(20);
    objective(raw, targets, gradient);
    const step = 2 ** -8;
    for (let i = 0; i < raw.length; i++) {
      const at = (shift: number): number =>
        objective(raw.with(i, (raw[i] ?? 0) + shift), targets, new Float32Array(20));
      expect(gradient[i]).toBeCloseTo((at(step) - at(-step)) / (2 * step), 3);
    }
  });
});
