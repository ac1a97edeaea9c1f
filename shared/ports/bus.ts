/**
 * The bus: topics in, HTTP pushes out.
 * Promise: `publish` is durable before it resolves; every subscription gets each message at least once; a failed push
 * comes again with exponential backoff; after the subscription's `maxAttempts` the message moves to its dead-letter topic;
 * messages of one ordering key reach an ordered subscription one after the other.
 */
export interface BusMessage {
  readonly data: Uint8Array;
  readonly attributes: Readonly<Record<string, string>>;
  readonly orderingKey?: string;
}

export interface Bus {
  /**
   * Publishes all messages or none, in order. Resolves to their message ids when they are durable.
   * @throws RejectedError topic_unknown, event_too_large (more data than the topic takes: 128 KiB, unless it was set up for more)
   * @throws TransientError bus_unavailable, bus_full, disk_full
   */
  publish(topic: string, messages: readonly BusMessage[]): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Where and how a subscription delivers. All times are host milliseconds. */
export interface SubscriptionConfig {
  readonly name: string;
  readonly topic: string;
  /** Absolute URL that gets the push POST; null = nobody pushes, messages wait (a dead-letter subscription). */
  readonly pushUrl: string | null;
  readonly ackDeadlineMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Deliveries before the message moves to the dead-letter topic. */
  readonly maxAttempts: number;
  readonly deadLetterTopic: string | null;
  readonly ordered: boolean;
  readonly maxInFlight: number;
  /** True: past retention its messages are dropped, as Pub/Sub does. Absent: they become dead letters. */
  readonly perishable?: boolean;
}

export interface DeadLetter {
  readonly messageId: string;
  readonly topic: string;
  /** Topic and subscription on which delivery was given up. */
  readonly sourceTopic: string;
  readonly sourceSubscription: string;
  readonly deliveryAttempts: number;
  /** RFC 3339 UTC with milliseconds, of the original publish. */
  readonly publishTime: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly data: Uint8Array;
  readonly orderingKey: string | null;
  /** Why the last delivery failed, e.g. "HTTP 503" or "timeout". */
  readonly lastError: string | null;
}

export interface SubscriptionStats {
  readonly subscription: string;
  /** Undelivered, in flight included. */
  readonly backlog: number;
  readonly inFlight: number;
  /** Age of the oldest undelivered message, or 0. */
  readonly oldestMs: number;
}

/** How many messages were given up, and how that is known. */
export interface DeadLetterCount {
  readonly count: number;
  /** Where it was looked, in a few words. */
  readonly lookedAt: string;
  /** Host milliseconds since they were counted. */
  readonly ageMs: number;
  /** What keeps the most of them; null: nothing does, or it is not known. */
  readonly fullest: string | null;
}

/** What was given up; `vm dlq` stands on it. */
export interface DeadLetters {
  /** Newest first as far as can be told; with `before`, those past that message id: pages, which no newer one disturbs. */
  deadLetters(limit: number, before?: string): Promise<readonly DeadLetter[]>;
  deadLetter(messageId: string): Promise<DeadLetter | null>;
  /**
   * Sends the message again to the subscription that gave it up, and in the cloud to all of its topic, for which it is a duplicate;
   * then removes the dead letter. False: there is none of this id.
   */
  replayDeadLetter(messageId: string): Promise<boolean>;
}

/** What an operator may see and do on one machine; `vm status` stands on it. */
export interface BusAdmin extends DeadLetters {
  stats(): Promise<readonly SubscriptionStats[]>;
  countDeadLetters(): Promise<number>;
}
