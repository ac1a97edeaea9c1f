import fc from 'fast-check';
import type { Offer } from '#shared/domain/offer.ts';
import { name } from '#shared/domain/primitives.ts';
import { DEFAULT_WEIGHTS, type Workload } from '#shared/domain/request.ts';
import { NO_RESTRICTIONS, type Restrictions } from '#shared/rules/restrictions.ts';
import type { Shortfall } from '#shared/rules/shortfall.ts';

/** A plain offer and a plain request that fit each other; a test names only what it is about. */
export const anOffer = (changes: Partial<Offer> = {}): Offer => ({
  provider: 'vast',
  offer_id: 'vast:1',
  gpu_type: 'rtx4090',
  gpu_count: 4,
  gpu_count_min: null,
  region: 'us-west',
  active: true,
  usd_per_gpu_hour: 0.4,
  latency_ms: 100,
  latency_source: 'advertised',
  reputation: 90,
  reputation_source: 'advertised',
  capacity_gpu_hours: 50,
  capacity_total_gpu_hours: 100,
  observed_at: '2026-01-01T00:00:00.000Z',
  ...changes,
});

export const aWorkload = (changes: Partial<Workload> = {}): Workload => ({
  tenant_id: 'default',
  workload_type: 'llm_inference',
  gpu_type: 'rtx4090',
  region: 'us-west',
  gpu_hours: 8,
  gpu_count: 2,
  max_price: 0.5,
  max_latency_ms: 200,
  min_reputation: 80,
  weights: DEFAULT_WEIGHTS,
  priority: 'normal',
  image: null,
  port: null,
  ...changes,
});

const positive = (max: number): fc.Arbitrary<number> => fc.double({ min: Number.MIN_VALUE, max, noNaN: true });
const nonNegative = (max: number): fc.Arbitrary<number> => fc.double({ min: 0, max, noNaN: true });
const orNull = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { nil: null });
const freeText = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((text) => name.safeParse(text).success);
const oneOf = (...words: string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...words) }, { weight: 1, arbitrary: freeText });
const gpuType = oneOf('rtx4090', 'h100', 'a100');
const region = oneOf('us-west', 'eu-west', 'global');
const source = fc.constantFrom('advertised', 'measured', 'imputed');

/** Any offer the schema admits, absurd figures included. */
export const offerArbitrary: fc.Arbitrary<Offer> = fc
  .record({
    provider: oneOf('vast', 'akash', 'render'),
    offer_id: fc.uuid().map((id) => `p:${id}`),
    gpu_type: gpuType,
    gpu_count: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
    gpu_count_min: fc.oneof(
      { weight: 3, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) },
    ),
    region,
    active: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.boolean() }),
    usd_per_gpu_hour: fc.oneof(positive(5), positive(Number.MAX_VALUE)),
    latency_ms: orNull(fc.oneof(positive(600), positive(Number.MAX_VALUE))),
    latency_source: source,
    reputation: orNull(nonNegative(100)),
    reputation_source: source,
    capacity_gpu_hours: orNull(fc.oneof(nonNegative(100), nonNegative(Number.MAX_VALUE))),
    capacity_total_gpu_hours: orNull(fc.oneof(positive(100), positive(Number.MAX_VALUE))),
    observed_at: fc.constant('2026-01-01T00:00:00.000Z'),
  })
  .map((offer) => ({
    ...offer,
    gpu_count_min: offer.gpu_count_min === null ? null : Math.min(offer.gpu_count_min, offer.gpu_count),
  }));

const weight = fc.oneof(fc.constant(0), nonNegative(1), nonNegative(1e3));

/** Any canonical request the schema admits. */
export const workloadArbitrary: fc.Arbitrary<Workload> = fc.record({
  tenant_id: freeText,
  workload_type: oneOf('llm_inference', 'rendering'),
  gpu_type: gpuType,
  region,
  gpu_hours: fc.oneof(positive(100), positive(1e6)),
  gpu_count: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 1024 })),
  max_price: orNull(fc.oneof(positive(5), positive(1e6))),
  max_latency_ms: orNull(fc.oneof(positive(600), positive(1e7))),
  min_reputation: orNull(nonNegative(100)),
  weights: fc.record({ price: weight, latency: weight, reputation: weight, availability: weight }),
  priority: fc.constantFrom('normal', 'critical'),
  image: orNull(fc.constantFrom('nvidia/cuda:12.9.1', 'registry.example:5000/team/job')),
  port: orNull(fc.integer({ min: 1, max: 65_535 })),
});

/** Mostly none; else one or two of the providers above are barred, or their prices too high for the tenant. */
export const restrictionsArbitrary: fc.Arbitrary<Restrictions> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(NO_RESTRICTIONS) },
  {
    weight: 1,
    arbitrary: fc.record({
      barred: fc
        .uniqueArray(fc.constantFrom('vast', 'akash', 'render'), { maxLength: 2 })
        .map(
          (names) =>
            new Map<string, Shortfall>(
              names.map((name) => [name, { reason: 'provider_down', needed: `${name} to be up` }]),
            ),
        ),
      maxUsdPerGpuHour: fc.constantFrom(Number.POSITIVE_INFINITY, 1e9, 1),
      maxUsdPerDeployment: fc.constantFrom(Number.POSITIVE_INFINITY, 1e12, 10),
    }),
  },
);

/** World instants from 1970 to 2100. */
export const instantArbitrary: fc.Arbitrary<number> = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) });
