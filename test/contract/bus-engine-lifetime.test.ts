import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Lease, openStore } from '#shared/adapters/bus/embedded/store.ts';
import { upkeep } from '#shared/adapters/bus/embedded/upkeep.ts';
import { codeOf } from './bus.ts';
import { engineHarness } from './bus-engine.ts';
import { one, useEngine } from './bus-engine-fixture.ts';
import { message } from './bus-message.ts';
import { subscription } from './bus-subscription.ts';

/** The embedded engine under a fake clock: what the contract cannot show without waiting. */
const engine = useEngine();

describe('lifetime', () => {
  test('before start it only publishes and administers', async () => {
    const { bus, settle, advance } = await engine.make(one);
    await bus.publish('t', [message('x')]);
    await advance(1_000);
    expect(engine.harness.pushes).toEqual([]);
    expect(await bus.stats()).toEqual([{ subscription: 's', backlog: 1, inFlight: 0, oldestMs: 1_000 }]);
    await bus.start();
    await settle();
    expect(engine.texts()).toEqual(['x']);
  });

  test('start may give the push URLs, and refuses what it does not know', async () => {
    const { bus, settle } = await engine.make({
      topics: ['t'],
      subscriptions: [subscription('s', 't', { pushUrl: null })],
    });
    expect(await codeOf(bus.start([{ name: 'other', pushUrl: 'http://subscriber/other' }]))).toBe('config_invalid');
    expect(await codeOf(bus.start([{ name: 's', pushUrl: 'no url' }]))).toBe('config_invalid');
    await bus.publish('t', [message('x')]);
    await bus.start([{ name: 's', pushUrl: 'http://subscriber/s' }]);
    await settle();
    expect(engine.texts()).toEqual(['x']);
  });

  test('pause takes no new leases, start goes on', async () => {
    const { bus, open, settle } = await engine.make(one);
    await bus.start();
    await bus.publish('t', [message('1')]);
    await settle();
    await bus.pause();
    await bus.publish('t', [message('2')]);
    open()[0]?.answer(204);
    await settle();
    expect(engine.texts()).toEqual(['1']);
    expect(await bus.stats()).toMatchObject([{ backlog: 1, inFlight: 0 }]);
    await bus.start();
    await settle();
    expect(engine.texts()).toEqual(['1', '2']);
  });

  test('close waits for pushes in flight, then writes their answers', async () => {
    const { bus, open, settle, restart, crash } = await engine.make(one);
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
    expect(await engine.harness.bus.stats()).toMatchObject([{ backlog: 1 }]);
  });

  test('close does not wait for ever: what did not answer comes again', async () => {
    const { bus, settle, advance, restart } = await engine.make({ ...one, closeWaitMs: 3_000 });
    await bus.start();
    await bus.publish('t', [message('x')]);
    await settle();
    const closing = bus.close();
    await advance(3_000);
    await closing;
    expect(engine.harness.open()).toEqual([]);
    await restart();
    expect(engine.texts()).toEqual(['x', 'x']);
  });

  test('what was accepted before close is durable', async () => {
    const { bus, restart } = await engine.make(one);
    const publishing = bus.publish('t', [message('x')]);
    const closing = bus.close();
    expect(await publishing).toHaveLength(1);
    await closing;
    await restart({ idle: true });
    expect(await engine.harness.bus.stats()).toMatchObject([{ backlog: 1 }]);
  });

  test('a subscription that left the configuration keeps its messages', async () => {
    const { bus, crash, restart } = await engine.make({ topics: ['t'], subscriptions: [subscription('gone', 't')] });
    await bus.publish('t', [message('x')]);
    crash();
    await restart({ subscriptions: [subscription('s', 't')] });
    await engine.harness.bus.publish('t', [message('y')]);
    expect(await engine.harness.bus.stats()).toMatchObject([
      { subscription: 'gone', backlog: 1 },
      { subscription: 's', backlog: 1 },
    ]);
  });

  test('past retention what is perishable is dropped, and what is not becomes a dead letter', async () => {
    const { bus, advance, log } = await engine.make({
      topics: ['t', 'jobs'],
      subscriptions: [subscription('s', 't'), subscription('jobs-sub', 'jobs', { perishable: true })],
      retentionMs: 60_000,
    });
    await bus.start();
    engine.harness.respond(() => 503);
    for (const topic of ['t', 'jobs']) await bus.publish(topic, [message(topic)]);
    await advance(55_000);
    expect((await bus.stats()).map(({ backlog }) => backlog)).toEqual([1, 1]);
    expect(await bus.countDeadLetters()).toBe(0);
    await advance(180_000);
    expect((await bus.stats()).map(({ backlog }) => backlog)).toEqual([0, 0]);
    expect(await bus.deadLetters(10)).toMatchObject([{ sourceSubscription: 's', lastError: expect.any(String) }]);
    expect(log.map(({ message: said }) => said)).toContain('messages past their retention were dropped');
  });

  test('an answer to a lease that another process took over changes nothing', () => {
    const directory = mkdtempSync(join(tmpdir(), 'aurora-bus-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const store = openStore({ file: join(directory, 'bus.sqlite') });
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
    const { bus, settle, crash, restart } = await engine.make(one);
    engine.harness.respond(() => 204);
    await bus.start();
    const first = await bus.publish('t', [message('x')]);
    await settle();
    crash();
    await restart();
    const second = await engine.harness.bus.publish('t', [message('y')]);
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
