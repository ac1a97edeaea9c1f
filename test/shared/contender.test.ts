import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contenderOf, noRecord } from '#shared/learning/contender.ts';
import { valueCandidates } from '#shared/learning/fast/candidate-value.ts';
import { NO_RECORD } from '#shared/learning/fast/estimate.ts';
import { loadServedPosterior, parseServedPosterior } from '#shared/learning/fast/learned-objects.ts';
import { networkBaselines } from '#shared/learning/fast/network-baseline.ts';
import { loadPosterior } from '#shared/learning/fast/posterior.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { createNetwork, OUTPUTS } from '#shared/learning/network.ts';
import { loadScorer } from '#shared/learning/scorer.ts';
import { testCases } from '#test/support/cases.ts';
import { readyPosterior, servedPosterior } from '#test/support/learned.ts';
import { aModel } from '#test/support/model.ts';
import { anOffer, aWorkload, offerArbitrary, workloadArbitrary } from '#test/support/offers.ts';
import { FIVE_OFFERS, NOW } from '#test/support/route-house.ts';

const { manifest, files } = aModel();
const { reader } = readyPosterior('linear');
const linear = contenderOf({ name: 'linear', estimator: reader, baselines: noRecord });

describe('a contender', () => {
  test('values offers by what is said before the learner, and what the learner corrects of it', () => {
    const { baselines } = loadScorer(manifest, files['weights.bin']);
    const version = contenderOf({ name: 'v1', estimator: reader, baselines });
    const workload = aWorkload();
    for (const [contender, said] of [
      [linear, noRecord],
      [version, baselines],
    ] as const) {
      const features = FIVE_OFFERS.map((offer) => candidateFeatures(workload, offer, NOW));
      const baseline = said(features);
      const asked = FIVE_OFFERS.map((offer, i) => ({
        offer,
        features: features[i] as (typeof features)[number],
        baseline: baseline[i] ?? NO_RECORD,
      }));
      const values = contender.value(workload, FIVE_OFFERS, NOW);
      expect(values).toEqual(
        valueCandidates(reader, workload, asked, NOW).map((value, i) => ({ ...value, features: features[i] })),
      );
      expect(values.filter(({ leadVariance }) => leadVariance === 0)).toHaveLength(1);
    }
    expect(version.value(workload, FIVE_OFFERS, NOW)).not.toEqual(linear.value(workload, FIVE_OFFERS, NOW));
    expect(linear.value(workload, [], NOW)).toEqual([]);
  });

  test('says finite figures of any offer', () => {
    fc.assert(
      fc.property(workloadArbitrary, fc.array(offerArbitrary, { maxLength: 5 }), (workload, offers) => {
        for (const { predicted, expectedUtility, variance, leadVariance } of linear.value(workload, offers, NOW)) {
          expect([...Object.values(predicted), expectedUtility, variance, leadVariance].every(Number.isFinite)).toBe(
            true,
          );
          expect(Math.min(variance, leadVariance)).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: testCases },
    );
  });

  test('takes a network that overflows for one that said nothing', () => {
    const silent = contenderOf({ name: 'v1', estimator: reader, baselines: (features) => features.map(() => null) });
    expect(silent.value(aWorkload(), FIVE_OFFERS, NOW)).toEqual(linear.value(aWorkload(), FIVE_OFFERS, NOW));
  });
});

describe('the baselines of a network', () => {
  const network = createNetwork(manifest, files['weights.bin']);
  const features = FIVE_OFFERS.map((offer) => candidateFeatures(aWorkload(), offer, NOW));

  test('are its raw outputs in natural units', () => {
    const raw = network.forward(features);
    const { price, latency, ready } = manifest.targets;
    const z = (i: number, head: number): number => raw[i * OUTPUTS + head] as number;
    const baselines = networkBaselines(network, manifest.targets);
    const expected = features.map((_, i) => ({
      start: z(i, 0),
      hazard: z(i, 1),
      price: z(i, 2) * price.std + price.mean,
      latency: z(i, 3) * latency.std + latency.mean,
      ready: z(i, 4) * ready.std + ready.mean,
    }));
    expect(baselines(features)).toEqual(expected);
    // Again, from what it remembers of words.
    expect(baselines(features)).toEqual(expected);
  });

  test('are none where an output is not finite', () => {
    const overflowing = { forward: () => Float32Array.from([1, 1, 1, 1, 1, 1, Number.POSITIVE_INFINITY, 1, 1, 1]) };
    const [first, second] = networkBaselines(overflowing, manifest.targets)(features.slice(0, 2));
    expect([first?.start, second]).toEqual([1, null]);
  });
});

describe('a posterior that is read in turns', () => {
  const bytes = servedPosterior('linear', { generation: '12' });

  test('says what one says that is read at once, and lets others run in between', async () => {
    let turns = 0;
    const ready = await loadServedPosterior(bytes, async () => {
      turns += 1;
    });
    expect(turns).toBeGreaterThanOrEqual(5);
    expect(ready).toMatchObject({ name: 'linear', statisticsGeneration: '12', writtenAtMs: NOW });
    const whole = loadPosterior(parseServedPosterior(bytes).posterior);
    expect(ready.reader).toMatchObject({ observations: whole.observations, seenMs: whole.seenMs });
    const offers = [...FIVE_OFFERS, anOffer({ provider: 'unheard-of' })];
    const value = (estimator: typeof whole) =>
      contenderOf({ name: 'linear', estimator, baselines: noRecord }).value(aWorkload(), offers, NOW);
    expect(value(ready.reader)).toEqual(value(whole));
  });

  type State = { readonly heads: Readonly<Record<string, unknown>> };
  test.each<[string, (state: State) => unknown]>([
    ['a head is missing', ({ heads: { ready: _ready, ...heads }, ...state }) => ({ ...state, heads })],
    ['a head is none', ({ heads, ...state }) => ({ ...state, heads: { ...heads, price: {} } })],
    ['there is one too many', ({ heads, ...state }) => ({ ...state, heads: { ...heads, colour: heads['price'] } })],
    ['its frame is none', (state) => ({ ...state, observations: -1 })],
  ])('is refused where %s, as at once', async (_, spoil) => {
    const value = JSON.parse(Buffer.from(bytes).toString());
    const spoilt = Buffer.from(JSON.stringify({ ...value, posterior: spoil(value.posterior) }));
    const refused = expect.objectContaining({ code: 'artefact_corrupt' });
    await expect(loadServedPosterior(spoilt, async () => undefined)).rejects.toThrow(refused);
    expect(() => parseServedPosterior(spoilt)).toThrow(refused);
  });
});
