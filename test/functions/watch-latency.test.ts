import { describe, expect, test } from 'vitest';
import { LATENCY_PROBE_MS, WATCH_ROUND_MS } from '#shared/defaults.ts';
import type { InstanceStatus } from '#shared/providers/provider.ts';
import { aStatus, unavailable } from '#test/support/memory-provider.ts';
import { at, COMPLETED, liveRecord, watchHouse } from '#test/support/watch-house.ts';

const ADDRESS = { host: 'node.example', port: 8080, tls: false };
const running = (changes: Partial<InstanceStatus> = {}): InstanceStatus =>
  aStatus('i-d1', 'd1', { state: 'running', created_at: at(0), ready_at: at(2), address: ADDRESS, ...changes });

const AGAIN_MS = 60_000;

async function aHouse(status = running()) {
  const house = watchHouse();
  await house.live(liveRecord());
  house.vast.statuses.set('i-d1', status);
  await house.clock.advance(5 * 60_000);
  return house;
}
const latencies = (house: Awaited<ReturnType<typeof aHouse>>) =>
  house.bus.payloads('routing-outcome').map(({ status, latency_ms }) => [status, latency_ms]);

describe('the latency of a deployment', () => {
  test('is measured once, before its first outcome goes out: that is what latencies are learnt from', async () => {
    const house = await aHouse();
    house.levers.latency = { ms: 42 };
    const app = house.app();
    for (let i = 0; i < 3; i++) await house.run(app);
    expect(house.probed).toEqual([ADDRESS]);
    expect(await house.record()).toMatchObject({ seen: { latency_ms: 42, address: ADDRESS } });
    house.vast.statuses.set('i-d1', { ...COMPLETED, latency_ms: null });
    await house.run(app);
    expect(latencies(house)).toEqual([
      ['ready', 42],
      ['completed', 42],
    ]);
  });

  test('is its provider’s word where it says one', async () => {
    const house = await aHouse(running({ latency_ms: 120 }));
    await house.run();
    expect(house.probed).toEqual([]);
    expect(latencies(house)).toEqual([['ready', 120]]);
  });

  test.each<[string, Partial<InstanceStatus>]>([
    ['without an address', { address: null }],
    ['still being prepared', { state: 'provisioning', ready_at: null }],
  ])('%s: nothing is measured', async (_, changes) => {
    const house = await aHouse(running(changes));
    await house.run();
    expect(house.probed).toEqual([]);
  });

  test('that cannot be measured holds up nothing, and is tried again after a while until the end', async () => {
    const house = await aHouse();
    const app = house.app();
    for (let i = 0; i < 3; i++) await house.run(app);
    expect(house.probed).toHaveLength(1);
    expect(latencies(house)).toEqual([['ready', null]]);
    await house.clock.advance(AGAIN_MS);
    await house.run(app);
    expect(house.probed).toHaveLength(2);
    house.levers.latency = { ms: 77 };
    await house.clock.advance(AGAIN_MS);
    await house.run(app);
    house.vast.statuses.set('i-d1', { ...COMPLETED, latency_ms: null });
    await house.run(app);
    expect(latencies(house)).toEqual([
      ['ready', null],
      ['completed', 77],
    ]);
  });

  test('is not begun when it might outlast the round', async () => {
    const house = await aHouse();
    const { instances } = house.vast;
    house.vast.instances = async (context) => {
      await house.clock.advance(WATCH_ROUND_MS - LATENCY_PROBE_MS);
      return instances(context);
    };
    await house.run();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(house.probed).toEqual([]);
    expect(latencies(house)).toEqual([['ready', null]]);
  });

  test('killed between its words and its record: it is not measured for other words', async () => {
    const house = await aHouse(running({ ready_at: null }));
    house.bus.failNext(1);
    await house.run();
    house.levers.latency = { ms: 99 };
    await house.clock.advance(AGAIN_MS);
    const app = house.app();
    await house.run(app);
    expect(latencies(house)).toEqual([['ready', null]]);
    expect(await house.record()).toMatchObject({ ready_published: true, seen: { latency_ms: null } });
    await house.run(app);
    expect(await house.record()).toMatchObject({ seen: { latency_ms: 99 } });
  });

  test('of one provider is measured while another is away', async () => {
    const house = await aHouse();
    house.akash.failure = unavailable();
    house.levers.latency = { ms: 5 };
    await house.run();
    expect(latencies(house)).toEqual([['ready', 5]]);
  });
});
