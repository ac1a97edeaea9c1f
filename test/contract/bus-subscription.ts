import type { SubscriptionConfig } from '#shared/ports/bus.ts';

/** A subscription with round limits: backoff 1, 2, 4, 8 s, ack deadline 10 s. */
export const subscription = (
  name: string,
  topic: string,
  change: Partial<SubscriptionConfig> = {},
): SubscriptionConfig => ({
  name,
  topic,
  pushUrl: `http://subscriber/${name}`,
  ackDeadlineMs: 10_000,
  minBackoffMs: 1_000,
  maxBackoffMs: 8_000,
  maxAttempts: 5,
  deadLetterTopic: null,
  ordered: false,
  maxInFlight: 10,
  ...change,
});
