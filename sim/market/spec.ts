/**
 * The spec of a market: what is sold, how it really behaves, who buys. Strict: an unknown key is an error with its path.
 * Documented for authors in sim/markets/README.md. Shares and probabilities are 0..1, hours of day are UTC, prices USD per
 * GPU-hour, everything named `truth` is hidden from the router.
 */
import { z } from 'zod';
import { MS_PER_DAY } from '#shared/defaults.ts';
import { count, name, nonNegative, positive, probability } from '#shared/domain/primitives.ts';
import { weights } from '#shared/domain/request.ts';
import { scenarioEvent } from './scenario.ts';

const hourOfDay = nonNegative.lt(24);
/** Standard deviation of a logarithm: past 2 a lognormal is mostly tail. */
const sigma = nonNegative.max(2);
/** Bounds far outside of any market, and far inside of what a product of such figures may reach as a number. */
const usd = z.number().min(0.001).max(1e4);
const latencyMs = z.number().min(1).max(1e6);
const capacity = z.number().min(0.1).max(1e9);
const readyMs = z.number().min(1).max(MS_PER_DAY);
const placeFactor = z.number().min(0.01).max(100);
/** Three words make an offer id, which is 256 characters long at most. */
const word = name.max(64);
/** Only the proportions count. */
const weight = z.number().min(1e-6).max(1e6);
const someOf = <T extends Readonly<Record<string, number>>>(schema: z.ZodType<T>) =>
  schema.refine((value) => Object.keys(value).length > 0, 'expected at least one share');
/** Word -> share of it; at least one. */
const shares = someOf(z.record(word, weight));

/** Factors on the truth while something holds: a bad node, a shock, an hour of the day. Start success is capped at 1. */
const burdenShape = {
  start_factor: nonNegative.max(2).default(1),
  hazard_factor: nonNegative.max(1e3).default(1),
  latency_factor: z.number().min(1e-3).max(1e3).default(1),
  price_factor: z.number().min(1e-3).max(1e3).default(1),
};

/** How an offer really behaves at deviation 1. */
const truth = z.strictObject({
  /** P(becomes ready) on an idle provider, given that the offer was still there. */
  start: probability,
  /** Start success is multiplied by 1 - this * load^2. */
  start_load_penalty: probability.default(0),
  /** P(the offer vanishes between listing and deploy). */
  gone: probability.default(0),
  /** Interruptions per hour of a run. */
  hazard_per_hour: nonNegative.max(100),
  /** Median measured / advertised latency on an idle provider. */
  latency_ratio: placeFactor.default(1),
  latency_sigma: sigma.default(0),
  /** Added to the log of the latency at full load. */
  latency_load: nonNegative.max(5).default(0),
  /** Added to the log of the latency at `peak_hour`, subtracted twelve hours later (cosine). */
  latency_diurnal: z.strictObject({ amplitude: nonNegative.max(2), peak_hour: hourOfDay }).optional(),
  /** Median paid / advertised price. */
  price_ratio: placeFactor.default(1),
  price_sigma: sigma.default(0),
  /** Median milliseconds until ready. */
  ready_ms: readyMs,
  ready_sigma: sigma.default(0),
  /** Burdens by hour of day; `from_hour` > `to_hour` wraps over midnight. */
  hours: z
    .array(z.strictObject({ from_hour: hourOfDay, to_hour: z.number().gt(0).max(24), ...burdenShape }))
    .default([]),
  /** Kinds of node behind the same offer, of which a deployment gets one by chance. Empty: one kind. */
  modes: z
    .array(z.strictObject({ share: positive.max(1), ...burdenShape }))
    .refine(
      (modes) => modes.length === 0 || Math.abs(modes.reduce((sum, mode) => sum + mode.share, 0) - 1) < 1e-9,
      'expected shares that sum to 1',
    )
    .default([]),
});
export type Truth = z.output<typeof truth>;

/** Other customers: the share of the capacity they hold, `mean` swinging by `amplitude` around `peak_hour`, `noise` by the hour. */
const busy = z.strictObject({
  mean: probability,
  amplitude: probability.default(0),
  peak_hour: hourOfDay.default(0),
  noise: probability.default(0),
});

/** Figures that a provider does not publish: null in its offers. */
const hides = z.array(z.enum(['latency', 'reputation', 'capacity'])).default([]);

const explicitOffer = z.strictObject({
  provider: word,
  gpu_type: word,
  region: word,
  usd_per_gpu_hour: usd,
  latency_ms: latencyMs,
  reputation: nonNegative.max(100),
  capacity_gpu_hours: capacity,
  /** Largest instance. */
  gpu_count: count.min(1).default(8),
  hides,
  busy: busy.default({ mean: 0, amplitude: 0, peak_hour: 0, noise: 0 }),
  truth,
});

/** What is advertised about an offer and how it really behaves; an author's or a seed's. Words as written. */
export type ListingSource = z.output<typeof explicitOffer>;

/**
 * A hidden quantity drawn from the seed: `typical` moved by normal effects of provider, GPU type at the provider, region at
 * the provider and the offer itself; `cheapness` is the effect of a price half of the cell's median (adverse selection),
 * `reputation` that of 10 points above 70. Effects are on the logit of a probability, on the log of anything else.
 */
const drawn = z.strictObject({
  typical: z.number().min(1e-9).max(1e9),
  provider_sd: nonNegative.max(5).default(0),
  gpu_sd: nonNegative.max(5).default(0),
  region_sd: nonNegative.max(5).default(0),
  offer_sd: nonNegative.max(5).default(0),
  cheapness: z.number().min(-5).max(5).default(0),
  reputation: z.number().min(-5).max(5).default(0),
});
/** Of a probability: its logit must exist. */
const drawnProbability = drawn.extend({ typical: positive.lt(1) });
export type Drawn = z.output<typeof drawn>;

const catalogue = z.strictObject({
  kind: z.literal('catalogue'),
  /** GPU type -> list price, USD per GPU-hour. */
  gpu_types: z.record(word, z.strictObject({ usd_per_gpu_hour: usd })),
  regions: z.record(
    word,
    z.strictObject({ price_factor: placeFactor, latency_factor: placeFactor, peak_hour: hourOfDay }),
  ),
  providers: z
    .array(
      z.strictObject({
        provider: word,
        price_factor: placeFactor,
        latency_ms: latencyMs,
        reputation: nonNegative.max(100),
        capacity_gpu_hours: capacity,
        gpu_count: count.min(1).default(8),
        ready_ms: readyMs,
        /** Of `gpu_types` and `regions` above; a region `global` needs no entry there. */
        gpu_types: z.array(word).min(1),
        regions: z.array(word).min(1),
        hides,
        busy: probability.default(0),
      }),
    )
    .min(1),
  /** Spread of the advertised figures over the offers of one provider (log; reputation in points). */
  advertised: z.strictObject({
    price_sd: sigma,
    latency_sd: sigma,
    capacity_sd: sigma,
    reputation_sd: nonNegative.max(50),
  }),
  truth: z.strictObject({
    start_failure: drawnProbability,
    hazard_per_hour: drawn,
    latency_ratio: drawn,
    price_ratio: drawn,
    ready_ratio: drawn,
    gone: drawnProbability,
    start_load_penalty: probability,
    latency_sigma: sigma,
    latency_load: nonNegative.max(5),
    latency_diurnal_amplitude: nonNegative.max(2),
    price_sigma: sigma,
    ready_sigma: sigma,
  }),
});
export type Catalogue = z.output<typeof catalogue>;

const explicit = z.strictObject({ kind: z.literal('explicit'), offers: z.array(explicitOffer).min(1) });

/** Something that hits many offers at once, by chance, for whole blocks of `block_h` hours: correlated failures. */
const shock = z.strictObject({
  id: word,
  provider: word.optional(),
  gpu_type: word.optional(),
  region: word.optional(),
  probability,
  block_h: z.number().min(0.01).max(1e5),
  ...burdenShape,
});
export type Shock = z.output<typeof shock>;

const tenant = z.strictObject({
  tenant_id: word,
  /** Share of the requests. */
  share: weight,
  weights,
  /** Workload -> share of this tenant's requests. */
  mix: shares,
  regions: shares,
  /** Overrides the workload's own GPU preferences. */
  gpu_types: shares.optional(),
  /** GPU type -> USD per GPU-hour. */
  max_price: z.record(word, usd).default({}),
  max_latency_ms: latencyMs.optional(),
  min_reputation: nonNegative.max(100).optional(),
  /** Share of requests of priority critical. */
  critical_share: probability.default(0),
});

/** What a request may ask for. */
const gpuCount = z.string().regex(/^([1-9]\d{0,2}|10[01]\d|102[0-4])$/, 'expected a GPU count from 1 to 1024');
/** Requests are rounded to a thousandth. */
const gpuHours = z.number().min(0.001).max(1e6);

const workloadProfile = z.strictObject({
  gpu_types: shares,
  /** Lognormal, cut to [min, max]. Total GPU-hours. */
  gpu_hours: z
    .strictObject({ median: gpuHours, sigma, min: gpuHours, max: gpuHours })
    .refine((hours) => hours.min <= hours.max, 'expected min <= max'),
  /** GPU count (as text: a JSON key) -> share. */
  gpu_counts: someOf(z.record(gpuCount, weight)).default({ '1': 1 }),
});

export const marketSpec = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9-]{1,40}$/, 'expected a-z, 0-9 and hyphens'),
    description: z.string(),
    listings: z.discriminatedUnion('kind', [catalogue, explicit]),
    shocks: z.array(shock).default([]),
    /** Share of deployments that fail by the tenant's own fault, wherever they run. Not scaled by the deviation. */
    tenant_fault_share: probability.default(0),
    /** Share of interruptions that are the network's. */
    network_blame_share: probability.default(0),
    /** Share of calls of a simulated provider that answer provider_unavailable. */
    unavailable_share: probability.max(0.9).default(0),
    /** What the market was sized for; a caller may use another rate. */
    arrivals_per_hour: weight,
    workloads: z.record(word, workloadProfile),
    tenants: z.array(tenant).min(1),
    scenario: z.array(scenarioEvent).default([]),
  })
  .superRefine((spec, context) => {
    spec.tenants.forEach((entry, index) => {
      for (const workload of Object.keys(entry.mix)) {
        if (!Object.hasOwn(spec.workloads, workload))
          context.addIssue({
            code: 'custom',
            path: ['tenants', index, 'mix', workload],
            message: `expected one of workloads (${Object.keys(spec.workloads).join(', ')})`,
          });
      }
    });
    const { listings } = spec;
    if (listings.kind !== 'catalogue') return;
    listings.providers.forEach((provider, index) => {
      for (const [field, words, known] of [
        ['gpu_types', provider.gpu_types, Object.keys(listings.gpu_types)],
        ['regions', provider.regions, [...Object.keys(listings.regions), 'global']],
      ] as const) {
        words.forEach((word, at) => {
          if (!known.includes(word))
            context.addIssue({
              code: 'custom',
              path: ['listings', 'providers', index, field, at],
              message: `expected one of ${field} (${known.join(', ')}), got "${word}"`,
            });
        });
      }
    });
  });
export type MarketSpec = z.output<typeof marketSpec>;
