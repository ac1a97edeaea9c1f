import { describe, expect, test } from 'vitest';
import { ENDED_TTL_MS, MAX_CONCURRENT_REQUESTS, REQUEST_DEADLINE_MS } from '#shared/defaults.ts';
import { EVENTS } from '#shared/domain/events/catalogue.ts';
import {
  ackDeadlineMs,
  BACKOFF,
  deadLetterTopicOf,
  SUBSCRIPTIONS,
  type SubscriptionSpec,
  TOPICS,
} from '#shared/topology.ts';

const of = (name: SubscriptionSpec['function']): readonly SubscriptionSpec[] =>
  SUBSCRIPTIONS.filter((subscription) => subscription.function === name);

describe('topology', () => {
  test('every event has a topic of its own, and ingest hears each exactly once', () => {
    const topics = Object.values(EVENTS).map(({ topic }) => topic);
    expect(new Set(topics).size).toBe(topics.length);
    expect([...TOPICS].sort()).toEqual([...topics].sort());
    expect(
      of('ingest')
        .map(({ topic }) => topic)
        .sort(),
    ).toEqual([...topics].sort());
  });

  test('the rest hear what they act on', () => {
    const heard = (['learn', 'deploy', 'train', 'promote', 'probe'] as const).map((name) => [
      name,
      of(name).map(({ topic }) => topic),
    ]);
    expect(heard).toEqual([
      ['learn', [EVENTS['routing-outcome'].topic, EVENTS['model-promoted'].topic]],
      ['deploy', [EVENTS['deployment-requested'].topic]],
      ['train', [EVENTS['training-requested'].topic]],
      ['promote', [EVENTS['model-trained'].topic]],
      ['probe', [EVENTS['probe-requested'].topic]],
    ]);
  });

  test('names are unique, and no dead-letter topic is a topic that somebody writes to', () => {
    const names = SUBSCRIPTIONS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(TOPICS.map(deadLetterTopicOf).filter((topic) => TOPICS.includes(topic))).toEqual([]);
    for (const { topic } of SUBSCRIPTIONS) expect(TOPICS).toContain(topic);
  });

  test('an answer given within the budget arrives before the ack deadline, and that within what Pub/Sub allows', () => {
    for (const subscription of SUBSCRIPTIONS) {
      expect(ackDeadlineMs(subscription)).toBeGreaterThan(subscription.handlerBudgetMs);
      expect(subscription.handlerBudgetMs).toBeGreaterThanOrEqual(REQUEST_DEADLINE_MS);
      expect(ackDeadlineMs(subscription)).toBeGreaterThanOrEqual(10_000);
      expect(ackDeadlineMs(subscription)).toBeLessThanOrEqual(600_000);
    }
  });

  test('attempts are what dead letters take, and deliveries in flight fit a function', () => {
    for (const { maxAttempts, maxInFlight, function: name } of SUBSCRIPTIONS) {
      // What Pub/Sub takes.
      expect(maxAttempts).toBeGreaterThanOrEqual(5);
      expect(maxAttempts).toBeLessThanOrEqual(100);
      expect(maxInFlight).toBeGreaterThan(0);
      // These two gather what they write, and have limits of their own.
      if (name !== 'ingest' && name !== 'learn') expect(maxInFlight).toBeLessThanOrEqual(MAX_CONCURRENT_REQUESTS);
    }
  });

  /** From the first delivery to the last, if every one fails at once and the jitter always shortens the wait. */
  const holdsOutMs = ({ maxAttempts }: SubscriptionSpec, { minMs, maxMs }: { minMs: number; maxMs: number }): number =>
    Array.from({ length: maxAttempts - 1 }, (_, i) => 0.75 * Math.min(maxMs, minMs * 2 ** i)).reduce((a, b) => a + b);

  test('an outage of hours dead-letters nothing, of a training of a quarter of an hour; a stumble heals at once', () => {
    const HOUR_MS = 3_600_000;
    for (const subscription of SUBSCRIPTIONS) {
      const [here, cloud] = [holdsOutMs(subscription, BACKOFF.embedded), holdsOutMs(subscription, BACKOFF.gcp)];
      const [leastHere, leastCloud] =
        subscription.function === 'train' ? [HOUR_MS / 4, HOUR_MS] : [2 * HOUR_MS, 10 * HOUR_MS];
      expect(here).toBeGreaterThan(leastHere);
      expect(cloud).toBeGreaterThan(leastCloud);
    }
    expect(BACKOFF.embedded.minMs).toBeLessThanOrEqual(200);
    expect(BACKOFF.gcp.minMs).toBeGreaterThanOrEqual(10_000);
    expect(BACKOFF.gcp.maxMs).toBeLessThanOrEqual(600_000);
  });

  test('what deploy and watch leave behind outlasts every redelivery of its request on one machine', () => {
    const { minMs, maxMs } = BACKOFF.embedded;
    for (const subscription of of('deploy')) {
      const longestMs = Array.from(
        { length: subscription.maxAttempts },
        (_, i) => ackDeadlineMs(subscription) + Math.min(maxMs, minMs * 2 ** i),
      ).reduce((a, b) => a + b);
      expect(ENDED_TTL_MS).toBeGreaterThan(longestMs);
    }
  });

  test('what is written at one provider at a time is ordered; nothing else pays for order', () => {
    expect(SUBSCRIPTIONS.filter(({ ordered }) => ordered).map(({ function: name }) => name)).toEqual(['deploy']);
    expect(Object.values(EVENTS).filter((event) => event.orderingKey !== undefined)).toEqual([
      EVENTS['deployment-requested'],
    ]);
  });
});
