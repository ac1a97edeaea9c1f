import { describe, expect, test } from 'vitest';
import { one, useEngine, withDeadLetters } from './bus-engine-fixture.ts';
import { message } from './bus-message.ts';
import { subscription } from './bus-subscription.ts';

/** The embedded engine under a fake clock: what the contract cannot show without waiting. */
const engine = useEngine();

describe('retry', () => {
  test('waits min * 2^(n-1), up to max', async () => {
    const { bus, advance, respond } = await engine.make(one);
    respond(() => 500);
    await bus.start();
    await bus.publish('t', [message('x')]);
    await advance(31_000);
    expect(engine.times()).toEqual([0, 1_000, 3_000, 7_000, 15_000, 23_000, 31_000]);
  });

  test('jitter takes off up to a quarter', async () => {
    const { bus, advance, respond } = await engine.make({ ...one, random: () => 0.8 });
    respond(() => 500);
    await bus.start();
    await bus.publish('t', [message('x')]);
    await advance(2_400);
    expect(engine.times()).toEqual([0, 800, 2_400]);
  });

  test('a push without an answer is given up at the ack deadline and comes again', async () => {
    const { bus, advance, pushes } = await engine.make(one);
    await bus.start();
    await bus.publish('t', [message('x')]);
    await advance(9_950);
    expect(pushes.map((push) => push.open)).toEqual([true]);
    await advance(1_050);
    expect(engine.times()).toEqual([0, 11_000]);
    expect(pushes.map((push) => push.open)).toEqual([false, true]);
  });

  test('a connection that fails counts as a refusal', async () => {
    const { bus, advance, respond, settle } = await engine.make(withDeadLetters);
    respond(() => 'ECONNREFUSED');
    await bus.start();
    await bus.publish('t', [message('x')]);
    await advance(15_000);
    await settle();
    expect(await bus.deadLetters(10)).toMatchObject([{ lastError: 'ECONNREFUSED', deliveryAttempts: 5 }]);
  });

  test('a clock that goes back delays nothing by more than its backoff', async () => {
    const { bus, advance, respond, clock, settle } = await engine.make(one);
    respond((push) => (push.text === 'again' ? 500 : 204));
    await bus.start();
    await bus.publish('t', [message('again')]);
    await settle();
    await clock.advance(-3_600_000);
    await bus.publish('t', [message('fresh')]);
    await settle();
    expect(engine.texts()).toEqual(['again', 'fresh']);
    await advance(1_000);
    expect(engine.texts()).toEqual(['again', 'fresh', 'again']);
  });

  test('a file written under a clock that ran ahead delays nothing by more than the longest backoff', async () => {
    const { bus, advance, respond, clock, crash, restart } = await engine.make(one);
    respond(() => 500);
    await bus.start();
    await bus.publish('t', [message('x')]);
    await advance(1_000);
    crash();
    await clock.advance(-86_400_000);
    await restart();
    await advance(8_000);
    expect(engine.texts()).toHaveLength(3);
  });
});

describe('places in flight', () => {
  test('are bounded per subscription and filled again as answers come', async () => {
    const { bus, open, settle } = await engine.make({
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
    const { bus, respond, settle } = await engine.make({
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
    expect(engine.texts()).toEqual(['bad', 'a', 'b']);
  });
});

describe('ordering keys', () => {
  const ordered = { topics: ['t'], subscriptions: [subscription('s', 't', { ordered: true })] };

  test('one in flight per key; the backoff of a head holds its own key only', async () => {
    const { bus, advance, respond, open, settle } = await engine.make(ordered);
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
    expect(engine.texts()).toEqual(['a1', 'b1', 'free', 'b2']);
    open()[0]?.answer(500);
    respond(() => 204);
    await bus.publish('t', [message('a3', {}, 'a'), message('b3', {}, 'b')]);
    await advance(950);
    expect(engine.texts().slice(4)).toEqual(['b3']);
    await advance(50);
    expect(engine.texts().slice(5)).toEqual(['a1', 'a2', 'a3']);
  });

  test('a dead letter lets the next of its key pass', async () => {
    const { bus, advance, respond } = await engine.make({
      topics: ['t'],
      subscriptions: [subscription('s', 't', { ordered: true, deadLetterTopic: 't-dead', maxAttempts: 2 })],
    });
    respond((push) => (push.text === 'a1' ? 500 : 204));
    await bus.start();
    await bus.publish('t', [message('a1', {}, 'a'), message('a2', {}, 'a')]);
    await advance(1_000);
    expect(engine.texts()).toEqual(['a1', 'a1', 'a2']);
    expect(await bus.deadLetters(10)).toMatchObject([{ orderingKey: 'a', topic: 't-dead' }]);
  });

  test('hold over a restart', async () => {
    const { bus, crash, restart, respond, settle, advance } = await engine.make(ordered);
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
    expect(engine.texts()).toEqual(['a1', 'a1', 'a2', 'a3']);
  });

  test('mean nothing to a subscription that is not ordered', async () => {
    const { bus, open, settle } = await engine.make(one);
    await bus.start();
    await bus.publish(
      't',
      ['a1', 'a2'].map((text) => message(text, {}, 'a')),
    );
    await settle();
    expect(open().map((push) => push.orderingKey)).toEqual(['a', 'a']);
  });
});

describe('chaos', () => {
  const run = async (seed: number, ordered: boolean): Promise<string[]> => {
    const { bus, advance } = await engine.make({
      topics: ['t'],
      subscriptions: [subscription('s', 't', { ordered, deadLetterTopic: 't-dead', minBackoffMs: 100 })],
      chaos: { seed, duplicate: 0.3, reorder: 0.3 },
    });
    engine.harness.respond(() => 204);
    await bus.start();
    for (let i = 0; i < 30; i++) await bus.publish('t', [message(`${String(i).padStart(2, '0')}`, {}, `k${i % 3}`)]);
    await advance(10_000);
    expect(await bus.stats()).toMatchObject([{ backlog: 0 }]);
    expect(await bus.countDeadLetters()).toBe(0);
    const seen = engine.texts();
    await engine.harness.dispose();
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
