/** What is known of the providers themselves: small values that route polls and people look at. */
import { z } from 'zod';
import { count, name, nonNegative, timestamp } from './primitives.ts';

/** What one GPU type costs at a provider now, USD per GPU-hour, over its active offers. */
const prices = z.object({ min: nonNegative, median: nonNegative, offers: count });

export const providerReport = z.object({
  provider: name,
  /** up: it answered the last poll; failing: it did not, its last offers still count; down: they are too old, or it refuses us. */
  health: z.enum(['up', 'failing', 'down']),
  /** Code and message of what failed; null when up. */
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  /** World time since which it is so. */
  since: timestamp,
  /** World time of the last offers that it gave. */
  offers_at: timestamp.nullable(),
  /** Host milliseconds that its last answer took. */
  answered_ms: nonNegative.nullable(),
  offers: count,
  /** Sum of what it says it has; null: it does not say. */
  capacity_gpu_hours: nonNegative.nullable(),
  /** Mean over its active offers; null: it does not say. */
  latency_ms: nonNegative.nullable(),
  reputation: nonNegative.nullable(),
  usd_per_gpu_hour: z.record(name, prices),
  capabilities: z.object({
    interruptible: z.boolean(),
    bids: z.boolean(),
    regions: z.array(name).nullable(),
    create_spacing_ms: nonNegative,
  }),
});
export type ProviderReport = z.infer<typeof providerReport>;

/** As metrics say it. */
export const HEALTH_FIGURE = { up: 1, failing: 0.5, down: 0 } as const satisfies Record<
  ProviderReport['health'],
  number
>;

/** Mean over its active offers of the median price of their GPU type, USD per GPU-hour; null: it offers nothing. */
export function meanPriceUsd({ usd_per_gpu_hour: prices }: ProviderReport): number | null {
  const types = Object.values(prices);
  const offers = types.reduce((sum, type) => sum + type.offers, 0);
  return offers === 0 ? null : types.reduce((sum, { median, offers: count }) => sum + median * count, 0) / offers;
}

/** `providers/current.json`: written by collect with every poll. */
export const PROVIDERS_OBJECT = 'providers/current.json';
export const providersSnapshot = z.object({ observed_at: timestamp, providers: z.array(providerReport).max(256) });
export type ProvidersSnapshot = z.infer<typeof providersSnapshot>;

/**
 * `deployer/<provider>` in state: what deploy, the one writer of a provider, sees of it. Written at each change and every few
 * seconds while it works; host time, because queues and breakers live in it.
 */
export const deployerReport = z.object({
  provider: name,
  at: timestamp,
  /** How long the deployment taken last had waited, host milliseconds. */
  waited_ms: nonNegative,
  breaker: z.enum(['closed', 'open', 'half_open']),
  /** It refuses us for good (401, 402, 403): nothing is sent there before somebody has looked; null: it does not. */
  refusing: z.object({ code: z.string(), message: z.string() }).nullable(),
});
export type DeployerReport = z.infer<typeof deployerReport>;
export const DEPLOYER_PREFIX = 'deployer/';
export const deployerKey = (provider: string): string => `${DEPLOYER_PREFIX}${provider}`;

/** `deployments/summary.json`: written by watch with every whole round. */
export const DEPLOYMENTS_OBJECT = 'deployments/summary.json';
export const deploymentsSummary = z.object({
  observed_at: timestamp,
  /** Provider -> deployments that live. */
  active: z.record(name, count),
  /** Mean realised utility of the newest ended deployments that nobody is to be excused for; null: none yet. */
  reward: z.object({ mean: z.number(), deployments: count }).nullable(),
});
export type DeploymentsSummary = z.infer<typeof deploymentsSummary>;
