/** What Pub/Sub writes on a message that it forwards to a dead-letter topic, and how it comes off again. */
const DEAD_LETTER_PREFIX = 'CloudPubSubDeadLetterSource';

/** What Pub/Sub adds to a message that it forwards to a dead-letter topic. */
export function deadLetterAttributes(input: {
  readonly project: string;
  readonly subscription: string;
  readonly attempts: number;
  readonly publishTime: string;
}): Record<string, string> {
  return {
    [`${DEAD_LETTER_PREFIX}Subscription`]: input.subscription,
    [`${DEAD_LETTER_PREFIX}SubscriptionProject`]: input.project,
    [`${DEAD_LETTER_PREFIX}DeliveryCount`]: String(input.attempts),
    [`${DEAD_LETTER_PREFIX}TopicPublishTime`]: input.publishTime,
  };
}

export const withoutDeadLetterAttributes = (
  attributes: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !name.startsWith(DEAD_LETTER_PREFIX)));

/** What they say; null: they do not. */
export function sourceOf(attributes: Readonly<Record<string, string>>): {
  readonly subscription: string | null;
  readonly attempts: number | null;
  /** RFC 3339. */
  readonly publishTime: string | null;
} {
  const attempts = Number(attributes[`${DEAD_LETTER_PREFIX}DeliveryCount`] ?? Number.NaN);
  return {
    subscription: attributes[`${DEAD_LETTER_PREFIX}Subscription`] ?? null,
    attempts: Number.isInteger(attempts) ? attempts : null,
    publishTime: attributes[`${DEAD_LETTER_PREFIX}TopicPublishTime`] ?? null,
  };
}
