import { describe, expect, it } from 'vitest';
import { canonicalWorkloadOf } from '#shared/domain/request.ts';
import { NO_RECORD } from '#shared/learning/fast/estimate.ts';
import { createFastLearner, type FastLearner } from '#shared/learning/fast/fast-learner.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { seededRandom } from '#shared/learning/random.ts';
import { anOffer } from '#test/support/offers.ts';

const DAY_MS = 86_400_000;
const PER_DAY = 60;
const workload = canonicalWorkloadOf({ workload_type: 'general', gpu_type: 'a100', region: 'us-west', gpu_hours: 10 });
const KINDS = ['a100', 'h100', 'l40s'].flatMap((gpuType) =>
  ['vast', 'akash'].map((provider) => ({ gpuType, provider })),
);
type Kind = (typeof KINDS)[number];

const featuresOf = ({ gpuType, provider }: Kind, atMs: number) =>
  candidateFeatures(workload, anOffer({ provider, offer_id: `${provider}:${gpuType}`, gpu_type: gpuType }), atMs);

/** Attempts of all kinds in turn, day after day; each starts with the probability of its kind on that day. */
function live(learner: FastLearner, days: number, startOf: (kind: Kind, day: number) => number): number {
  const random = seededRandom(7);
  for (let day = 0; day < days; day++) {
    for (let i = 0; i < PER_DAY; i++) {
      const kind = KINDS[i % KINDS.length] as Kind;
      const atMs = (day + i / PER_DAY) * DAY_MS;
      const started = random.next() < startOf(kind, day);
      learner.final({
        key: `${day}-${i}`,
        features: featuresOf(kind, atMs),
        baseline: NO_RECORD,
        atMs,
        runHours: 10,
        started,
        interrupted: false,
        exposureHours: started ? 10 : null,
        logPriceRatio: started ? 0.1 * random.next() : null,
        logLatencyRatio: started ? random.next() : null,
        logReadyMs: started ? 11 + random.next() : null,
      });
    }
    learner.refit((day + 1) * DAY_MS);
  }
  return days * DAY_MS;
}

const startIn = (learner: FastLearner, kind: Kind, nowMs: number): number =>
  1 / (1 + Math.exp(-learner.estimate(featuresOf(kind, nowMs), NO_RECORD, nowMs).mean.start));

describe('how far back a record holds', () => {
  it('is all of it while nothing changes, for every head', () => {
    const learner = createFastLearner();
    live(learner, 20, ({ gpuType }) => (gpuType === 'a100' ? 0.9 : 0.7));
    for (const name of ['start', 'hazard', 'price', 'latency', 'ready'] as const)
      expect([...learner.head(name).cuts()]).toEqual([]);
  });

  it('ends where a part of what one provider sells has changed for good, and for that provider only', () => {
    const learner = createFastLearner();
    const nowMs = live(learner, 40, ({ gpuType, provider }, day) =>
      provider === 'vast' && gpuType === 'h100' && day >= 25 ? 0.15 : 0.85,
    );
    const [cut] = [...learner.head('start').cuts()];
    expect(cut?.[0]).toBe('vast');
    // Buckets have widened with age: the change lies within the one that began before it.
    expect(Math.abs((cut?.[1] ?? 0) / DAY_MS - 25)).toBeLessThanOrEqual(4);
    expect(learner.head('start').cuts().size).toBe(1);
    expect(startIn(learner, { provider: 'vast', gpuType: 'h100' }, nowMs)).toBeLessThan(0.35);
    expect(startIn(learner, { provider: 'vast', gpuType: 'a100' }, nowMs)).toBeGreaterThan(0.75);
    expect(startIn(learner, { provider: 'akash', gpuType: 'h100' }, nowMs)).toBeGreaterThan(0.75);
  });
});
