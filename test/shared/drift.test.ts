import { describe, expect, it } from 'vitest';
import { createDrift, type Drift } from '#shared/learning/fast/drift.ts';
import { FAMILIES } from '#shared/learning/fast/family.ts';
import { seededRandom } from '#shared/learning/random.ts';

const HOUR_MS = 3_600_000;
const logit = (p: number): number => Math.log(p / (1 - p));
const starts = (): Drift =>
  createDrift({ logLikelihood: FAMILIES.bernoulli.logLikelihood, shifts: [-8, -5, -3, -1.2, 1] });

/** `count` starts that succeed with probability `truth`, while the record expects `expected`; one each ten minutes. */
function run(
  drift: Drift,
  spec: { from: number; count: number; truth: number; expected: number; seed: number },
): number {
  const random = seededRandom(spec.seed);
  for (let i = 0; i < spec.count; i++)
    drift.observe(logit(spec.expected), random.next() < spec.truth ? 1 : 0, 1, spec.from + (i * HOUR_MS) / 6);
  return spec.from + (spec.count * HOUR_MS) / 6;
}

describe('drift of a provider', () => {
  it('is not seen where there is none, over 100 providers of 2,000 outcomes', () => {
    const alarmed = Array.from({ length: 100 }, (_, seed) => {
      const drift = starts();
      const end = run(drift, { from: 0, count: 2_000, truth: 0.85, expected: 0.85, seed: seed + 1 });
      return drift.at(end).shifted;
    }).filter((shifted) => shifted > 0.5);
    expect(alarmed.length).toBeLessThanOrEqual(2);
  });

  it('is believed after a handful of failures, and gone after a handful of successes', () => {
    const drift = starts();
    let at = run(drift, { from: 0, count: 300, truth: 0.95, expected: 0.95, seed: 3 });
    expect(drift.at(at).shifted).toBeLessThan(0.1);
    at = run(drift, { from: at, count: 6, truth: 0, expected: 0.95, seed: 4 });
    expect(drift.at(at).shifted).toBeGreaterThan(0.9);
    expect(drift.at(at).mean).toBeLessThan(-2);
    at = run(drift, { from: at, count: 8, truth: 1, expected: 0.95, seed: 5 });
    expect(drift.at(at).mean).toBeGreaterThan(-0.5);
  });

  it('fades without news, so that the provider is tried again', () => {
    const drift = starts();
    const at = run(drift, { from: 0, count: 20, truth: 0, expected: 0.95, seed: 6 });
    const soon = drift.at(at);
    const later = drift.at(at + 18 * HOUR_MS);
    expect(later.shifted).toBeLessThan(soon.shifted);
    expect(later.variance).toBeGreaterThan(soon.variance);
    expect(drift.at(at + 72 * HOUR_MS)).toMatchObject({ mean: 0, variance: 0 });
  });

  it('reads a clock that goes backwards as no time passing', () => {
    const drift = starts();
    run(drift, { from: 100 * HOUR_MS, count: 5, truth: 0, expected: 0.9, seed: 8 });
    const at = drift.at(100 * HOUR_MS);
    drift.observe(logit(0.9), 0, 1, 0);
    expect(drift.at(0).mean).toBeLessThanOrEqual(at.mean);
  });
});
