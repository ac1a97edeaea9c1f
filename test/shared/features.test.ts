import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { features as featuresSchema } from '#shared/domain/features.ts';
import { encode, encodeSparse, inputWidth } from '#shared/learning/encoding.ts';
import { candidateFeatures, FEATURE_SET } from '#shared/learning/features.ts';
import { testCases } from '#test/support/cases.ts';
import { aModel } from '#test/support/model.ts';
import { anOffer, aWorkload, instantArbitrary, offerArbitrary, workloadArbitrary } from '#test/support/offers.ts';

const numRuns = testCases;
const NINE_O_CLOCK = Date.UTC(2026, 0, 1, 9);

const numeric = (name: string, ...input: Parameters<typeof candidateFeatures>): number | undefined =>
  candidateFeatures(...input).numeric[FEATURE_SET.numeric.indexOf(name)];
const word = (name: string, ...input: Parameters<typeof candidateFeatures>): string | undefined =>
  candidateFeatures(...input).categorical[FEATURE_SET.categorical.indexOf(name)];

describe('the features of a candidate', () => {
  it('are finite numbers and short words, in the shape of the set, for any valid input', () => {
    fc.assert(
      fc.property(workloadArbitrary, offerArbitrary, instantArbitrary, (workload, offer, at) => {
        const made = candidateFeatures(workload, offer, at);
        expect(featuresSchema.parse(made)).toEqual(made);
        expect(made.numeric).toHaveLength(FEATURE_SET.numeric.length);
        expect(made.categorical).toHaveLength(FEATURE_SET.categorical.length);
        expect(made.numeric.every((value) => Math.abs(value) <= 40)).toBe(true);
        expect(JSON.parse(JSON.stringify(made))).toEqual(made);
      }),
      { numRuns },
    );
  });

  it.each<[string, number]>([
    ['log_price', Math.log(0.4)],
    ['log_price_to_reference', Math.log(0.4 / 0.38)],
    ['log_price_to_limit', Math.log(0.4 / 0.5)],
    ['price_limit_missing', 0],
    ['log_latency', Math.log(100)],
    ['log_latency_to_limit', Math.log(0.5)],
    ['latency_limit_missing', 0],
    ['latency_missing', 0],
    ['latency_measured', 0],
    ['reputation', 0.9],
    ['reputation_missing', 0],
    ['capacity_share', 0.5],
    ['capacity_missing', 0],
    ['log_capacity_to_work', Math.log(50 / 8)],
    ['log_gpu_hours', Math.log(8)],
    ['log_run_hours', Math.log(4)],
    ['log_gpu_count', Math.log(2)],
    ['log_offer_gpu_count', Math.log(4)],
    ['hour_sin', Math.SQRT1_2],
    ['hour_cos', -Math.SQRT1_2],
    ['critical', 0],
    ['region_exact', 1],
  ])('%s is %d', (name, expected) => {
    expect(numeric(name, aWorkload(), anOffer(), NINE_O_CLOCK)).toBeCloseTo(expected, 6);
  });

  it('say what is missing, and impute it', () => {
    const silent = anOffer({
      latency_ms: null,
      reputation: null,
      capacity_gpu_hours: null,
      capacity_total_gpu_hours: null,
    });
    const open = aWorkload({ max_price: null, max_latency_ms: null, priority: 'critical', region: 'global' });
    const of = (name: string) => numeric(name, open, silent, NINE_O_CLOCK);
    for (const name of FEATURE_SET.numeric.filter((one) => one.endsWith('_missing') || one === 'critical'))
      expect([name, of(name)]).toEqual([name, 1]);
    expect(of('log_latency')).toBeCloseTo(Math.log(350), 6);
    expect(of('reputation')).toBe(0.6);
    expect(of('capacity_share')).toBe(0.5);
    expect(of('region_exact')).toBe(0);
  });

  it('cross the words', () => {
    expect(candidateFeatures(aWorkload(), anOffer(), 0).categorical).toEqual([
      'vast',
      'rtx4090',
      'us-west',
      'llm_inference',
      'vast|rtx4090',
      'vast|us-west',
      'vast|llm_inference',
      'vast|rtx4090|us-west',
    ]);
  });

  it('cut a long word without leaving half a character', () => {
    const cut = word('workload_type', aWorkload({ workload_type: `${'x'.repeat(47)}😀tail` }), anOffer(), 0);
    expect(cut).toBe(`${'x'.repeat(47)}\ufffd`);
  });

  it('carry the hash of their definition', () => {
    const { set, hash } = candidateFeatures(aWorkload(), anOffer(), 0);
    expect({ set, hash }).toEqual({ set: FEATURE_SET.set, hash: FEATURE_SET.hash });
    // Changed on purpose only: every model trained on the former set stops loading.
    expect(FEATURE_SET.hash).toBe('8af514540cbbe99c');
  });
});

describe('the encoding', () => {
  const { encoding } = aModel().manifest;

  it('is the standardised numerics, then one one per block', () => {
    const small = {
      numeric: [{ mean: 1, std: 2 }],
      categorical: [{ vocabulary: ['a', 'b'] }, { vocabulary: [] }],
    };
    const out = new Float32Array(7).fill(9);
    encode(small, { set: 's', hash: 'h', numeric: [4], categorical: ['b', 'a'] }, out, 1);
    expect([...out]).toEqual([9, 1.5, 0, 0, 1, 1, 9]);
    expect(inputWidth(small)).toBe(5);
  });

  it('sends an unknown word to index 0 of its block and holds far-out numbers', () => {
    const small = { numeric: [{ mean: 0, std: 1e-9 }], categorical: [{ vocabulary: ['a'] }] };
    const out = new Float32Array(3);
    encode(small, { set: 's', hash: 'h', numeric: [1], categorical: ['constructor'] }, out, 0);
    expect([...out]).toEqual([8, 1, 0]);
  });

  it('is the same sparse and dense', () => {
    fc.assert(
      fc.property(workloadArbitrary, offerArbitrary, instantArbitrary, (workload, offer, at) => {
        const features = candidateFeatures(workload, offer, at);
        const dense = new Float32Array(inputWidth(encoding));
        encode(encoding, features, dense, 0);
        const numbers = new Float32Array(encoding.numeric.length);
        const ones = new Int32Array(encoding.categorical.length);
        encodeSparse(encoding, features, numbers, ones);
        const rebuilt = new Float32Array(dense.length);
        rebuilt.set(numbers);
        for (const index of ones) rebuilt[index] = 1;
        expect(dense).toEqual(rebuilt);
        expect(dense.every(Number.isFinite)).toBe(true);
      }),
      { numRuns },
    );
  });

  it('refuses features of another shape', () => {
    const features = { set: 's', hash: 'h', numeric: [1, 2], categorical: [] };
    const out = new Float32Array(inputWidth(encoding));
    expect(() => encode(encoding, features, out, 0)).toThrow(
      expect.objectContaining({
        code: 'artefact_incompatible',
        message: 'expected 22 numeric and 8 categorical features, got 2 and 0 of set s',
      }),
    );
  });
});
