import { describe, expect, test } from 'vitest';
import { BUS_SWEEP_INTERVAL_MS } from '#shared/defaults.ts';
import { BACKOFF, SUBSCRIPTIONS } from '#shared/topology.ts';
import { one, useEngine, withDeadLetters } from './bus-engine-fixture.ts';
import { message } from './bus-message.ts';
import { subscription } from './bus-subscription.ts';

/** The embedded engine under a fake clock: what the contract cannot show without waiting. */
const engine = useEngine();

describe('dead letters', () => {
  test('keep content, origin, attempts and the last error', async () => {
    const { bus, advance, respond } = await engine.make(withDeadLetters);
    respond((push) => ((push.attempt ?? 0) < 5 ? 503 : 400));
    await bus.start();
    const [id] = await bus.publish('t', [message('poison', { event_id: 'e1' }, 'key')]);
    const publishTime = new Date(engine.harness.clock.now()).toISOString();
    await advance(15_000);
    const letters = await bus.deadLetters(10);
    expect(letters).toEqual([
      {
        messageId: expect.stringMatching(/^\d+$/),
        topic: 't-dead',
        sourceTopic: 't',
        sourceSubscription: 's',
        deliveryAttempts: 5,
        publishTime,
        attributes: {
          event_id: 'e1',
          CloudPubSubDeadLetterSourceSubscription: 's',
          CloudPubSubDeadLetterSourceSubscriptionProject: 'aurora',
          CloudPubSubDeadLetterSourceDeliveryCount: '5',
          CloudPubSubDeadLetterSourceTopicPublishTime: publishTime,
        },
        data: new TextEncoder().encode('poison'),
        orderingKey: 'key',
        lastError: 'HTTP 400',
      },
    ]);
    const letterId = letters[0]?.messageId ?? '';
    expect(letterId).not.toBe(id);
    expect(await bus.deadLetter(letterId)).toEqual(letters[0]);
    expect(await bus.countDeadLetters()).toBe(1);
    expect(await bus.deadLetter('999')).toBeNull();
    expect(await bus.deadLetter('no id')).toBeNull();
    expect(await bus.stats()).toMatchObject([
      { subscription: 's', backlog: 0 },
      { subscription: 'graves', backlog: 1, inFlight: 0 },
    ]);
  });

  test('a replay goes to the subscription that gave it up, and nowhere else', async () => {
    const { bus, advance, respond, settle } = await engine.make({
      topics: ['t'],
      subscriptions: [
        subscription('broken', 't', { deadLetterTopic: 't-dead', maxAttempts: 1 }),
        subscription('sound', 't'),
        subscription('graves', 't-dead', { pushUrl: null }),
        subscription('mourner', 't-dead'),
      ],
    });
    respond((push) => (push.subscription === 'broken' ? 500 : push.subscription === 'mourner' ? null : 204));
    await bus.start();
    await bus.publish('t', [message('x', { event_id: 'e1' }, 'k')]);
    await settle();
    const [letter] = await bus.deadLetters(10);
    respond(() => 204);
    const before = engine.harness.pushes.length;
    await advance(500);
    expect(await bus.replayDeadLetter(letter?.messageId ?? '')).toBe(true);
    await settle();
    expect(engine.harness.pushes.slice(before)).toMatchObject([
      { subscription: 'broken', text: 'x', attempt: 1, orderingKey: 'k' },
    ]);
    const replayed = engine.harness.pushes[before]?.envelope.message;
    expect(replayed?.attributes).toEqual({ event_id: 'e1' });
    expect(replayed?.publishTime).toBe(letter?.publishTime);
    expect(await bus.countDeadLetters()).toBe(0);
    expect((await bus.stats()).map(({ backlog }) => backlog)).toEqual([0, 0, 0, 0]);
    expect(await bus.replayDeadLetter(letter?.messageId ?? '')).toBe(false);
  });

  test('a subscriber of the dead-letter topic that acknowledges does not take them from the operator', async () => {
    const { bus, respond, settle } = await engine.make({
      topics: ['t'],
      subscriptions: [
        subscription('s', 't', { deadLetterTopic: 't-dead', maxAttempts: 1 }),
        subscription('mourner', 't-dead'),
      ],
    });
    respond((push) => (push.subscription === 's' ? 500 : 204));
    await bus.start();
    await bus.publish('t', [message('x')]);
    await settle();
    await settle();
    expect(engine.harness.pushes.map((push) => push.subscription)).toEqual(['s', 'mourner']);
    expect(await bus.stats()).toMatchObject([{ backlog: 0 }, { backlog: 0 }]);
    expect(await bus.deadLetters(10)).toHaveLength(1);
  });

  test('without a dead-letter topic a message comes again past its attempts', async () => {
    const { bus, advance, respond } = await engine.make(one);
    respond(() => 500);
    await bus.start();
    await bus.publish('t', [message('x')]);
    await advance(47_000);
    expect(engine.harness.pushes.length).toBe(9);
    expect(engine.harness.pushes.every((push) => push.attempt === undefined)).toBe(true);
    expect(await bus.countDeadLetters()).toBe(0);
  });

  test('a message that kills the process each time becomes one, too', async () => {
    const { bus, crash, restart, settle } = await engine.make(withDeadLetters);
    await bus.start();
    await bus.publish('t', [message('killer')]);
    await settle();
    for (let i = 0; i < 5; i++) {
      crash();
      await restart();
    }
    expect(engine.harness.pushes.map((push) => push.attempt)).toEqual([1, 2, 3, 4, 5]);
    expect(await engine.harness.bus.deadLetters(1)).toMatchObject([
      { deliveryAttempts: 5, lastError: 'the process ended during delivery' },
    ]);
  });

  test.each(SUBSCRIPTIONS.filter(({ function: name }) => name !== 'train'))(
    '$name: an outage of an hour makes none, and within two minutes of its end everything is through',
    async ({ maxAttempts, ordered }) => {
      const { minMs: minBackoffMs, maxMs: maxBackoffMs } = BACKOFF.embedded;
      const limits = { maxAttempts, minBackoffMs, maxBackoffMs, ordered, deadLetterTopic: 't-dead' };
      const { bus, clock, settle, respond } = await engine.make({
        topics: ['t'],
        subscriptions: [subscription('s', 't', limits)],
      });
      const pass = async (ms: number): Promise<void> => {
        for (let left = ms; left > 0; left -= 2_000) {
          await clock.advance(2_000);
          await settle();
        }
      };
      respond(() => 503);
      await bus.start();
      await bus.publish(
        't',
        ['1', '2', '3'].map((text) => message(text, {}, 'key')),
      );
      await pass(3_600_000);
      expect(await bus.countDeadLetters()).toBe(0);
      respond(() => 204);
      await pass(120_000);
      expect(await bus.stats()).toMatchObject([{ backlog: 0 }]);
    },
  );

  test('those that fill all places make room for what waits behind them', async () => {
    const { bus, crash, restart, settle, respond } = await engine.make({
      topics: ['t'],
      subscriptions: [subscription('s', 't', { deadLetterTopic: 't-dead', maxAttempts: 1, maxInFlight: 2 })],
    });
    await bus.start();
    await bus.publish(
      't',
      ['1', '2', '3'].map((text) => message(text)),
    );
    await settle();
    crash();
    respond(() => 204);
    await restart();
    expect(engine.texts()).toEqual(['1', '2', '3']);
    expect(await engine.harness.bus.countDeadLetters()).toBe(2);
  });
});

describe('retention', () => {
  const retentionMs = 10 * BUS_SWEEP_INTERVAL_MS;
  /** Hours in one move: nothing that these tests look at depends on the moment between. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= BUS_SWEEP_INTERVAL_MS) {
      await engine.harness.clock.advance(Math.min(left, BUS_SWEEP_INTERVAL_MS));
      await engine.harness.settle();
    }
  };

  test('what nobody took becomes a dead letter, kept four times as long', async () => {
    const { bus, log } = await engine.make({
      topics: ['t'],
      subscriptions: [
        subscription('nobody', 't', { pushUrl: null, deadLetterTopic: 't-dead' }),
        subscription('graves', 't-dead', { pushUrl: null }),
        subscription('s', 't'),
      ],
      retentionMs,
    });
    engine.harness.respond(() => 204);
    await bus.start();
    await bus.publish('t', [message('old')]);
    await pass(retentionMs - BUS_SWEEP_INTERVAL_MS);
    expect(await bus.countDeadLetters()).toBe(0);
    await pass(2 * BUS_SWEEP_INTERVAL_MS);
    expect(await bus.deadLetters(10)).toMatchObject([
      { sourceSubscription: 'nobody', deliveryAttempts: 0, lastError: 'past retention' },
    ]);
    await pass(4 * retentionMs - 2 * BUS_SWEEP_INTERVAL_MS);
    expect(await bus.countDeadLetters()).toBe(1);
    await pass(4 * BUS_SWEEP_INTERVAL_MS);
    expect(await bus.countDeadLetters()).toBe(0);
    expect((await bus.stats()).map(({ backlog }) => backlog)).toEqual([0, 0, 0]);
    expect(log.filter(({ message: text }) => text === 'dead letters past their retention were deleted')).toHaveLength(
      1,
    );
  });

  test('is not a loss without a dead-letter topic either, and says what happened before', async () => {
    const { bus } = await engine.make({ ...one, retentionMs });
    engine.harness.respond(() => 503);
    await bus.start();
    await bus.publish('t', [message('x')]);
    await pass(retentionMs + 2 * BUS_SWEEP_INTERVAL_MS);
    expect(await bus.deadLetters(10)).toMatchObject([
      { topic: 'undelivered', lastError: 'past retention; before: HTTP 503', sourceTopic: 't' },
    ]);
  });

  test('goes on after the clock went back', async () => {
    const { bus, clock, settle } = await engine.make({ ...one, retentionMs });
    engine.harness.respond(() => 503);
    await bus.start();
    await settle();
    await clock.advance(-100 * retentionMs);
    await bus.publish('t', [message('x')]);
    await pass(retentionMs + 2 * BUS_SWEEP_INTERVAL_MS);
    expect(await bus.countDeadLetters()).toBe(1);
  });

  test('many at once go in steps, none is left', async () => {
    const { bus, restart, crash } = await engine.make({ ...withDeadLetters, retentionMs });
    for (let i = 0; i < 5; i++)
      await bus.publish(
        't',
        Array.from({ length: 100 }, (_, n) => message(`${i} ${n}`)),
      );
    await engine.harness.clock.advance(retentionMs);
    crash();
    await restart();
    for (let i = 0; i < 5; i++) await engine.harness.settle();
    await engine.harness.clock.advance(1);
    for (let i = 0; i < 5; i++) await engine.harness.settle();
    const inFlight = engine.harness.open().length;
    expect((await engine.harness.bus.countDeadLetters()) + inFlight).toBe(500);
  });
});
