/**
 * The learner that needs no training run: five heads (heads.ts), each a pooled Bayesian regression, corrected by outcomes
 * as they come. In: what a `ready` and a final outcome say. Out: for a candidate, the expected parts of its utility and how
 * uncertain each is. Pure but for its own state; time comes in as a value.
 * An attempt's life: (nothing) -> ready: start, latency and ready time are known, exposure grows -> final: price, and
 * whether it was interrupted. One that never gets ready goes to final at once. So no head waits for a long run to end:
 * failures are known in minutes, and to learn successes later would make every provider look bad at first.
 */
import type { Features } from '#shared/domain/features.ts';
import { eachHead, HEADS, type HeadName, type PerHead } from '../heads.ts';
import { type Row, rowOf } from './effects.ts';
import { createEffectsView, type EffectsView } from './effects-view.ts';
import { type Baseline, type Estimator, estimatorOf } from './estimate.ts';
import { createHead, type Head, type HeadKnowledge, type HeadSpec, type Observed } from './head.ts';
import { createNewsLag } from './news-lag.ts';
import { createProviderDrifts, type ProviderDrifts } from './provider-drifts.ts';
import type { Running } from './running.ts';
import { createWords, type Words } from './words.ts';

const SPECS: PerHead<HeadSpec> = {
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
/** Of a number, in variances of one response: a mean that is known to a third of what one answer strays. */
const SURE_SHARE = 0.1;

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

/** All that the learner knows; learner-state.ts writes and reads it. */
export interface LearnerKnowledge {
  readonly words: Words;
  readonly heads: PerHead<HeadKnowledge>;
  readonly drifts: ReadonlyMap<string, ProviderDrifts>;
  /** By key, oldest first. */
  readonly running: ReadonlyMap<string, Running>;
  /** Mean hours from the end of a run until it is heard of. */
  readonly newsLagHours: number;
  /** Attempts whose start is known. */
  readonly observations: number;
  /** The latest instant seen, world epoch milliseconds. */
  readonly nowMs: number;
}

export interface FastLearner extends Estimator {
  ready(seen: ReadySeen): void;
  final(seen: FinalSeen): void;
  /** The attempt teaches nothing more: its tenant's or our own fault ended it. */
  drop(key: string, atMs: number): void;
  /** Brings the posterior up to date with what has been seen. */
  refit(nowMs: number): void;
  /** Attempts whose start is known. */
  observations(): number;
  knowledge(): LearnerKnowledge;
  head(name: HeadName): Pick<Head, 'posterior' | 'variances' | 'cuts'>;
}

/** What the record said of an attempt before it was seen. */
interface Attempt {
  readonly row: Row;
  readonly baseline: Baseline;
  readonly atMs: number;
  readonly variance: PerHead<number>;
  readonly expected: PerHead<number>;
}

export function createFastLearner(known: LearnerKnowledge | null = null): FastLearner {
  const words = known?.words ?? createWords();
  const heads = eachHead((name) => createHead(SPECS[name], words, known?.heads[name]));
  let kept: EffectsView | null = null;
  /** As of the last refit. */
  const view = (): EffectsView => {
    kept ??= createEffectsView(eachHead((name) => heads[name].effects()));
    return kept;
  };
  const drifts = new Map(known?.drifts);
  const driftsOf = (provider: string): ProviderDrifts => {
    const there = drifts.get(provider) ?? createProviderDrifts();
    drifts.set(provider, there);
    return there;
  };
  const running = new Map(known?.running);
  const lag = createNewsLag(known?.newsLagHours ?? 0);
  let observations = known?.observations ?? 0;
  let seenMs = known?.nowMs ?? 0;

  const attemptOf = (row: Row, { baseline, atMs }: ReadySeen): Attempt => {
    const { mean, variance } = view().moments(row);
    return { row, baseline, atMs, variance, expected: eachHead((name) => baseline[name] + mean[name]) };
  };
  const sawStart = ({ row, baseline, atMs, variance, expected }: Attempt, y: 0 | 1): void => {
    const drift = driftsOf(row.provider).start;
    if (variance.start < SURE_VARIANCE) drift.observe(expected.start, y, 1, atMs);
    heads.start.add({ row, y, exposure: 1, offset: baseline.start + drift.at(atMs).mean, atMs });
    observations += 1;
    seenMs = Math.max(seenMs, atMs);
  };
  const sawNumber = (name: 'price' | 'latency' | 'ready', attempt: Attempt, y: number | null): void => {
    if (y === null) return;
    const { row, baseline, atMs, variance, expected } = attempt;
    const drift = driftsOf(row.provider)[name];
    const noise = view().noise[name];
    if (variance[name] < SURE_SHARE * noise) drift.observe(expected[name], y, noise + variance[name], atMs);
    heads[name].add({ row, y, exposure: 1, offset: baseline[name] + drift.at(atMs).mean, atMs });
  };
  const sawReady = (attempt: Attempt, seen: ReadySeen): void => {
    sawStart(attempt, 1);
    sawNumber('latency', attempt, seen.logLatencyRatio);
    sawNumber('ready', attempt, seen.logReadyMs);
  };

  const stopRunning = (key: string, interrupted: boolean, atMs: number): Running | undefined => {
    const run = running.get(key);
    if (run === undefined) return undefined;
    running.delete(key);
    if (run.rate !== null) driftsOf(run.row.provider).ends(run.rate, interrupted, atMs);
    return run;
  };

  /** What still runs has survived so far. */
  const survived = (nowMs: number): readonly Observed[] =>
    [...running.values()].map(({ row, sinceMs, runHours, offset }) => ({
      row,
      y: 0,
      // News of the end may be late; nobody runs for longer than was bought.
      exposure: Math.max(MIN_EXPOSURE_HOURS, Math.min(runHours, (nowMs - sinceMs) / HOUR_MS - lag.hours())),
      offset,
      atMs: nowMs,
    }));
  const passing = (name: HeadName, nowMs: number): readonly Observed[] => (name === 'hazard' ? survived(nowMs) : []);
  if (known !== null) for (const name of HEADS) heads[name].fit(seenMs, passing(name, seenMs));

  return {
    ready(seen) {
      if (running.has(seen.key)) return;
      const row = rowOf(seen.features, words.entering);
      const attempt = attemptOf(row, seen);
      sawReady(attempt, seen);
      const drift = driftsOf(row.provider);
      const sure = attempt.variance.hazard < SURE_VARIANCE;
      const rate = sure ? Math.exp(Math.min(LOG_RATE_LIMIT, attempt.expected.hazard)) : null;
      const offset = seen.baseline.hazard + drift.hazard.at(seen.atMs).mean;
      running.set(seen.key, { row, sinceMs: seen.atMs, runHours: seen.runHours, offset, rate });
      if (rate !== null) drift.runs(rate, seen.atMs);
      const oldest = running.keys().next().value;
      if (running.size > RUNNING_LIMIT && oldest !== undefined) stopRunning(oldest, false, seen.atMs);
    },
    final(seen) {
      const run = stopRunning(seen.key, seen.interrupted, seen.atMs);
      const row = run?.row ?? rowOf(seen.features, words.entering);
      const attempt = attemptOf(row, seen);
      if (!seen.started) {
        sawStart(attempt, 0);
        return;
      }
      if (run === undefined) sawReady(attempt, seen);
      sawNumber('price', attempt, seen.logPriceRatio);
      if (seen.exposureHours === null) return;
      if (run !== undefined) lag.heard((seen.atMs - run.sinceMs) / HOUR_MS - seen.exposureHours);
      const exposure = Math.max(MIN_EXPOSURE_HOURS, seen.exposureHours);
      const offset = seen.baseline.hazard + driftsOf(row.provider).hazard.at(seen.atMs).mean;
      heads.hazard.add({ row, y: seen.interrupted ? 1 : 0, exposure, offset, atMs: seen.atMs });
    },
    drop(key, atMs) {
      stopRunning(key, false, atMs);
    },
    refit(nowMs) {
      seenMs = Math.max(seenMs, nowMs);
      for (const name of HEADS) heads[name].refit(nowMs, passing(name, nowMs));
      kept = null;
    },
    ...estimatorOf({ words, view, drifts: (provider) => drifts.get(provider) ?? null }),
    observations: () => observations,
    knowledge: () => ({
      words,
      heads: eachHead((name) => heads[name].knowledge()),
      drifts,
      running,
      newsLagHours: lag.state(),
      observations,
      nowMs: seenMs,
    }),
    head: (name) => heads[name],
  };
}
