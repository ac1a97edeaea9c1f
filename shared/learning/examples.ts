import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { EXPOSURE_FLOOR_HOURS, IMPUTED_LATENCY_MS } from '#shared/defaults.ts';
import type { Features } from '#shared/domain/features.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { realisedUtility, runResultOf } from '#shared/domain/utility.ts';
import type { Example } from './example.ts';
import { logRatio, logReadyMs, paidRate } from './fast/lesson.ts';
import { FEATURE_SET } from './features.ts';

/** Which definition of the features a row or a model speaks. */
export type FeatureSet = Pick<Features, 'set' | 'hash'>;

/**
 * A final outcome as a training example; null when it teaches nothing: not final, censored (the tenant's or our own fault,
 * cancelled), never scored, or scored with another feature set.
 */
export function exampleOf(outcome: Outcome, featureSet: FeatureSet = FEATURE_SET): Example | null {
  const { features, request } = outcome;
  const run = runResultOf(outcome);
  if (run === null || features === null) return null;
  if (features.set !== featureSet.set || features.hash !== featureSet.hash) return null;
  const runHours = request.gpu_hours / request.gpu_count;
  const started = run.became_ready;
  const exposure = outcome.exposure_hours ?? (run.completed ? runHours : null);
  return {
    decision_id: outcome.decision_id,
    attempt: outcome.attempt,
    decided_at: Date.parse(outcome.decided_at),
    observed_at: Date.parse(outcome.observed_at),
    features,
    run_hours: runHours,
    started: started ? 1 : 0,
    interrupted: started ? (run.completed ? 0 : 1) : null,
    exposure_hours: started && exposure !== null ? Math.max(exposure, EXPOSURE_FLOOR_HOURS) : null,
    log_price_ratio: started ? logRatio(paidRate(outcome), outcome.advertised_usd_per_gpu_hour) : null,
    // Scoring multiplies the advertised latency, or its stand-in; so the target is measured against the same.
    log_latency_ratio: started
      ? logRatio(outcome.latency_ms, outcome.advertised_latency_ms ?? IMPUTED_LATENCY_MS)
      : null,
    log_ready_ms: started && outcome.ready_ms !== null ? logReadyMs(outcome.ready_ms, outcome.ready_within_ms) : null,
    mode: outcome.mode,
    propensity: outcome.propensity,
    utility: realisedUtility(request, run),
  };
}

/** The order of every training set: (decided_at, decision_id, attempt). Returns a new array. */
export function inOrder(examples: readonly Example[]): readonly Example[] {
  return examples.toSorted(
    (a, b) =>
      a.decided_at - b.decided_at ||
      (a.decision_id < b.decision_id ? -1 : a.decision_id > b.decision_id ? 1 : a.attempt - b.attempt),
  );
}

/** Rows hashed before the event loop gets a turn: about 3 ms. */
const ROWS_PER_TURN = 512;

/** sha256 over the ordered rows, one JSON array of values a line, in a fixed order of fields. Lets other work in between. */
export async function dataSha256(examples: readonly Example[]): Promise<string> {
  const hash = createHash('sha256');
  const ordered = inOrder(examples);
  for (let from = 0; from < ordered.length; from += ROWS_PER_TURN) {
    if (from > 0) await setImmediate();
    for (const example of ordered.slice(from, from + ROWS_PER_TURN)) hash.update(`${canonicalRow(example)}\n`);
  }
  return hash.digest('hex');
}

function canonicalRow(e: Example): string {
  const { set, hash, numeric, categorical } = e.features;
  return JSON.stringify([
    [e.decided_at, e.decision_id, e.attempt, e.observed_at],
    [set, hash, numeric, categorical],
    [e.run_hours, e.started, e.interrupted, e.exposure_hours, e.log_price_ratio, e.log_latency_ratio, e.log_ready_ms],
    [e.mode, e.propensity, e.utility],
  ]);
}
