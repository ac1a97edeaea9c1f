import { z } from 'zod';
import { canonicalGpu, canonicalRegion, canonicalWorkload } from './aliases.ts';
import { name, nonNegative, positive } from './primitives.ts';

/** How much each part of the utility matters. Used as given, not normalised. */
export const weights = z.strictObject({
  price: nonNegative.max(1e3),
  latency: nonNegative.max(1e3),
  reputation: nonNegative.max(1e3),
  availability: nonNegative.max(1e3),
});
export type Weights = z.infer<typeof weights>;

export const DEFAULT_WEIGHTS: Weights = { price: 0.35, latency: 0.3, reputation: 0.2, availability: 0.15 };

/** A container image by its reference (github.com/distribution/reference): host, path, tag or digest. */
const image = z
  .string()
  .max(512)
  .regex(
    /^[a-z0-9][\w.-]*(:\d+)?(\/[\w.-]+)*(:[\w.-]{1,128})?(@sha256:[0-9a-f]{64})?$/i,
    'expected a reference such as registry.example/name:tag',
  );
/** At which the workload answers over HTTP. */
const port = z.int().min(1).max(65_535);

/** A request as a caller sends it: `POST /route`, `POST /agent/route`. Unknown keys are refused. */
export const routeRequest = z.strictObject({
  request_id: name.optional(),
  tenant_id: name.optional(),
  workload_type: name,
  gpu_type: name,
  region: name,
  /** Total GPU-hours; run time = gpu_hours / gpu_count. */
  gpu_hours: positive.max(1e6),
  gpu_count: z.int().min(1).max(1024).optional(),
  /** USD per GPU-hour. */
  max_price: positive.max(1e6).optional(),
  max_latency_ms: positive.max(1e7).optional(),
  /** 0..100. */
  min_reputation: nonNegative.max(100).optional(),
  weights: weights.partial().optional(),
  priority: z.enum(['normal', 'critical']).optional(),
  image: image.optional(),
  port: port.optional(),
});
export type RouteRequest = z.infer<typeof routeRequest>;

/** A request as we think of it: canonical words, every default applied, absent limits explicit. Lives in events. */
export const workload = z.object({
  tenant_id: name,
  workload_type: name,
  gpu_type: name,
  region: name,
  gpu_hours: positive,
  gpu_count: z.int().min(1),
  max_price: positive.nullable(),
  max_latency_ms: positive.nullable(),
  min_reputation: nonNegative.nullable(),
  weights,
  priority: z.enum(['normal', 'critical']),
  /** What runs; null: the house's default (shared/defaults.ts). */
  image: image.nullable().default(null),
  port: port.nullable().default(null),
});
export type Workload = z.infer<typeof workload>;

export function canonicalWorkloadOf(request: RouteRequest): Workload {
  return {
    tenant_id: request.tenant_id ?? 'default',
    workload_type: canonicalWorkload(request.workload_type),
    gpu_type: canonicalGpu(request.gpu_type),
    region: canonicalRegion(request.region),
    gpu_hours: request.gpu_hours,
    gpu_count: request.gpu_count ?? 1,
    max_price: request.max_price ?? null,
    max_latency_ms: request.max_latency_ms ?? null,
    min_reputation: request.min_reputation ?? null,
    weights: mergeWeights(request.weights),
    priority: request.priority ?? 'normal',
    image: request.image ?? null,
    port: request.port ?? null,
  };
}

function mergeWeights(given: RouteRequest['weights']): Weights {
  return {
    price: given?.price ?? DEFAULT_WEIGHTS.price,
    latency: given?.latency ?? DEFAULT_WEIGHTS.latency,
    reputation: given?.reputation ?? DEFAULT_WEIGHTS.reputation,
    availability: given?.availability ?? DEFAULT_WEIGHTS.availability,
  };
}
