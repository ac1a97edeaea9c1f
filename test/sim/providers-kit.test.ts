import { afterEach, describe, expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { createDoors } from '#sim/providers/kit/doors.ts';
import { createFaultPlan } from '#sim/providers/kit/faults.ts';
import { numberOf } from '#sim/providers/kit/holdings.ts';
import { createRequestLog, type LoggedRequest } from '#sim/providers/kit/request-log.ts';

describe('a plan of faults', () => {
  const plan = () => createFaultPlan(['reset', '500'], 1);

  test('hits by operation, so often, and in its time', () => {
    const faults = plan();
    faults.set([
      { fault: 'reset', operation: 'create', times: 2 },
      { fault: '500', from_ms: 100, until_ms: 200 },
    ]);
    expect(faults.draw('list', 0)).toBeNull();
    expect([faults.draw('create', 0), faults.draw('create', 0), faults.draw('create', 0)]).toEqual([
      'reset',
      'reset',
      null,
    ]);
    expect([99, 100, 199, 200].map((ms) => faults.draw('create', ms))).toEqual([null, '500', '500', null]);
  });

  test('the first rule that hits counts, and new rules begin anew', () => {
    const faults = plan();
    const rules = [{ fault: 'reset', times: 1 }, { fault: '500' }];
    faults.set(rules);
    expect([faults.draw('list', 0), faults.draw('list', 0)]).toEqual(['reset', '500']);
    faults.set(rules);
    expect(faults.draw('list', 0)).toBe('reset');
    expect(faults.rules()).toEqual(rules);
    faults.set([]);
    expect(faults.draw('list', 0)).toBeNull();
  });

  test('a share is drawn from the seed: about as many, and the same ones again', () => {
    const drawn = (seed: number) => {
      const faults = createFaultPlan(['reset'], seed);
      faults.set([{ fault: 'reset', share: 0.25 }]);
      return Array.from({ length: 4_000 }, () => faults.draw('list', 0) !== null);
    };
    const hits = drawn(1).filter(Boolean).length;
    // Four standard deviations of a binomial.
    expect(Math.abs(hits - 1_000)).toBeLessThan(4 * Math.sqrt(4_000 * 0.25 * 0.75));
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(1)).not.toEqual(drawn(2));
  });

  test('knows its names', () => {
    expect(() => plan().set([{ fault: 'rest' }])).toThrow('fault: expected one of reset, 500, got "rest"');
    expect(() => plan().set([{ fault: 'reset', share: 0 }])).toThrow();
    expect(() => plan().set(Array.from({ length: 101 }, () => ({ fault: 'reset' })))).toThrow();
  });
});

test('a log keeps the newest requests, and no more than it was told', () => {
  const log = createRequestLog(10);
  for (let n = 0; n < 1_000; n += 1) log.add({ world_ms: n } as LoggedRequest);
  expect(log.all().map(({ world_ms }) => world_ms)).toEqual(Array.from({ length: 10 }, (_, n) => 990 + n));
});

test('numbers of keys last, and do not meet', () => {
  const numbers = Array.from({ length: 20_000 }, (_, n) => numberOf('vast', n));
  expect(numbers.every(Number.isSafeInteger)).toBe(true);
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(numberOf('vast', 3)).toBe(numbers[3]);
});

describe('doors', () => {
  const doors = createDoors(hostClock);
  afterEach(() => doors.close());
  const opened = async (latencyMs: number): Promise<number> => {
    for (let looks = 0; looks < 100; looks += 1) {
      const port = doors.port(latencyMs);
      if (port !== null) return port;
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error('expected the door to open');
  };

  test('instances of about the same latency share one, others have another; it answers after that time', async () => {
    const [port, near, far] = [await opened(60), await opened(60.5), await opened(120)];
    expect(near).toBe(port);
    expect(far).not.toBe(port);
    const started = performance.now();
    expect((await fetch(`http://127.0.0.1:${port}/any/path`)).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(56);
  });

  test('no latency is outside their limits', async () => {
    expect(await opened(0)).toBe(await opened(1));
    expect(await opened(1e9)).toBe(await opened(10_000));
    expect(await opened(Number.MIN_VALUE)).toBe(await opened(1));
  });
});
