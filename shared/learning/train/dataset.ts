import { MAX_VOCABULARY, MIN_CATEGORY_ROWS } from '#shared/defaults.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import { encodeSparse, inputWidth } from '../encoding.ts';
import type { Example } from '../example.ts';
import type { TargetScale, TargetScales } from '../heads.ts';
import type { TrainingData } from '../model/fit.ts';
import { TARGET_WIDTH } from '../model/objective.ts';
import { inputScaleOf, targetScaleOf } from './scale.ts';

type Encoding = Manifest['encoding'];

/** Scaling and vocabulary of the training rows, which are in order of time. A word seen on few of them is unknown. */
export function encodingOf(rows: readonly Example[]): Encoding {
  const first = rows[0]?.features;
  return {
    numeric: (first?.numeric ?? []).map((_, i) => inputScaleOf(rows.map(({ features }) => features.numeric[i] ?? 0))),
    categorical: (first?.categorical ?? []).map((_, i) => ({ vocabulary: vocabularyOf(rows, i) })),
  };
}

function vocabularyOf(rows: readonly Example[], column: number): string[] {
  const counts = new Map<string, number>();
  for (const { features } of rows) {
    const word = features.categorical[column] ?? '';
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count >= MIN_CATEGORY_ROWS)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, MAX_VOCABULARY)
    .map(([word]) => word)
    .sort();
}

export function targetScalesOf(rows: readonly Example[]): TargetScales {
  return {
    price: targetScaleOf(rows.map((row) => row.log_price_ratio)),
    latency: targetScaleOf(rows.map((row) => row.log_latency_ratio)),
    ready: targetScaleOf(rows.map((row) => row.log_ready_ms)),
  };
}

/** Raw outputs that say the base rates, half an event added on each side so that one class alone stays finite. */
export function baseRateBias(rows: readonly Example[]): number[] {
  let started = 0;
  let events = 0;
  let hours = 0;
  for (const row of rows) {
    started += row.started;
    if (row.exposure_hours === null) continue;
    events += row.interrupted ?? 0;
    hours += row.exposure_hours;
  }
  const start = Math.log((started + 0.5) / (rows.length - started + 0.5));
  const hazard = hours === 0 ? 0 : Math.log((events + 0.5) / hours);
  return [start, hazard, 0, 0, 0];
}

export function trainingData(rows: readonly Example[], encoding: Encoding, scales: TargetScales): TrainingData {
  const numerics = encoding.numeric.length;
  const categoricals = encoding.categorical.length;
  const numeric = new Float32Array(rows.length * numerics);
  const indices = new Int32Array(rows.length * categoricals);
  const targets = new Float32Array(rows.length * TARGET_WIDTH);
  for (const [i, row] of rows.entries()) {
    encodeSparse(
      encoding,
      row.features,
      numeric.subarray(i * numerics, (i + 1) * numerics),
      indices.subarray(i * categoricals, (i + 1) * categoricals),
    );
    targets.set(targetsOf(row, scales), i * TARGET_WIDTH);
  }
  let next = numerics;
  const unknown = encoding.categorical.map(({ vocabulary }) => {
    const start = next;
    next += 1 + vocabulary.length;
    return start;
  });
  return { rows: rows.length, width: inputWidth(encoding), numeric, indices, unknown, targets };
}

function targetsOf(row: Example, scales: TargetScales): number[] {
  const scaled = (value: number | null, { mean, std }: TargetScale): number =>
    value === null ? Number.NaN : (value - mean) / std;
  return [
    row.started,
    row.exposure_hours === null ? Number.NaN : (row.interrupted ?? Number.NaN),
    row.exposure_hours ?? Number.NaN,
    scaled(row.log_price_ratio, scales.price),
    scaled(row.log_latency_ratio, scales.latency),
    scaled(row.log_ready_ms, scales.ready),
  ];
}
