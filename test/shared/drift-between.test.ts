import { describe, expect, it } from 'vitest';
import type { Features } from '#shared/domain/features.ts';
import { driftBetween } from '#shared/learning/evaluate/drift.ts';
import { featuresFor } from '#shared/learning/features.ts';
import { seededRandom } from '#shared/learning/random.ts';
import { anOffer, aWorkload } from '#test/support/offers.ts';

const HOUR_MS = 3_600_000;

/** One decision an hour over two offers whose prices vary. */
function sample(seed: number, decisions: number, { factor = 1, gpu = 'rtx4090', fromHour = 0 } = {}): Features[][] {
  const random = seededRandom(seed);
  return Array.from({ length: decisions }, (_, i) => {
    const workload = aWorkload({ gpu_type: gpu });
    const of = featuresFor(workload, (fromHour + i / 50) * HOUR_MS);
    return ['vast', 'akash'].map((provider) =>
      of(anOffer({ provider, gpu_type: gpu, usd_per_gpu_hour: factor * (0.3 + 0.2 * random.next()) })),
    );
  });
}

describe('drift between two stretches of the record', () => {
  it('sees none in more of the same, whatever the hour', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const found = driftBetween(sample(seed, 400), sample(seed + 100, 300, { fromHour: 12 }));
      expect(found.index ?? 1).toBeLessThan(0.1);
    }
  });

  it('names what moved: dearer offers, other hardware', () => {
    const dearer = driftBetween(sample(1, 400), sample(2, 300, { factor: 1.5 }));
    expect(dearer.feature).toMatch(/price/);
    expect(dearer.index).toBeGreaterThan(0.25);
    const other = driftBetween(sample(1, 400), sample(2, 300, { gpu: 'h100' }));
    expect(other.index).toBeGreaterThan(1);
  });

  it('does not speak of fewer decisions than can tell', () => {
    expect(driftBetween(sample(1, 199), sample(2, 400, { factor: 9 }))).toEqual({
      before: 199,
      after: 400,
      feature: null,
      index: null,
    });
    expect(driftBetween([], [])).toMatchObject({ index: null });
  });
});
