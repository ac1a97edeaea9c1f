/**
 * Who hears what: the topics and subscriptions of the loop, as data. The embedded bus and the infrastructure are built from
 * it, so neither can drift from the other.
 */
import { EVENTS, type EventType } from './domain/events/catalogue.ts';
import type { EventDefinition } from './domain/events/definition.ts';

export interface SubscriptionSpec {
  readonly name: string;
  readonly topic: string;
  /** The function that the push goes to. */
  readonly function: 'ingest' | 'learn' | 'deploy' | 'train' | 'promote' | 'probe';
  /** Host milliseconds the handler may take; the ack deadline is 5 s more, so that the answer still arrives. */
  readonly handlerBudgetMs: number;
  readonly maxAttempts: number;
  readonly ordered: boolean;
  readonly maxInFlight: number;
}

const HANDLER_BUDGET_MS = 30_000;
/** Training in a worker: a minute is usual, ten the platform's limit for a push. */
const TRAIN_BUDGET_MS = 590_000;
/** Three contestants live through the record: a minute when it is long, three at most. */
const PROMOTE_BUDGET_MS = 590_000;
/** A version's first statistics are built from the record meanwhile: about a minute when it is long. */
const LEARN_BUDGET_MS = 120_000;
/** Akash is a market of bids: to create takes seconds, bids have half a minute, and the lease some more (25 to 50 s in all). */
const DEPLOY_BUDGET_MS = 75_000;
/** A suite has a deadline of its own, which leaves what follows it a part of this (functions/probe/handler.ts). */
export const PROBE_BUDGET_MS = 300_000;
const ACK_MARGIN_MS = 5_000;

/**
 * Waits between deliveries, host milliseconds: doubled from the first up to the longest. With 100 attempts an outage of some
 * hours passes (three on one machine, sixteen in the cloud) before anything becomes a dead letter. Pub/Sub takes 10 to 600 s;
 * on one machine a stumble should pass unnoticed, and a cure be noticed within two minutes.
 */
export const BACKOFF = {
  embedded: { minMs: 200, maxMs: 120_000 },
  gcp: { minMs: 10_000, maxMs: 600_000 },
} as const;
/** The most that Pub/Sub takes; it takes no less than 5. */
const MAX_ATTEMPTS = 100;
/** A training that fails late costs minutes of a core each time, and the next one is asked for anyway. */
const MAX_TRAIN_ATTEMPTS = 20;

const topicOf = (type: EventType): string => EVENTS[type].topic;

/** Ingest hears everything; in flight enough pushes to fill its coalesced appends. */
const ingestSubscriptions: readonly SubscriptionSpec[] = (Object.keys(EVENTS) as EventType[]).map((type) => ({
  name: `ingest-${topicOf(type)}`,
  topic: topicOf(type),
  function: 'ingest',
  handlerBudgetMs: HANDLER_BUDGET_MS,
  maxAttempts: MAX_ATTEMPTS,
  ordered: false,
  // A rejected event may be a megabyte.
  maxInFlight: type === 'event-rejected' ? 16 : 256,
}));

export const SUBSCRIPTIONS: readonly SubscriptionSpec[] = [
  ...ingestSubscriptions,
  {
    name: 'learn-routing-outcomes',
    topic: topicOf('routing-outcome'),
    function: 'learn',
    handlerBudgetMs: LEARN_BUDGET_MS,
    maxAttempts: MAX_ATTEMPTS,
    ordered: false,
    // Two seconds' worth of 500 a second: so long they wait for the next write.
    maxInFlight: 1_024,
  },
  {
    name: 'learn-model-promoted',
    topic: topicOf('model-promoted'),
    function: 'learn',
    handlerBudgetMs: LEARN_BUDGET_MS,
    maxAttempts: MAX_ATTEMPTS,
    ordered: false,
    maxInFlight: 1,
  },
  {
    name: 'deploy-deployments-requested',
    topic: topicOf('deployment-requested'),
    function: 'deploy',
    handlerBudgetMs: DEPLOY_BUDGET_MS,
    maxAttempts: MAX_ATTEMPTS,
    // One writer per provider: its API's spacing is per key, not per process.
    ordered: true,
    maxInFlight: 32,
  },
  {
    name: 'train-training-requested',
    topic: topicOf('training-requested'),
    function: 'train',
    handlerBudgetMs: TRAIN_BUDGET_MS,
    maxAttempts: MAX_TRAIN_ATTEMPTS,
    ordered: false,
    // A second run would only wait for the first one's lease.
    maxInFlight: 1,
  },
  {
    name: 'promote-model-trained',
    topic: topicOf('model-trained'),
    function: 'promote',
    handlerBudgetMs: PROMOTE_BUDGET_MS,
    maxAttempts: MAX_ATTEMPTS,
    ordered: false,
    maxInFlight: 1,
  },
  {
    name: 'probe-probe-requested',
    topic: topicOf('probe-requested'),
    function: 'probe',
    handlerBudgetMs: PROBE_BUDGET_MS,
    // Old requests are dropped, so none comes so often.
    maxAttempts: MAX_ATTEMPTS,
    ordered: false,
    maxInFlight: 4,
  },
];

export const TOPICS: readonly string[] = [...new Set(Object.values(EVENTS).map((event) => event.topic))];

/** Largest data of a message, of the topics that take another one than MAX_EVENT_BYTES. */
export const TOPIC_LIMITS: Readonly<Record<string, number>> = Object.fromEntries(
  Object.values(EVENTS as Record<EventType, EventDefinition>).flatMap(({ topic, maxBytes }) =>
    maxBytes === undefined ? [] : [[topic, maxBytes]],
  ),
);

export const deadLetterTopicOf = (topic: string): string => `${topic}-dead-letter`;
export const ackDeadlineMs = (subscription: SubscriptionSpec): number => subscription.handlerBudgetMs + ACK_MARGIN_MS;
