import { z } from 'zod';
import { name, nonNegative, positive, timestamp } from './primitives.ts';

/** Where a nullable figure came from. */
const source = z.enum(['advertised', 'measured', 'imputed']);

/** What a provider promises at an instant. Prices are USD per GPU-hour; reputation is 0..100; `offer_id` is `provider:native`. */
export const offer = z.object({
  provider: name,
  offer_id: z.string().min(1).max(256),
  gpu_type: name,
  /** Largest instance. */
  gpu_count: z.int().min(1),
  /** Smallest one: what is sold as a whole bills all of it, whoever asks for less. Null: one GPU. */
  gpu_count_min: z.int().min(1).nullable().default(null),
  /** `global` serves every region. */
  region: name,
  active: z.boolean(),
  usd_per_gpu_hour: positive,
  latency_ms: positive.nullable().default(null),
  latency_source: source.default('advertised'),
  reputation: nonNegative.max(100).nullable().default(null),
  reputation_source: source.default('advertised'),
  capacity_gpu_hours: nonNegative.nullable().default(null),
  capacity_total_gpu_hours: positive.nullable().default(null),
  observed_at: timestamp,
});
export type Offer = z.infer<typeof offer>;

/** `offers/current.json`: the snapshot that score and route poll. */
export const offersSnapshot = z.object({
  observed_at: timestamp,
  offers: z.array(offer).max(100_000),
});
export type OffersSnapshot = z.infer<typeof offersSnapshot>;
