import { describe, expect, it } from 'vitest';
import { predicted as predictedSchema } from '#shared/domain/decision.ts';
import { expectedUtility, partsFromRaw } from '#shared/learning/expected-utility.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { createNetwork, OUTPUTS } from '#shared/learning/network.ts';
import { loadScorer } from '#shared/learning/scorer.ts';
import { aModel } from '#test/support/model.ts';
import { anOffer, aWorkload } from '#test/support/offers.ts';

const NINE_O_CLOCK = Date.UTC(2026, 0, 1, 9);
const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe('a scorer', () => {
  const { manifest, files } = aModel();
  const weights = files['weights.bin'];

  it('scores each offer by the network, its parts and their utility, in the order given', () => {
    const scorer = loadScorer(manifest, weights);
    const workload = aWorkload();
    const offers = [
      anOffer(),
      anOffer({ provider: 'akash', usd_per_gpu_hour: 0.3 }),
      anOffer({ provider: 'unheard-of' }),
    ];
    const scores = scorer.score(workload, offers, NINE_O_CLOCK);
    const features = offers.map((offer) => candidateFeatures(workload, offer, NINE_O_CLOCK));
    const raw = createNetwork(manifest, weights).forward(features);
    expect(scorer.version).toBe('v1');
    for (const [i, score] of scores.entries()) {
      const predicted = partsFromRaw(raw, i * OUTPUTS, manifest.targets, workload, offers[i] ?? anOffer());
      expect(score).toEqual({
        predicted,
        expectedUtility: expectedUtility(workload, predicted),
        features: features[i],
      });
      expect(predictedSchema.safeParse(score.predicted).success).toBe(true);
    }
    expect(new Set(scores.map((score) => score.expectedUtility)).size).toBe(3);
  });

  it('scores no offers as nothing', () => {
    expect(loadScorer(manifest, weights).score(aWorkload(), [], 0)).toEqual([]);
  });

  it('refuses a model of another feature set before it looks at the weights', () => {
    const other = { ...manifest, feature_set: { set: 'router-0', hash: 'x' } };
    expect(() => loadScorer(other, new Uint8Array())).toThrow(
      refused('artefact_incompatible', /expected feature set router-1 .*, got router-0 \(x\)/),
    );
  });

  it('refuses a golden candidate of another feature set', () => {
    const other = { ...manifest, golden: { ...manifest.golden, features: { ...manifest.golden.features, hash: 'x' } } };
    expect(() => loadScorer(other, weights)).toThrow(refused('artefact_incompatible', /got router-1 \(x\)/));
  });

  it.each([0, 1, 2, 3, 4])('refuses a model whose golden output %i is off by more than 1e-4', (head) => {
    const off = (by: number) => ({
      ...manifest,
      golden: {
        ...manifest.golden,
        output: manifest.golden.output.map((value, i) => (i === head ? value + by : value)),
      },
    });
    expect(() => loadScorer(off(2e-4), weights)).toThrow(
      refused('artefact_corrupt', new RegExp(`golden output ${head} is`)),
    );
    expect(loadScorer(off(5e-5), weights).version).toBe('v1');
  });

  it('refuses weights of another training, whole as they are', () => {
    const other = aModel({ seed: 2 }).files['weights.bin'];
    expect(() => loadScorer(manifest, other)).toThrow(refused('artefact_corrupt', /golden output/));
  });

  it('holds outputs that overflow within the limits of the parts', () => {
    const bytes = weights.slice();
    const view = new DataView(bytes.buffer);
    // The row of the unknown provider, which the golden candidate does not touch, in the wide part: the largest floats.
    const unknownProvider = manifest.encoding.numeric.length;
    const wideRows = manifest.weights.at(-2)?.shape[0] ?? 0;
    const row = bytes.length - 4 * OUTPUTS * (1 + wideRows - unknownProvider);
    for (let head = 0; head < OUTPUTS; head++) view.setFloat32(row + 4 * head, head % 2 === 0 ? 3.4e38 : -3.4e38, true);
    const [score] = loadScorer(manifest, bytes).score(aWorkload(), [anOffer({ provider: 'unheard-of' })], NINE_O_CLOCK);
    expect(score?.predicted).toEqual({
      ready: 1,
      completed: expect.closeTo(1, 6),
      usd_per_gpu_hour: expect.closeTo(4, 6),
      latency_ms: expect.closeTo(1, 6),
      ready_ms: expect.closeTo(86_400_000, 0),
    });
    expect(Number.isFinite(score?.expectedUtility)).toBe(true);
  });
});
