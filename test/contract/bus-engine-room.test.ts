import { statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BUS_SWEEP_INTERVAL_MS } from '#shared/defaults.ts';
import { TransientError } from '#shared/errors.ts';
import { codeOf } from './bus.ts';
import { one, useEngine } from './bus-engine-fixture.ts';
import { message } from './bus-message.ts';

/** The embedded engine under a fake clock: what the contract cannot show without waiting. */
const engine = useEngine();

describe('room', () => {
  test('a full backlog refuses the whole batch until a subscriber catches up', async () => {
    const { bus, settle } = await engine.make({ ...one, maxBacklog: 5 });
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
    engine.harness.respond(() => 204);
    await bus.start();
    await settle();
    await bus.publish(
      't',
      ['6', '7', '8'].map((text) => message(text)),
    );
  });

  test('one refused publish does not undo the others of its commit', async () => {
    const { bus } = await engine.make({ ...one, maxBacklog: 2 });
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
      const code = await engine.harness.bus.publish('t', [block()]).then(
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
    const { bus, settle } = await engine.make({ ...one, maxBytes: 2_000_000 });
    const stored = await fill();
    expect(stored).toBeGreaterThan(20);
    engine.harness.respond(() => 204);
    await bus.start();
    for (let i = 0; i < 10; i++) await settle();
    expect(engine.harness.pushes).toHaveLength(stored);
    await bus.publish('t', [block()]);
  });

  test('a disk that is full in the middle of a commit loses nothing that was acknowledged', async () => {
    const { bus, crash, restart } = await engine.make({ ...one, maxBytes: 2_000_000 });
    const kept = await bus.publish('t', [message('kept')]);
    expect(await codeOf(bus.publish('t', Array.from({ length: 60 }, block)))).toBe('disk_full');
    expect(await bus.stats()).toMatchObject([{ backlog: 1 }]);
    crash();
    engine.harness.respond(() => 204);
    await restart();
    expect(engine.harness.pushes.map((push) => push.messageId)).toEqual(kept);
  });

  test('an answer that could not be written is written later, and not delivered twice', async () => {
    const { bus, open, settle, advance } = await engine.make({ ...one, maxBytes: 2_000_000, maxBacklog: 20 });
    await bus.start();
    await bus.publish('t', [message('x')]);
    await settle();
    // The answer and a batch too large for the disk fall into one commit.
    const large = Array.from({ length: 19 }, () => message('x'.repeat(125_000)));
    const refused = codeOf(bus.publish('t', large));
    open()[0]?.answer(204);
    expect(await refused).toBe('disk_full');
    await advance(500);
    expect(engine.harness.pushes).toHaveLength(1);
    // The count behind the limit knows that the commit failed: neither the answer nor the batch is in it twice.
    await bus.pause();
    for (let i = 0; i < 20; i++) await bus.publish('t', [message('x')]);
    expect(await codeOf(bus.publish('t', [message('x')]))).toBe('bus_full');
    expect(await bus.stats()).toMatchObject([{ backlog: 20 }]);
  });

  test('the file does not grow under steady traffic, and gives back what a burst took', async () => {
    const { bus, settle } = await engine.make(one);
    engine.harness.respond(() => 204);
    await bus.start();
    const burst = Array.from({ length: 50 }, () => message('x'.repeat(4_000)));
    const round = async (): Promise<void> => {
      await bus.publish('t', burst);
      for (let i = 0; i < 4; i++) await settle();
    };
    await round();
    for (let i = 0; i < 40; i++) await round();
    expect(engine.harness.pushes).toHaveLength(41 * 50);
    expect(statSync(engine.harness.file).size).toBeLessThan(1_000_000);
    await bus.pause();
    for (let i = 0; i < 100; i++) await bus.publish('t', burst);
    const swollen = (): number => statSync(engine.harness.file).size + statSync(`${engine.harness.file}-wal`).size;
    expect(swollen()).toBeGreaterThan(20_000_000);
    await bus.start();
    while ((await bus.stats())[0]?.backlog !== 0) await settle();
    for (let i = 0; i < 20; i++) {
      await engine.harness.clock.advance(BUS_SWEEP_INTERVAL_MS);
      await settle();
    }
    engine.harness.crash();
    await engine.harness.restart({ idle: true });
    expect(statSync(engine.harness.file).size).toBeLessThan(10_000_000);
  });
});
