import fc from 'fast-check';
import { expect, test } from 'vitest';
import { featureWords } from '#shared/learning/feature-words.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { testCases } from '#test/support/cases.ts';
import { anOffer, aWorkload, instantArbitrary, offerArbitrary, workloadArbitrary } from '#test/support/offers.ts';

test('features are told in the figures that they were made of', () => {
  const atMs = Date.UTC(2026, 0, 1, 13, 20);
  expect(featureWords(candidateFeatures(aWorkload(), anOffer(), atMs))).toEqual([
    'rtx4090 of vast in us-west, where it was asked for; llm_inference',
    'price 0.4 USD/GPU-hour, 105 % of the usual, 80 % of the limit',
    'latency 100 ms (as promised), 50 % of the limit',
    'reputation 90',
    '50 % of the capacity free, 6.25 times the work',
    '4 hours on 2 GPU, 8 GPU-hours; the offer has 4',
    '13:20 of the day in UTC',
  ]);
  const bare = anOffer({ latency_ms: null, reputation: null, capacity_gpu_hours: null, region: 'global' });
  const open = aWorkload({ max_price: null, max_latency_ms: null, priority: 'critical' });
  expect(featureWords(candidateFeatures(open, bare, 0))).toEqual([
    'rtx4090 of vast in global; llm_inference',
    'price 0.4 USD/GPU-hour, 105 % of the usual',
    'latency 350 ms (not said, assumed), 70 % of what is usually wanted',
    'reputation 60 (not said, assumed)',
    '50 % of the capacity free (not said, assumed), 6.25 times the work',
    '4 hours on 2 GPU, 8 GPU-hours; the offer has 4',
    '00:00 of the day in UTC; critical',
  ]);
});

test('any features have words; those of another definition have none', () => {
  fc.assert(
    fc.property(workloadArbitrary, offerArbitrary, instantArbitrary, (workload, offer, atMs) => {
      const features = candidateFeatures(workload, offer, atMs);
      expect(featureWords(features)?.join()).not.toMatch(/NaN|undefined|Infinity/);
      expect(featureWords({ ...features, hash: 'another' })).toBeNull();
    }),
    { numRuns: testCases },
  );
});
