/**
 * The learner that needs no training run: five heads (heads.ts), each a pooled Bayesian regression, corrected by outcomes
 * as they come. In: what a `ready` and a final outcome say. Out: for a candidate, the expected parts of its utility and how
 * uncertain each is. Pure but for its own state; time comes in as a value.
 * An attempt's life: (nothing) -> ready: start, latency and ready time are known, exposure grows -> final: price, and
 * whether it was interrupted. One that never gets ready goes to final at once. So no head waits for a long run to end:
 * failures are known in minutes, and to learn successes later would make every provider look bad at first.
 */
import type { Features } from '#shared/domain/features.ts';
import { LOCAL_CLASSES, type Row, rowOf, SHARED_CLASSES } from './effects.ts';
import { createHead, type Head, type HeadSpec, type Observed } from './head.ts';
import { createProviderDrifts, type ProviderDrifts } from './provider-drifts.ts';
import { createVocabulary, type Vocabulary } from './vocabulary.ts';

/** What a model without a record says of any candidate; a trained model's raw outputs may take its place. Order of heads.ts. */
export interface Baseline {
  readonly start: number;
  readonly hazard: number;
  readonly price: number;
  readonly latency: number;
  readonly ready: number;
}

/** Nine starts of ten succeed; an interruption in 30 hours; promises hold; two and a half minutes until ready. */
export const NO_RECORD: Baseline = {
  start: Math.log(9),
  hazard: Math.log(1 / 30),
  price: 0,
  latency: 0,
  ready: Math.log(150_000),
};

const SPECS: Readonly<Record<keyof Baseline, HeadSpec>> = {
  start: { family: 'bernoulli', effectSd: 0.5, noiseSd: 1 },
  hazard: { family: 'poisson', effectSd: 0.5, noiseSd: 1 },
  price: { family: 'gaussian', effectSd: 0.1, noiseSd: 0.1 },
  latency: { family: 'gaussian', effectSd: 0.15, noiseSd: 0.3 },
  ready: { family: 'gaussian', effectSd: 0.3, noiseSd: 0.5 },
};
/**
 * Of the linear predictor: a record that is not sure of a figure to a third of its odds has nothing to drift from. Else the
 * drift would take for change what the head is just learning, and keep it.
 */
const SURE_VARIANCE = 0.12;

/** Columns at most: the work of a refit grows with the cube of a provider's. */
const SHARED_LIMIT = 192;
const LOCAL_LIMIT = 256;
/** Runs whose end is awaited. The oldest is given up: its end will count, its exposure until then does not. */
const RUNNING_LIMIT = 20_000;
const HOUR_MS = 3_600_000;
/** e^8 interruptions an hour: beyond it only that it is absurd matters. */
const LOG_RATE_LIMIT = 8;
/** A minute: an interruption "at once" is not infinitely likely. */
const MIN_EXPOSURE_HOURS = 1 / 60;

export interface ReadySeen {
  readonly key: string;
  readonly features: Features;
  readonly baseline: Baseline;
  readonly atMs: number;
  readonly logLatencyRatio: number | null;
  readonly logReadyMs: number | null;
  /** Planned hours of the run. */
  readonly runHours: number;
}

export interface FinalSeen extends ReadySeen {
  readonly started: boolean;
  readonly interrupted: boolean;
  readonly exposureHours: number | null;
  readonly logPriceRatio: number | null;
}

/** Linear predictors (heads.ts, unscaled) with their variances, and the variance of one response of the gaussian heads. */
export interface Estimate {
  readonly mean: Baseline;
  readonly variance: Baseline;
  readonly noise: { readonly price: number; readonly latency: number; readonly ready: number };
  /** P(the provider is not as its record says). */
  readonly shifted: number;
}

export interface FastLearner {
  ready(seen: ReadySeen): void;
  final(seen: FinalSeen): void;
  /** The attempt teaches nothing more: its tenant's or our own fault ended it. */
  drop(key: string, atMs: number): void;
  /** Brings the posterior up to date with what has been seen. */
  refit(nowMs: number): void;
  estimate(features: Features, baseline: Baseline, nowMs: number): Estimate;
  /** Attempts whose start is known. */
  observations(): number;
  classDeviations(): Readonly<Record<keyof Baseline, Readonly<Record<string, number>>>>;
}

interface Running {
  readonly row: Row;
  readonly sinceMs: number;
  readonly runHours: number;
  readonly offset: number;
  /** Interruptions an hour that the record expected of it; null: it was not sure. */
  readonly rate: number | null;
}

export function createFastLearner(): FastLearner {
  const shared = createVocabulary(SHARED_CLASSES, SHARED_LIMIT);
  const locals = new Map<string, Vocabulary>();
  const localOf = (provider: string): Vocabulary => {
    const known = locals.get(provider) ?? createVocabulary(LOCAL_CLASSES, LOCAL_LIMIT);
    locals.set(provider, known);
    return known;
  };
  const head = (spec: HeadSpec): Head => createHead(spec, shared, localOf);
  const heads = {
    start: head(SPECS.start),
    hazard: head(SPECS.hazard),
    price: head(SPECS.price),
    latency: head(SPECS.latency),
    ready: head(SPECS.ready),
  };
  const drifts = new Map<string, ProviderDrifts>();
  const driftsOf = (provider: string): ProviderDrifts => {
    const known = drifts.get(provider) ?? createProviderDrifts();
    drifts.set(provider, known);
    return known;
  };
  const running = new Map<string, Running>();
  let observations = 0;

  const sawStart = (row: Row, baseline: Baseline, started: boolean, atMs: number): void => {
    const drift = driftsOf(row.provider).start;
    const y = started ? 1 : 0;
    if (heads.start.variance(row) < SURE_VARIANCE) drift.observe(baseline.start + heads.start.mean(row), y, 1, atMs);
    heads.start.add({ row, y, exposure: 1, offset: baseline.start + drift.at(atMs).mean });
    observations += 1;
  };
  const sawReady = (row: Row, seen: ReadySeen): void => {
    sawStart(row, seen.baseline, true, seen.atMs);
    if (seen.logLatencyRatio !== null)
      heads.latency.add({ row, y: seen.logLatencyRatio, exposure: 1, offset: seen.baseline.latency });
    if (seen.logReadyMs !== null)
      heads.ready.add({ row, y: seen.logReadyMs, exposure: 1, offset: seen.baseline.ready });
  };

  const stopRunning = (key: string, interrupted: boolean, atMs: number): Running | undefined => {
    const known = running.get(key);
    if (known === undefined) return undefined;
    running.delete(key);
    if (known.rate !== null) driftsOf(known.row.provider).ends(known.rate, interrupted, atMs);
    return known;
  };

  return {
    ready(seen) {
      if (running.has(seen.key)) return;
      const row = rowOf(seen.features, shared, localOf);
      sawReady(row, seen);
      const drift = driftsOf(row.provider);
      const eta = seen.baseline.hazard + heads.hazard.mean(row);
      const sure = heads.hazard.variance(row) < SURE_VARIANCE;
      const rate = sure ? Math.exp(Math.min(LOG_RATE_LIMIT, eta)) : null;
      const offset = seen.baseline.hazard + drift.hazard.at(seen.atMs).mean;
      running.set(seen.key, { row, sinceMs: seen.atMs, runHours: seen.runHours, offset, rate });
      if (rate !== null) drift.runs(rate, seen.atMs);
      const oldest = running.keys().next().value;
      if (running.size > RUNNING_LIMIT && oldest !== undefined) stopRunning(oldest, false, seen.atMs);
    },
    final(seen) {
      const known = stopRunning(seen.key, seen.interrupted, seen.atMs);
      const row = known?.row ?? rowOf(seen.features, shared, localOf);
      if (!seen.started) {
        sawStart(row, seen.baseline, false, seen.atMs);
        return;
      }
      if (known === undefined) sawReady(row, seen);
      if (seen.logPriceRatio !== null)
        heads.price.add({ row, y: seen.logPriceRatio, exposure: 1, offset: seen.baseline.price });
      if (seen.exposureHours === null) return;
      const exposure = Math.max(MIN_EXPOSURE_HOURS, seen.exposureHours);
      const offset = seen.baseline.hazard + driftsOf(row.provider).hazard.at(seen.atMs).mean;
      heads.hazard.add({ row, y: seen.interrupted ? 1 : 0, exposure, offset });
    },
    drop(key, atMs) {
      stopRunning(key, false, atMs);
    },
    refit(nowMs) {
      heads.start.refit();
      const survived = [...running.values()].map(
        ({ row, sinceMs, runHours, offset }): Observed => ({
          row,
          y: 0,
          // News of the end may be late; nobody runs for longer than was bought.
          exposure: Math.max(MIN_EXPOSURE_HOURS, Math.min(runHours, (nowMs - sinceMs) / HOUR_MS)),
          offset,
        }),
      );
      heads.hazard.refit(survived);
      heads.price.refit();
      heads.latency.refit();
      heads.ready.refit();
    },
    estimate(features, baseline, nowMs) {
      const row = rowOf(features, shared, localOf);
      const start = driftsOf(row.provider).start.at(nowMs);
      const hazard = driftsOf(row.provider).hazard.at(nowMs);
      return {
        mean: {
          start: baseline.start + heads.start.mean(row) + start.mean,
          hazard: baseline.hazard + heads.hazard.mean(row) + hazard.mean,
          price: baseline.price + heads.price.mean(row),
          latency: baseline.latency + heads.latency.mean(row),
          ready: baseline.ready + heads.ready.mean(row),
        },
        variance: {
          start: heads.start.variance(row) + start.variance,
          hazard: heads.hazard.variance(row) + hazard.variance,
          price: heads.price.variance(row),
          latency: heads.latency.variance(row),
          ready: heads.ready.variance(row),
        },
        noise: { price: heads.price.noise(), latency: heads.latency.noise(), ready: heads.ready.noise() },
        shifted: 1 - (1 - start.shifted) * (1 - hazard.shifted),
      };
    },
    observations: () => observations,
    classDeviations: () => ({
      start: heads.start.classDeviations(),
      hazard: heads.hazard.classDeviations(),
      price: heads.price.classDeviations(),
      latency: heads.latency.classDeviations(),
      ready: heads.ready.classDeviations(),
    }),
  };
}
