import { statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Lease, openStore } from '#shared/adapters/bus/embedded/store.ts';
import { upkeep } from '#shared/adapters/bus/embedded/upkeep.ts';
import { BUS_SWEEP_INTERVAL_MS } from '#shared/defaults.ts';
import { TransientError } from '#shared/errors.ts';
import { codeOf } from './bus.ts';
import { type EngineHarness, engineHarness } from './bus-engine.ts';
import { message } from './bus-message.ts';
import { subscription } from './bus-subscription.ts';

/** The embedded engine under a fake clock: what the contract cannot show without waiting. */
describe('engine of the embedded bus', () => {
  let harness: EngineHarness;
  const make = async (...config: Parameters<typeof engineHarness>): Promise<EngineHarness> => {
    harness = await engineHarness(...config);
    return harness;
  };
  beforeEach(() => {
    harness = { dispose: async () => undefined, clock: { pending: () => 0 } } as EngineHarness;
  });
  afterEach(async () => {
    await harness.dispose();
    expect(harness.clock.pending(), 'timers left behind').toBe(0);
  });

  const one = { topics: ['t'], subscriptions: [subscription('s', 't')] };
  const withDeadLetters = {
    topics: ['t'],
    subscriptions: [
      subscription('s', 't', { deadLetterTopic: 't-dead' }),
      subscription('graves', 't-dead', { pushUrl: null }),
    ],
  };
  const texts = (): string[] => harness.pushes.map((push) => push.text);
  const times = (): number[] => harness.pushes.map((push) => push.atMs);

  describe('retry', () => {
    test('waits min * 2^(n-1), up to max', async () => {
      const { bus, advance, respond } = await make(one);
      respond(() => 500);
      await bus.start();
      await bus.publish('t', [message('x')]);
      await advance(31_000);
      expect(times()).toEqual([0, 1_000, 3_000, 7_000, 15_000, 23_000, 31_000]);
    });

    test('jitter takes off up to a quarter', async () => {
      const { bus, advance, respond } = await make({ ...one, random: () => 0.8 });
      respond(() => 500);
      await bus.start();
      await bus.publish('t', [message('x')]);
      await advance(2_400);
      expect(times()).toEqual([0, 800, 2_400]);
    });

    test('a push without an answer is given up at the ack deadline and comes again', async () => {
      const { bus, advance, pushes } = await make(one);
      await bus.start();
      await bus.publish('t', [message('x')]);
      await advance(9_950);
      expect(pushes.map((push) => push.open)).toEqual([true]);
      await advance(1_050);
      expect(times()).toEqual([0, 11_000]);
      expect(pushes.map((push) => push.open)).toEqual([false, true]);
    });

    test('a connection that fails counts as a refusal', async () => {
      const { bus, advance, respond, settle } = await make(withDeadLetters);
      respond(() => 'ECONNREFUSED');
      await bus.start();
      await bus.publish('t', [message('x')]);
      await advance(15_000);
      await settle();
      expect(await bus.deadLetters(10)).toMatchObject([{ lastError: 'ECONNREFUSED', deliveryAttempts: 5 }]);
    });

    test('a clock that goes back delays nothing by more than its backoff', async () => {
      const { bus, advance, respond, clock, settle } = await make(one);
      respond((push) => (push.text === 'again' ? 500 : 204));
      await bus.start();
      await bus.publish('t', [message('again')]);
      await settle();
      await clock.advance(-3_600_000);
      await bus.publish('t', [message('fresh')]);
      await settle();
      expect(texts()).toEqual(['again', 'fresh']);
      await advance(1_000);
      expect(texts()).toEqual(['again', 'fresh', 'again']);
    });

    test('a file written under a clock that ran ahead delays nothing by more than the longest backoff', async () => {
      const { bus, advance, respond, clock, crash, restart } = await make(one);
      respond(() => 500);
      await bus.start();
      await bus.publish('t', [message('x')]);
      await advance(1_000);
      crash();
      await clock.advance(-86_400_000);
      await restart();
      await advance(8_000);
      expect(texts()).toHaveLength(3);
    });
  });

  describe('places in flight', () => {
    test('are bounded per subscription and filled again as answers come', async () => {
      const { bus, open, settle } = await make({
        topics: ['t'],
        subscriptions: [subscription('narrow', 't', { maxInFlight: 2 }), subscription('wide', 't')],
      });
      await bus.start();
      await bus.publish(
        't',
        ['1', '2', '3', '4'].map((text) => message(text)),
      );
      await settle();
      const narrow = (): string[] => open().flatMap((push) => (push.subscription === 'narrow' ? push.text : []));
      expect(narrow()).toEqual(['1', '2']);
      expect(open()).toHaveLength(6);
      expect(await bus.stats()).toEqual([
        { subscription: 'narrow', backlog: 4, inFlight: 2, oldestMs: 0 },
        { subscription: 'wide', backlog: 4, inFlight: 4, oldestMs: 0 },
      ]);
      open()[0]?.answer(204);
      await settle();
      expect(narrow()).toEqual(['2', '3']);
    });

    test('a message in its backoff takes no place', async () => {
      const { bus, respond, settle } = await make({
        topics: ['t'],
        subscriptions: [subscription('s', 't', { maxInFlight: 1 })],
      });
      respond((push) => (push.text === 'bad' ? 500 : 204));
      await bus.start();
      await bus.publish(
        't',
        ['bad', 'a', 'b'].map((text) => message(text)),
      );
      await settle();
      await settle();
      expect(texts()).toEqual(['bad', 'a', 'b']);
    });
  });

  describe('ordering keys', () => {
    const ordered = { topics: ['t'], subscriptions: [subscription('s', 't', { ordered: true })] };

    test('one in flight per key; the backoff of a head holds its own key only', async () => {
      const { bus, advance, respond, open, settle } = await make(ordered);
      respond((push) => (push.text === 'a1' ? null : 204));
      await bus.start();
      await bus.publish('t', [
        message('a1', {}, 'a'),
        message('a2', {}, 'a'),
        message('b1', {}, 'b'),
        message('b2', {}, 'b'),
        message('free'),
      ]);
      await settle();
      expect(texts()).toEqual(['a1', 'b1', 'free', 'b2']);
      open()[0]?.answer(500);
      respond(() => 204);
      await bus.publish('t', [message('a3', {}, 'a'), message('b3', {}, 'b')]);
      await advance(950);
      expect(texts().slice(4)).toEqual(['b3']);
      await advance(50);
      expect(texts().slice(5)).toEqual(['a1', 'a2', 'a3']);
    });

    test('a dead letter lets the next of its key pass', async () => {
      const { bus, advance, respond } = await make({
        topics: ['t'],
        subscriptions: [subscription('s', 't', { ordered: true, deadLetterTopic: 't-dead', maxAttempts: 2 })],
      });
      respond((push) => (push.text === 'a1' ? 500 : 204));
      await bus.start();
      await bus.publish('t', [message('a1', {}, 'a'), message('a2', {}, 'a')]);
      await advance(1_000);
      expect(texts()).toEqual(['a1', 'a1', 'a2']);
      expect(await bus.deadLetters(10)).toMatchObject([{ orderingKey: 'a', topic: 't-dead' }]);
    });

    test('hold over a restart', async () => {
      const { bus, crash, restart, respond, settle, advance } = await make(ordered);
      await bus.start();
      await bus.publish(
        't',
        ['a1', 'a2', 'a3'].map((text) => message(text, {}, 'a')),
      );
      await settle();
      crash();
      respond(() => 204);
      await restart();
      await advance(50);
      expect(texts()).toEqual(['a1', 'a1', 'a2', 'a3']);
    });

    test('mean nothing to a subscription that is not ordered', async () => {
      const { bus, open, settle } = await make(one);
      await bus.start();
      await bus.publish(
        't',
        ['a1', 'a2'].map((text) => message(text, {}, 'a')),
      );
      await settle();
      expect(open().map((push) => push.orderingKey)).toEqual(['a', 'a']);
    });
  });

  describe('dead letters', () => {
    test('keep content, origin, attempts and the last error', async () => {
      const { bus, advance, respond } = await make(withDeadLetters);
      respond((push) => ((push.attempt ?? 0) < 5 ? 503 : 400));
      await bus.start();
      const [id] = await bus.publish('t', [message('poison', { event_id: 'e1' }, 'key')]);
      const publishTime = new Date(harness.clock.now()).toISOString();
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
      const { bus, advance, respond, settle } = await make({
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
      const before = harness.pushes.length;
      await advance(500);
      expect(await bus.replayDeadLetter(letter?.messageId ?? '')).toBe(true);
      await settle();
      expect(harness.pushes.slice(before)).toMatchObject([
        { subscription: 'broken', text: 'x', attempt: 1, orderingKey: 'k' },
      ]);
      const replayed = harness.pushes[before]?.envelope.message;
      expect(replayed?.attributes).toEqual({ event_id: 'e1' });
      expect(replayed?.publishTime).toBe(letter?.publishTime);
      expect(await bus.countDeadLetters()).toBe(0);
      expect((await bus.stats()).map(({ backlog }) => backlog)).toEqual([0, 0, 0, 0]);
      expect(await bus.replayDeadLetter(letter?.messageId ?? '')).toBe(false);
    });

    test('a subscriber of the dead-letter topic that acknowledges does not take them from the operator', async () => {
      const { bus, respond, settle } = await make({
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
      expect(harness.pushes.map((push) => push.subscription)).toEqual(['s', 'mourner']);
      expect(await bus.stats()).toMatchObject([{ backlog: 0 }, { backlog: 0 }]);
      expect(await bus.deadLetters(10)).toHaveLength(1);
    });

    test('without a dead-letter topic a message comes again past its attempts', async () => {
      const { bus, advance, respond } = await make(one);
      respond(() => 500);
      await bus.start();
      await bus.publish('t', [message('x')]);
      await advance(47_000);
      expect(harness.pushes.length).toBe(9);
      expect(harness.pushes.every((push) => push.attempt === undefined)).toBe(true);
      expect(await bus.countDeadLetters()).toBe(0);
    });

    test('a message that kills the process each time becomes one, too', async () => {
      const { bus, crash, restart, settle } = await make(withDeadLetters);
      await bus.start();
      await bus.publish('t', [message('killer')]);
      await settle();
      for (let i = 0; i < 5; i++) {
        crash();
        await restart();
      }
      expect(harness.pushes.map((push) => push.attempt)).toEqual([1, 2, 3, 4, 5]);
      expect(await harness.bus.deadLetters(1)).toMatchObject([
        { deliveryAttempts: 5, lastError: 'the process ended during delivery' },
      ]);
    });

    test('those that fill all places make room for what waits behind them', async () => {
      const { bus, crash, restart, settle, respond } = await make({
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
      expect(texts()).toEqual(['1', '2', '3']);
      expect(await harness.bus.countDeadLetters()).toBe(2);
    });
  });

  describe('retention', () => {
    const retentionMs = 10 * BUS_SWEEP_INTERVAL_MS;
    /** Hours in one move: nothing that these tests look at depends on the moment between. */
    const pass = async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= BUS_SWEEP_INTERVAL_MS) {
        await harness.clock.advance(Math.min(left, BUS_SWEEP_INTERVAL_MS));
        await harness.settle();
      }
    };

    test('what nobody took becomes a dead letter, kept four times as long', async () => {
      const { bus, log } = await make({
        topics: ['t'],
        subscriptions: [
          subscription('nobody', 't', { pushUrl: null, deadLetterTopic: 't-dead' }),
          subscription('graves', 't-dead', { pushUrl: null }),
          subscription('s', 't'),
        ],
        retentionMs,
      });
      harness.respond(() => 204);
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
      const { bus } = await make({ ...one, retentionMs });
      harness.respond(() => 503);
      await bus.start();
      await bus.publish('t', [message('x')]);
      await pass(retentionMs + 2 * BUS_SWEEP_INTERVAL_MS);
      expect(await bus.deadLetters(10)).toMatchObject([
        { topic: 'undelivered', lastError: 'past retention; before: HTTP 503', sourceTopic: 't' },
      ]);
    });

    test('goes on after the clock went back', async () => {
      const { bus, clock, settle } = await make({ ...one, retentionMs });
      harness.respond(() => 503);
      await bus.start();
      await settle();
      await clock.advance(-100 * retentionMs);
      await bus.publish('t', [message('x')]);
      await pass(retentionMs + 2 * BUS_SWEEP_INTERVAL_MS);
      expect(await bus.countDeadLetters()).toBe(1);
    });

    test('many at once go in steps, none is left', async () => {
      const { bus, restart, crash } = await make({ ...withDeadLetters, retentionMs });
      for (let i = 0; i < 5; i++)
        await bus.publish(
          't',
          Array.from({ length: 100 }, (_, n) => message(`${i} ${n}`)),
        );
      await harness.clock.advance(retentionMs);
      crash();
      await restart();
      for (let i = 0; i < 5; i++) await harness.settle();
      await harness.clock.advance(1);
      for (let i = 0; i < 5; i++) await harness.settle();
      const inFlight = harness.open().length;
      expect((await harness.bus.countDeadLetters()) + inFlight).toBe(500);
    });
  });

  describe('room', () => {
    test('a full backlog refuses the whole batch until a subscriber catches up', async () => {
      const { bus, settle } = await make({ ...one, maxBacklog: 5 });
      await bus.publish(
        't',
        ['1', '2', '3'].map((text) => message(text)),
      );
      const refused = await bus
        .publish(
          't',
          ['4', '5', '6'].map((text) => message(text)),
        )
        .catch((error) => error);
      expect(refused).toBeInstanceOf(TransientError);
      expect(refused.code).toBe('bus_full');
      expect(refused.message).toBe('subscription s holds 3 undelivered messages of at most 5');
      expect(await bus.stats()).toMatchObject([{ backlog: 3 }]);
      await bus.publish(
        't',
        ['4', '5'].map((text) => message(text)),
      );
      harness.respond(() => 204);
      await bus.start();
      await settle();
      await bus.publish(
        't',
        ['6', '7', '8'].map((text) => message(text)),
      );
    });

    test('one refused publish does not undo the others of its commit', async () => {
      const { bus } = await make({ ...one, maxBacklog: 2 });
      const results = await Promise.allSettled([
        bus.publish('t', [message('1')]),
        bus.publish('t', [message('2'), message('3')]),
        bus.publish('t', [message('4')]),
      ]);
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(await bus.stats()).toMatchObject([{ backlog: 2 }]);
    });

    const block = (): ReturnType<typeof message> => message('x'.repeat(50_000));
    const fill = async (): Promise<number> => {
      for (let stored = 0; ; stored++) {
        const code = await harness.bus.publish('t', [block()]).then(
          () => null,
          (error: TransientError) => error.code,
        );
        if (code !== null) {
          expect(code).toBe('disk_full');
          return stored;
        }
      }
    };

    test('a capped file refuses publishing while deliveries go on, then takes messages again', async () => {
      const { bus, settle } = await make({ ...one, maxBytes: 2_000_000 });
      const stored = await fill();
      expect(stored).toBeGreaterThan(20);
      harness.respond(() => 204);
      await bus.start();
      for (let i = 0; i < 10; i++) await settle();
      expect(harness.pushes).toHaveLength(stored);
      await bus.publish('t', [block()]);
    });

    test('a disk that is full in the middle of a commit loses nothing that was acknowledged', async () => {
      const { bus, crash, restart } = await make({ ...one, maxBytes: 2_000_000 });
      const kept = await bus.publish('t', [message('kept')]);
      expect(await codeOf(bus.publish('t', Array.from({ length: 60 }, block)))).toBe('disk_full');
      expect(await bus.stats()).toMatchObject([{ backlog: 1 }]);
      crash();
      harness.respond(() => 204);
      await restart();
      expect(harness.pushes.map((push) => push.messageId)).toEqual(kept);
    });

    test('an answer that could not be written is written later, and not delivered twice', async () => {
      const { bus, open, settle, advance } = await make({ ...one, maxBytes: 2_000_000, maxBacklog: 20 });
      await bus.start();
      await bus.publish('t', [message('x')]);
      await settle();
      // The answer and a batch too large for the disk fall into one commit.
      const large = Array.from({ length: 19 }, () => message('x'.repeat(125_000)));
      const refused = codeOf(bus.publish('t', large));
      open()[0]?.answer(204);
      expect(await refused).toBe('disk_full');
      await advance(500);
      expect(harness.pushes).toHaveLength(1);
      // The count behind the limit knows that the commit failed: neither the answer nor the batch is in it twice.
      await bus.pause();
      for (let i = 0; i < 20; i++) await bus.publish('t', [message('x')]);
      expect(await codeOf(bus.publish('t', [message('x')]))).toBe('bus_full');
      expect(await bus.stats()).toMatchObject([{ backlog: 20 }]);
    });

    test('the file does not grow under steady traffic, and gives back what a burst took', async () => {
      const { bus, settle } = await make(one);
      harness.respond(() => 204);
      await bus.start();
      const burst = Array.from({ length: 50 }, () => message('x'.repeat(4_000)));
      const round = async (): Promise<void> => {
        await bus.publish('t', burst);
        for (let i = 0; i < 4; i++) await settle();
      };
      await round();
      for (let i = 0; i < 40; i++) await round();
      expect(harness.pushes).toHaveLength(41 * 50);
      expect(statSync(harness.file).size).toBeLessThan(1_000_000);
      await bus.pause();
      for (let i = 0; i < 100; i++) await bus.publish('t', burst);
      const swollen = (): number => statSync(harness.file).size + statSync(`${harness.file}-wal`).size;
      expect(swollen()).toBeGreaterThan(20_000_000);
      await bus.start();
      while ((await bus.stats())[0]?.backlog !== 0) await settle();
      for (let i = 0; i < 20; i++) {
        await harness.clock.advance(BUS_SWEEP_INTERVAL_MS);
        await settle();
      }
      harness.crash();
      await harness.restart({ idle: true });
      expect(statSync(harness.file).size).toBeLessThan(10_000_000);
    });
  });

  describe('lifetime', () => {
    test('before start it only publishes and administers', async () => {
      const { bus, settle, advance } = await make(one);
      await bus.publish('t', [message('x')]);
      await advance(1_000);
      expect(harness.pushes).toEqual([]);
      expect(await bus.stats()).toEqual([{ subscription: 's', backlog: 1, inFlight: 0, oldestMs: 1_000 }]);
      await bus.start();
      await settle();
      expect(texts()).toEqual(['x']);
    });

    test('start may give the push URLs, and refuses what it does not know', async () => {
      const { bus, settle } = await make({ topics: ['t'], subscriptions: [subscription('s', 't', { pushUrl: null })] });
      expect(await codeOf(bus.start([{ name: 'other', pushUrl: 'http://subscriber/other' }]))).toBe('config_invalid');
      expect(await codeOf(bus.start([{ name: 's', pushUrl: 'no url' }]))).toBe('config_invalid');
      await bus.publish('t', [message('x')]);
      await bus.start([{ name: 's', pushUrl: 'http://subscriber/s' }]);
      await settle();
      expect(texts()).toEqual(['x']);
    });

    test('pause takes no new leases, start goes on', async () => {
      const { bus, open, settle } = await make(one);
      await bus.start();
      await bus.publish('t', [message('1')]);
      await settle();
      await bus.pause();
      await bus.publish('t', [message('2')]);
      open()[0]?.answer(204);
      await settle();
      expect(texts()).toEqual(['1']);
      expect(await bus.stats()).toMatchObject([{ backlog: 1, inFlight: 0 }]);
      await bus.start();
      await settle();
      expect(texts()).toEqual(['1', '2']);
    });

    test('close waits for pushes in flight, then writes their answers', async () => {
      const { bus, open, settle, restart, crash } = await make(one);
      await bus.start();
      await bus.publish('t', [message('1'), message('2')]);
      await settle();
      let closed = false;
      const closing = bus.close().then(() => {
        closed = true;
      });
      open()[0]?.answer(204);
      await settle();
      expect(closed).toBe(false);
      open()[0]?.answer(500);
      await closing;
      crash();
      await restart({ idle: true });
      expect(await harness.bus.stats()).toMatchObject([{ backlog: 1 }]);
    });

    test('close does not wait for ever: what did not answer comes again', async () => {
      const { bus, settle, advance, restart } = await make({ ...one, closeWaitMs: 3_000 });
      await bus.start();
      await bus.publish('t', [message('x')]);
      await settle();
      const closing = bus.close();
      await advance(3_000);
      await closing;
      expect(harness.open()).toEqual([]);
      await restart();
      expect(texts()).toEqual(['x', 'x']);
    });

    test('what was accepted before close is durable', async () => {
      const { bus, restart } = await make(one);
      const publishing = bus.publish('t', [message('x')]);
      const closing = bus.close();
      expect(await publishing).toHaveLength(1);
      await closing;
      await restart({ idle: true });
      expect(await harness.bus.stats()).toMatchObject([{ backlog: 1 }]);
    });

    test('a subscription that left the configuration keeps its messages', async () => {
      const { bus, crash, restart } = await make({ topics: ['t'], subscriptions: [subscription('gone', 't')] });
      await bus.publish('t', [message('x')]);
      crash();
      await restart({ subscriptions: [subscription('s', 't')] });
      await harness.bus.publish('t', [message('y')]);
      expect(await harness.bus.stats()).toMatchObject([
        { subscription: 'gone', backlog: 1 },
        { subscription: 's', backlog: 1 },
      ]);
    });

    test('an answer to a lease that another process took over changes nothing', () => {
      const store = openStore({ file: ':memory:' });
      const target = { id: store.transaction(() => store.subscriptionId('s')), ordered: false };
      const take = (): Lease | undefined =>
        store.transaction(() => {
          const [lease] = store.due(target.id, 0, 1);
          if (lease !== undefined) store.lease(target.id, lease.messageId);
          return lease;
        });
      store.transaction(() =>
        store.publish({ topic: 't', subscriptions: [target], nowMs: 0, expiresMs: 1 }, [message('x')]),
      );
      const first = take();
      store.transaction(() => upkeep(store).release(0));
      const second = take();
      if (first === undefined || second === undefined) throw new Error('expected two leases of one message');
      expect([first.attempts, second.attempts]).toEqual([1, 2]);
      store.transaction(() => store.retry(target.id, first, 0, 'HTTP 500'));
      expect(take()).toBeUndefined();
      store.transaction(() => store.retry(target.id, second, 0, 'HTTP 500'));
      expect(take()?.attempts).toBe(3);
      store.close();
    });

    test('ids are not given twice, not even after everything was acknowledged', async () => {
      const { bus, settle, crash, restart } = await make(one);
      harness.respond(() => 204);
      await bus.start();
      const first = await bus.publish('t', [message('x')]);
      await settle();
      crash();
      await restart();
      const second = await harness.bus.publish('t', [message('y')]);
      expect(Number(second[0])).toBeGreaterThan(Number(first[0]));
    });

    test('a configuration that cannot work is refused at once', async () => {
      const attempt = (change: Parameters<typeof subscription>[2], topic = 't'): Promise<string> =>
        codeOf(engineHarness({ topics: ['t'], subscriptions: [subscription('s', topic, change)] }));
      expect(await attempt({}, 'elsewhere')).toBe('topic_unknown');
      expect(await attempt({ pushUrl: 'no url' })).toBe('config_invalid');
      expect(await attempt({ deadLetterTopic: 't' })).toBe('config_invalid');
      expect(await attempt({ minBackoffMs: 2, maxBackoffMs: 1 })).toBe('config_invalid');
      expect(await attempt({ maxInFlight: 0 })).toBe('config_invalid');
      const twice = [subscription('s', 't'), subscription('s', 't')];
      expect(await codeOf(engineHarness({ topics: ['t'], subscriptions: twice }))).toBe('config_invalid');
    });
  });

  describe('chaos', () => {
    const run = async (seed: number, ordered: boolean): Promise<string[]> => {
      const { bus, advance } = await make({
        topics: ['t'],
        subscriptions: [subscription('s', 't', { ordered, deadLetterTopic: 't-dead', minBackoffMs: 100 })],
        chaos: { seed, duplicate: 0.3, reorder: 0.3 },
      });
      harness.respond(() => 204);
      await bus.start();
      for (let i = 0; i < 30; i++) await bus.publish('t', [message(`${String(i).padStart(2, '0')}`, {}, `k${i % 3}`)]);
      await advance(10_000);
      expect(await bus.stats()).toMatchObject([{ backlog: 0 }]);
      expect(await bus.countDeadLetters()).toBe(0);
      const seen = texts();
      await harness.dispose();
      return seen;
    };

    test('duplicates and reorders, loses nothing, and repeats itself from its seed', async () => {
      const seen = await run(7, false);
      const distinct = [...new Set(seen)];
      expect([...distinct].sort()).toEqual(Array.from({ length: 30 }, (_, i) => String(i).padStart(2, '0')));
      expect(seen.length).toBeGreaterThan(30);
      expect(distinct).not.toEqual([...distinct].sort());
      expect(await run(7, false)).toEqual(seen);
      expect(await run(8, false)).not.toEqual(seen);
    });

    test('never breaks an ordering key', async () => {
      const seen = await run(3, true);
      expect(seen.length).toBeGreaterThan(30);
      for (const key of [0, 1, 2]) {
        const ofKey = seen.filter((text) => Number(text) % 3 === key);
        expect(ofKey).toEqual([...ofKey].sort());
      }
    });
  });
});
