import { describe, expect, it } from 'vitest';
import { sha256Hex } from '#shared/domain/ids.ts';
import { canonicalWorkloadOf } from '#shared/domain/request.ts';
import { NO_RECORD } from '#shared/learning/fast/estimate.ts';
import { createFastLearner, type FastLearner } from '#shared/learning/fast/fast-learner.ts';
import { learnerStateOf, parseLearnerState } from '#shared/learning/fast/learner-state.ts';
import { loadPosterior, parsePosterior, posteriorOf } from '#shared/learning/fast/posterior.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { seededRandom } from '#shared/learning/random.ts';
import { anOffer } from '#test/support/offers.ts';

const HOUR_MS = 3_600_000;
const workload = canonicalWorkloadOf({ workload_type: 'general', gpu_type: 'a100', region: 'us-west', gpu_hours: 10 });
const PROVIDERS = ['akash', 'vast', 'render'];
const REGIONS = ['us-west', 'us-east'];

const featuresAt = (provider: string, region: string, atMs: number) =>
  candidateFeatures(workload, anOffer({ provider, offer_id: `${provider}:${region}`, region }), atMs);

/** `count` attempts from the `from`th on, one each 20 minutes, over some weeks. */
function teach(learner: FastLearner, from: number, count: number): void {
  for (let i = from; i < from + count; i++) {
    const random = seededRandom(i + 1);
    const atMs = (i * HOUR_MS) / 3;
    const provider = PROVIDERS[i % 3] ?? '';
    const features = featuresAt(provider, REGIONS[i % 2] ?? '', atMs);
    const started = random.next() < 0.6 + 0.15 * (i % 3);
    const seen = {
      key: String(i),
      features,
      baseline: NO_RECORD,
      atMs,
      runHours: 10,
      logLatencyRatio: started ? 0.2 + random.next() : null,
      logReadyMs: started ? 11 + random.next() : null,
    };
    if (started) learner.ready(seen);
    // The last ones of each batch still run.
    if (started && i >= from + count - 5) continue;
    learner.final({
      ...seen,
      started,
      interrupted: started && random.next() < 0.2,
      exposureHours: started ? 1 + random.next() : null,
      logPriceRatio: started ? 0.05 * random.next() : null,
    });
    if (i % 100 === 99) learner.refit(atMs);
  }
  learner.refit(((from + count) * HOUR_MS) / 3);
}

const figures = (of: Pick<FastLearner, 'estimate'>, nowMs: number): number[] =>
  [...PROVIDERS, 'new'].flatMap((provider) =>
    [...REGIONS, 'mars'].flatMap((region) => {
      const { mean, variance, noise, shifted } = of.estimate(featuresAt(provider, region, nowMs), NO_RECORD, nowMs);
      return [...Object.values(mean), ...Object.values(variance), ...Object.values(noise), shifted];
    }),
  );

const overJson = <T>(value: T): unknown => JSON.parse(JSON.stringify(value));

describe('the posterior, through a store', () => {
  it('says exactly what the learner says, of unknown words too', () => {
    const learner = createFastLearner();
    const nowMs = 1_000 * HOUR_MS;
    for (const count of [0, 400]) {
      teach(learner, 0, count);
      const reader = loadPosterior(parsePosterior(overJson(posteriorOf(learner))));
      expect(figures(reader, nowMs)).toEqual(figures(learner, nowMs));
      expect(reader.observations).toBe(learner.observations());
    }
  });

  it('is refused when a matrix has another size than its means', () => {
    const learner = createFastLearner();
    teach(learner, 0, 30);
    const state = posteriorOf(learner);
    const { start } = state.heads;
    const cut = { ...state, heads: { ...state.heads, start: { ...start, covariance: start.mean } } };
    expect(() => parsePosterior(cut)).toThrow(/heads.start: expected matrices of the sizes of the means/);
    expect(() => parsePosterior({ ...state, format: 'x' })).toThrow(/format/);
  });
});

describe('the statistics, through a store', () => {
  it('give back a learner that goes on as if it had never been away', () => {
    const stays = createFastLearner();
    teach(stays, 0, 600);
    const back = createFastLearner(parseLearnerState(overJson(learnerStateOf(stays.knowledge()))));
    teach(stays, 600, 300);
    teach(back, 600, 300);
    const [expected, got] = [figures(stays, 0), figures(back, 0)];
    expect(back.observations()).toBe(stays.observations());
    // The mode is sought from another point and found to a twentieth of a nat: a tenth of a deviation here.
    got.forEach((value, i) => {
      expect(Math.abs(value - (expected[i] ?? Number.NaN))).toBeLessThan(0.03);
    });
  });

  it('written again are the same bytes', () => {
    const learner = createFastLearner();
    teach(learner, 0, 300);
    const written = JSON.stringify(learnerStateOf(learner.knowledge()));
    const again = createFastLearner(parseLearnerState(JSON.parse(written)));
    expect(sha256Hex(JSON.stringify(learnerStateOf(again.knowledge())))).toBe(sha256Hex(written));
  });

  it('are refused with the reason: other effects, a column without a word, a block of another size', () => {
    const learner = createFastLearner();
    teach(learner, 0, 30);
    const state = learnerStateOf(learner.knowledge());
    expect(() => parseLearnerState({ ...state, classes: { shared: ['x'], local: [] } })).toThrow(
      /expected the effects/,
    );
    expect(() => parseLearnerState({ ...state, words: { shared: [], local: {} } })).toThrow(/columns without words/);
    expect(() => parseLearnerState(null)).toThrow(/statistics/);
  });
});
