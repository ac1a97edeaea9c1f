/** What an outcome teaches the fast learner: one mapping for whoever has outcomes (events, rows of the record, lines of an agent). */
import { IMPUTED_LATENCY_MS, MS_PER_DAY, MS_PER_HOUR } from '#shared/defaults.ts';
import type { Features } from '#shared/domain/features.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { FEATURE_SET } from '../features.ts';
import type { Baseline } from './estimate.ts';
import type { FastLearner, FinalSeen, ReadySeen } from './fast-learner.ts';

/** One step of an attempt. `drop`: it teaches nothing more, and is not waited for any longer. */
export type Lesson =
  | { readonly kind: 'ready'; readonly seen: Omit<ReadySeen, 'baseline'> }
  | { readonly kind: 'final'; readonly seen: Omit<FinalSeen, 'baseline'> }
  | { readonly kind: 'drop'; readonly seen: { readonly key: string; readonly atMs: number } };

/** What of an outcome is looked at. */
export type LessonSource = Pick<
  Outcome,
  | 'decision_id'
  | 'attempt'
  | 'observed_at'
  | 'status'
  | 'final'
  | 'blame'
  | 'ready_ms'
  | 'ready_within_ms'
  | 'latency_ms'
  | 'exposure_hours'
  | 'billed_gpu_hours'
  | 'cost_usd'
  | 'effective_usd_per_gpu_hour'
  | 'advertised_usd_per_gpu_hour'
  | 'advertised_latency_ms'
  | 'request'
  | 'features'
>;

/** Why an outcome is no lesson. */
export const NO_LESSON = ['no_features', 'other_features', 'interim'] as const;
export type NoLesson = (typeof NO_LESSON)[number];

/** Never throws: what cannot be learnt from says why. */
export function lessonOf(outcome: LessonSource): Lesson | NoLesson {
  const { features, request, status } = outcome;
  const key = attemptKey(outcome);
  const atMs = Date.parse(outcome.observed_at);
  if (outcome.final && isCensored(outcome)) return { kind: 'drop', seen: { key, atMs } };
  if (features === null) return 'no_features';
  if (!isOurs(features)) return 'other_features';
  const runHours = Math.min(HOURS_LIMIT, request.gpu_hours / request.gpu_count);
  const responses = responsesOf({
    ...outcome,
    run_hours: runHours,
    ready_at_ms: null,
    at_ms: atMs,
    paid_usd_per_gpu_hour: paidRate(outcome),
    // Scoring multiplies the advertised latency, or its stand-in; so it is measured against the same.
    advertised_latency_ms: outcome.advertised_latency_ms ?? IMPUTED_LATENCY_MS,
  });
  const seen = {
    key,
    features,
    atMs,
    runHours,
    logLatencyRatio: responses.logLatencyRatio,
    logReadyMs: responses.logReadyMs,
  };
  if (!outcome.final) return status === 'ready' ? { kind: 'ready', seen } : 'interim';
  return { kind: 'final', seen: { ...seen, ...responses } };
}

/** @param baseline what was said of the candidate before the learner had its say; the same kind at scoring */
export function teach(learner: FastLearner, { kind, seen }: Lesson, baseline: Baseline): void {
  if (kind === 'ready') learner.ready({ ...seen, baseline });
  else if (kind === 'final') learner.final({ ...seen, baseline });
  else if (kind === 'drop') learner.drop(seen.key, seen.atMs);
  else kind satisfies never;
}

/** What one attempt is known by: to the learner, and in out-of-fold.bin. */
export const attemptKey = ({ decision_id: id, attempt }: Pick<Outcome, 'decision_id' | 'attempt'>): string =>
  `${attempt}:${id}`;

/** The tenant's fault, our own, and a cancelled run say nothing about the offer. */
export const isCensored = ({
  status,
  blame,
}: {
  readonly status: string;
  readonly blame?: string | null | undefined;
}) => status === 'cancelled' || blame === 'tenant' || blame === 'ours';

/** Past it the wait itself, and not only its digits, is unknown; and looks that come late come late for all of a provider at once. */
const READY_DOUBT_SHARE = 0.5;

/** What a time until ready teaches; null: it is known too badly to teach anything but that it became ready. */
export const logReadyMs = (readyMs: number, withinMs: number | null): number | null =>
  (withinMs ?? 0) > READY_DOUBT_SHARE * readyMs ? null : Math.log(Math.max(1, readyMs));

/** What is known of a run when an outcome comes; absent and null: nobody said. */
export interface RunFacts {
  readonly status: Outcome['status'];
  readonly ready_ms?: number | null | undefined;
  readonly ready_within_ms?: number | null | undefined;
  readonly latency_ms?: number | null | undefined;
  readonly exposure_hours?: number | null | undefined;
  readonly billed_gpu_hours?: number | null | undefined;
  /** What it was charged at, and the promise. USD per GPU-hour. */
  readonly paid_usd_per_gpu_hour: number | null;
  readonly advertised_usd_per_gpu_hour: number | null;
  readonly advertised_latency_ms: number;
  readonly run_hours: number;
  /** When it became ready and when this outcome was, epoch milliseconds, if the outcome itself need not say. */
  readonly ready_at_ms: number | null;
  readonly at_ms: number;
}

export type RunResponses = Pick<
  FinalSeen,
  'started' | 'interrupted' | 'exposureHours' | 'logPriceRatio' | 'logLatencyRatio' | 'logReadyMs'
>;

/** Ten times the price, a hundred times the latency, a day until ready, ten years of one run. */
const LOG_PRICE_LIMIT = Math.log(10);
const LOG_LATENCY_LIMIT = Math.log(100);
const LOG_READY_MAX = Math.log(MS_PER_DAY);
const HOURS_LIMIT = 87_600;
/** Features are logarithms and shares: past it, they are not what this build makes. */
const FEATURE_LIMIT = 1_000;

/** The responses of the heads; a number that nobody measured, or that has no logarithm, is null. */
export function responsesOf(run: RunFacts): RunResponses {
  const { status } = run;
  const completed = status === 'completed';
  const ran = status === 'preempted' || (run.exposure_hours ?? 0) > 0 || (run.billed_gpu_hours ?? 0) > 0;
  const started =
    completed ||
    status === 'ready' ||
    (status !== 'failed_to_start' && (run.ready_at_ms !== null || run.ready_ms != null || ran));
  const price = logRatio(run.paid_usd_per_gpu_hour, run.advertised_usd_per_gpu_hour);
  const latency = logRatio(run.latency_ms ?? null, run.advertised_latency_ms);
  const ready = run.ready_ms == null ? null : logReadyMs(run.ready_ms, run.ready_within_ms ?? null);
  const watched = run.ready_at_ms === null ? null : Math.max(0, run.at_ms - run.ready_at_ms) / MS_PER_HOUR;
  return {
    started,
    interrupted: started && !completed && status !== 'ready',
    exposureHours: started ? held(run.exposure_hours ?? (completed ? run.run_hours : watched), 0, HOURS_LIMIT) : null,
    logPriceRatio: started ? held(price, -LOG_PRICE_LIMIT, LOG_PRICE_LIMIT) : null,
    logLatencyRatio: started ? held(latency, -LOG_LATENCY_LIMIT, LOG_LATENCY_LIMIT) : null,
    logReadyMs: started ? held(ready, 0, LOG_READY_MAX) : null,
  };
}

/**
 * USD per GPU-hour that a run was charged. A lost run's effective rate divides by the useful hours, which says how early it
 * broke and not what it cost; so there the billed hours count.
 */
export function paidRate(
  outcome: Pick<Outcome, 'status' | 'effective_usd_per_gpu_hour' | 'cost_usd' | 'billed_gpu_hours'>,
): number | null {
  if (outcome.status === 'completed' && outcome.effective_usd_per_gpu_hour !== null)
    return outcome.effective_usd_per_gpu_hour;
  const { cost_usd: cost, billed_gpu_hours: billed } = outcome;
  return cost === null || billed === null || billed === 0 ? null : cost / billed;
}

/** Null when either is missing or has no logarithm. */
export function logRatio(value: number | null, base: number | null): number | null {
  return value === null || base === null || value <= 0 || base <= 0 ? null : Math.log(value / base);
}

/** One absurd bill is an outlier of many variances; at the limits that scoring holds its predictions to, it is only a bad one. */
const held = (value: number | null, low: number, high: number): number | null =>
  value === null ? null : Math.max(low, Math.min(high, value));

/** Of another build or damaged: its numbers would be taken for others, and one that is missing spoil every sum. */
const isOurs = ({ set, hash, numeric, categorical }: Features): boolean =>
  set === FEATURE_SET.set &&
  hash === FEATURE_SET.hash &&
  numeric.length === FEATURE_SET.numeric.length &&
  categorical.length === FEATURE_SET.categorical.length &&
  numeric.every((value) => Math.abs(value) <= FEATURE_LIMIT);
