import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Features } from '#shared/domain/features.ts';
import { canonicalWorkloadOf } from '#shared/domain/request.ts';
import { valueCandidates } from '#shared/learning/fast/candidate-value.ts';
import { NO_RECORD } from '#shared/learning/fast/estimate.ts';
import { createFastLearner, type FastLearner } from '#shared/learning/fast/fast-learner.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { seededRandom } from '#shared/learning/random.ts';
import { testCases } from '#test/support/cases.ts';
import { anOffer } from '#test/support/offers.ts';

const HOUR_MS = 3_600_000;
const workload = canonicalWorkloadOf({ workload_type: 'general', gpu_type: 'a100', region: 'us-west', gpu_hours: 100 });
const featuresOf = (provider: string, gpuType = 'a100', region = 'us-west', atMs = 0): Features =>
  candidateFeatures(workload, anOffer({ provider, offer_id: `${provider}:1`, gpu_type: gpuType, region }), atMs);
const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

interface Life {
  readonly provider: string;
  readonly start: number;
  /** Interruptions an hour. */
  readonly hazard: number;
  readonly runHours: number;
  readonly decisions: number;
  readonly seed: number;
  readonly gpuType?: string;
  /** All is told so many times later after the decision than it happened; 1 unless given. */
  readonly slow?: number;
}

/** A decision every six minutes; failures known after five minutes, successes at ready and at the end of the run. */
function live(learner: FastLearner, life: Life): number {
  const random = seededRandom(life.seed);
  const { slow = 1 } = life;
  const news: { at: number; tell: () => void }[] = [];
  for (let i = 0; i < life.decisions; i++) {
    const decidedMs = (i * HOUR_MS) / 10;
    const features = featuresOf(life.provider, life.gpuType, 'us-west', decidedMs);
    const key = `${life.provider}-${life.seed}-${i}`;
    const seen = {
      key,
      features,
      baseline: NO_RECORD,
      runHours: life.runHours,
      logLatencyRatio: 0.1,
      logReadyMs: Math.log(120_000),
    };
    if (random.next() >= life.start) {
      const at = decidedMs + slow * 300_000;
      const failed = { started: false, interrupted: false, exposureHours: null, logPriceRatio: null };
      news.push({
        at,
        tell: () => learner.final({ ...seen, ...failed, atMs: at, logLatencyRatio: null, logReadyMs: null }),
      });
      continue;
    }
    const readyMs = decidedMs + 120_000;
    const toldMs = decidedMs + slow * 120_000;
    news.push({ at: toldMs, tell: () => learner.ready({ ...seen, atMs: toldMs }) });
    const lasts = life.hazard === 0 ? Number.POSITIVE_INFINITY : -Math.log(1 - random.next()) / life.hazard;
    const exposureHours = Math.min(lasts, life.runHours);
    const endMs = decidedMs + slow * (readyMs + exposureHours * HOUR_MS - decidedMs);
    const ended = { started: true, interrupted: lasts < life.runHours, exposureHours, logPriceRatio: 0.05 };
    news.push({ at: endMs, tell: () => learner.final({ ...seen, ...ended, atMs: endMs }) });
  }
  const nowMs = (life.decisions * HOUR_MS) / 10;
  let refitAt = 20;
  for (const { at, tell } of news.sort((a, b) => a.at - b.at)) {
    if (at > nowMs) break;
    tell();
    if (learner.observations() < refitAt) continue;
    learner.refit(at);
    refitAt = learner.observations() + 20;
  }
  learner.refit(nowMs);
  return nowMs;
}

describe('the fast learner', () => {
  it('in a stationary market with long runs sees neither drift nor bias while the successes are still running', () => {
    const learner = createFastLearner();
    // 30 hours of decisions, runs of 100 hours: not one success has ended.
    const nowMs = live(learner, {
      provider: 'steady',
      start: 0.85,
      hazard: 0.004,
      runHours: 100,
      decisions: 300,
      seed: 5,
    });
    const { mean, shifted } = learner.estimate(featuresOf('steady', 'a100', 'us-west', nowMs), NO_RECORD, nowMs);
    expect(shifted).toBeLessThan(0.2);
    expect(Math.abs(sigmoid(mean.start) - 0.85)).toBeLessThan(0.06);
    // Interrupted runs end early; what still runs must count against them.
    expect(Math.exp(mean.hazard)).toBeLessThan(0.012);
    expect(Math.exp(mean.hazard)).toBeGreaterThan(0.0013);
  });

  it('does not take for survival that nobody has told it of an end yet', () => {
    const learner = createFastLearner();
    // Runs of four hours of which it hears after three days; one in three is interrupted.
    const life = { provider: 'late', start: 0.95, hazard: 0.1, runHours: 4, decisions: 1_500, slow: 20 };
    const nowMs = live(learner, { ...life, seed: 7 });
    const { mean } = learner.estimate(featuresOf('late', 'a100', 'us-west', nowMs), NO_RECORD, nowMs);
    // Of 1,500 runs the last 800 are silent: counted as survivors they would halve it.
    expect(Math.exp(mean.hazard)).toBeGreaterThan(0.075);
    expect(Math.exp(mean.hazard)).toBeLessThan(0.13);
  });

  it('tells providers apart, and takes a new one for their like, with less certainty', () => {
    const learner = createFastLearner();
    live(learner, { provider: 'good', start: 0.98, hazard: 0.005, runHours: 4, decisions: 300, seed: 1 });
    live(learner, { provider: 'fair', start: 0.9, hazard: 0.005, runHours: 4, decisions: 300, seed: 2 });
    const nowMs = live(learner, { provider: 'bad', start: 0.5, hazard: 0.1, runHours: 4, decisions: 300, seed: 3 });
    const startOf = (provider: string): { p: number; variance: number } => {
      const { mean, variance } = learner.estimate(featuresOf(provider, 'a100', 'us-west', nowMs), NO_RECORD, nowMs);
      return { p: sigmoid(mean.start), variance: variance.start };
    };
    const [good, fair, bad, unseen] = ['good', 'fair', 'bad', 'unseen'].map(startOf);
    expect(good?.p).toBeGreaterThan(fair?.p ?? 1);
    expect(fair?.p).toBeGreaterThan((bad?.p ?? 1) + 0.2);
    expect(unseen?.p).toBeGreaterThan(bad?.p ?? 1);
    expect(unseen?.p).toBeLessThan(good?.p ?? 0);
    expect(unseen?.variance).toBeGreaterThan(2 * (good?.variance ?? 1));
  });

  it('counts an attempt once, whatever is told twice', () => {
    const [once, twice] = [createFastLearner(), createFastLearner()];
    const seen = {
      key: 'k',
      features: featuresOf('p'),
      baseline: NO_RECORD,
      runHours: 4,
      atMs: 0,
      logLatencyRatio: 0,
      logReadyMs: 11,
    };
    const ended = { ...seen, atMs: HOUR_MS, started: true, interrupted: false, exposureHours: 1, logPriceRatio: 0 };
    once.ready(seen);
    once.final(ended);
    twice.ready(seen);
    twice.ready(seen);
    twice.final(ended);
    expect(twice.observations()).toBe(once.observations());
    expect(twice.observations()).toBe(1);
  });

  it('gives finite figures for any words and numbers, and the same ones again', () => {
    const text = fc.string({ minLength: 0, maxLength: 20 });
    const numbers = fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { minLength: 22, maxLength: 22 });
    const candidate = fc.record({
      words: fc.array(text, { minLength: 8, maxLength: 8 }),
      numbers,
      started: fc.boolean(),
      exposure: fc.double({ min: 0, max: 1e4, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(candidate, { minLength: 1, maxLength: 12 }), (candidates) => {
        const run = (): unknown => {
          const learner = createFastLearner();
          const seen = candidates.map(({ words, numbers: numeric, started, exposure }, i) => ({
            key: String(i),
            features: { set: 's', hash: 'h', numeric, categorical: words },
            baseline: NO_RECORD,
            runHours: 4,
            atMs: i,
            logLatencyRatio: numeric[0] ?? 0,
            logReadyMs: numeric[1] ?? 0,
            started,
            interrupted: started,
            exposureHours: started ? exposure : null,
            logPriceRatio: numeric[2] ?? 0,
          }));
          for (const one of seen) learner.final(one);
          learner.refit(100);
          const asked = seen.map(({ features }) => ({ offer: anOffer({}), features, baseline: NO_RECORD }));
          return valueCandidates(learner, workload, asked, 200);
        };
        const first = run();
        expect(JSON.stringify(first)).not.toMatch(/null|NaN|Infinity/);
        expect(run()).toEqual(first);
      }),
      { numRuns: testCases / 50 },
    );
  });

  it('takes 3,000 different words without growing past its limits', () => {
    const learner = createFastLearner();
    for (let i = 0; i < 3_000; i++) {
      const features = featuresOf('p', `gpu-${i}`, `region-${i}`);
      const failed = { started: false, interrupted: false, exposureHours: null, logPriceRatio: null };
      learner.final({
        key: String(i),
        features,
        baseline: NO_RECORD,
        runHours: 4,
        atMs: i,
        logLatencyRatio: null,
        logReadyMs: null,
        ...failed,
      });
    }
    learner.refit(3_000);
    const { mean } = learner.estimate(featuresOf('p', 'gpu-2999'), NO_RECORD, 3_000);
    expect(sigmoid(mean.start)).toBeLessThan(0.05);
  });
});
