import { z } from 'zod';
import { features } from '#shared/domain/features.ts';
import { count, timestamp } from '#shared/domain/primitives.ts';

const file = z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: count });
const scale = z.strictObject({ mean: z.number(), std: z.number().gt(0) });

/**
 * `models/router/<version>/manifest.json`: written last and create-only, so its presence says that the version is whole.
 * It holds all that scoring needs besides the weights, and all that a retraining needs besides the rows.
 */
export const manifest = z.strictObject({
  format: z.literal('aurora-router-model/1'),
  /** hash(data watermark and sha256, config, seed); never the word for another actor. */
  version: z.string().regex(/^(?!(rules|linear)$)[0-9a-z-]{1,64}$/),
  /** World time. */
  created_at: timestamp,
  feature_set: z.strictObject({ set: z.string(), hash: z.string() }),
  /** Network input = standardised numerics, then one one-hot block per categorical (index 0 of each block: unknown). */
  encoding: z.strictObject({
    numeric: z.array(scale).max(256),
    categorical: z.array(z.strictObject({ vocabulary: z.array(z.string().max(256)).max(1024) })).max(64),
  }),
  /** Deep part: dense relu layers of these widths; a linear (wide) part runs beside it; both are summed into the heads. */
  hidden: z.array(z.int().min(1).max(512)).min(1).max(4),
  targets: z.strictObject({ price: scale, latency: scale, ready: scale }),
  /** In the order in which they lie in weights.bin, little-endian float32: per hidden layer kernel [in,out] and bias [out], then deep head kernel [h,5], wide kernel [inputs,5], bias [5]. */
  weights: z.array(z.strictObject({ name: z.string(), shape: z.array(z.int().min(1)).min(1).max(2) })).max(32),
  /** Versions of before 2026-11-29 have no `out-of-fold.bin` (shared/learning/out-of-fold.ts). */
  files: z.strictObject({ 'model.json': file, 'weights.bin': file, 'out-of-fold.bin': file.optional() }),
  /** A candidate and the five raw outputs that tfjs gave for it: proves the loaded forward pass. */
  golden: z.strictObject({ features, output: z.array(z.number()).length(5) }),
  training: z.strictObject({
    backend: z.enum(['wasm', 'cpu', 'tensorflow']),
    seed: count,
    epochs: z.int().min(1),
    batch_size: z.int().min(1),
    learning_rate: z.number().gt(0),
    l2: z.number().min(0),
    /** Rows with ingested_at up to here, ordered by (decided_at, decision_id, attempt). */
    watermark: timestamp,
    data_sha256: z.string(),
    rows: count,
    /** The last rows in time, kept from training. */
    holdout_rows: count,
    first_decided_at: timestamp.nullable(),
    last_decided_at: timestamp.nullable(),
  }),
});
export type Manifest = z.infer<typeof manifest>;
