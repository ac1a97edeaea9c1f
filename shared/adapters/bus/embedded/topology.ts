import { RejectedError } from '#shared/errors.ts';
import type { SubscriptionConfig } from '#shared/ports/bus.ts';

/**
 * Where messages go whose subscription names no dead-letter topic, once retention ends: a message is never dropped
 * in silence, so there is always a place.
 */
const UNDELIVERED_TOPIC = 'undelivered';

export interface Topology {
  readonly subscriptions: readonly SubscriptionConfig[];
  /** Subscriptions of a topic, in the order given. @throws RejectedError topic_unknown */
  of(topic: string): readonly SubscriptionConfig[];
  /** Dead-letter topic of a subscription, also of one that has left the configuration. */
  deadLetterTopic(subscription: string): string;
}

/**
 * Topics and who listens. Dead-letter topics are implied by the subscriptions that name them.
 * @throws RejectedError topic_unknown for a subscription to a topic that is not listed, config_invalid for a name given
 * twice or limits that cannot work
 */
export function topology(topics: readonly string[], subscriptions: readonly SubscriptionConfig[]): Topology {
  const byTopic = new Map<string, SubscriptionConfig[]>();
  const implied = subscriptions.flatMap(({ deadLetterTopic }) => deadLetterTopic ?? []);
  for (const topic of [...topics, ...implied, UNDELIVERED_TOPIC]) byTopic.set(topic, []);
  const byName = new Map<string, SubscriptionConfig>();
  for (const subscription of subscriptions) {
    if (byName.has(subscription.name))
      throw new RejectedError('config_invalid', `subscription ${subscription.name} is given twice`);
    checkLimits(subscription);
    if (subscription.topic === subscription.deadLetterTopic)
      throw new RejectedError('config_invalid', `subscription ${subscription.name} is its own dead-letter topic`);
    byName.set(subscription.name, subscription);
    of(subscription.topic).push(subscription);
  }
  function of(topic: string): SubscriptionConfig[] {
    const found = byTopic.get(topic);
    if (found === undefined)
      throw new RejectedError(
        'topic_unknown',
        `topic ${JSON.stringify(topic)} is not one of ${[...byTopic.keys()].join(', ')}`,
      );
    return found;
  }
  return { subscriptions, of, deadLetterTopic: (name) => byName.get(name)?.deadLetterTopic ?? UNDELIVERED_TOPIC };
}

function checkLimits(subscription: SubscriptionConfig): void {
  const { name, ackDeadlineMs, minBackoffMs, maxBackoffMs, maxAttempts, maxInFlight } = subscription;
  if (subscription.pushUrl !== null && !URL.canParse(subscription.pushUrl))
    throw new RejectedError(
      'config_invalid',
      `subscription ${name}: pushUrl ${subscription.pushUrl} is no absolute URL`,
    );
  const sound =
    ackDeadlineMs > 0 && minBackoffMs >= 0 && maxBackoffMs >= minBackoffMs && maxAttempts >= 1 && maxInFlight >= 1;
  if (!sound)
    throw new RejectedError(
      'config_invalid',
      `subscription ${name}: expected ackDeadlineMs > 0, 0 <= minBackoffMs <= maxBackoffMs, maxAttempts >= 1, maxInFlight >= 1`,
    );
}
