import { afterEach, describe, expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import type { Address } from '#shared/providers/provider.ts';
import { isOver } from '#shared/providers/provider.ts';
import { createHttpClient } from '#shared/runtime/http-client.ts';
import {
  billsOf,
  deployOn,
  type House,
  type HouseOptions,
  makeHouse,
  type ProviderSubject,
  running,
  soon,
  statusWhen,
  WAYS,
} from './providers-world.ts';

async function timeOf({ host, port, tls }: Address): Promise<{ status: number; ms: number }> {
  const client = createHttpClient({ hostClock });
  const started = performance.now();
  const { status } = await client.exchange({
    url: `${tls ? 'https' : 'http'}://${host}:${port}/`,
    method: 'GET',
    deadlineMs: 2_000,
  });
  const ms = performance.now() - started;
  await client.close();
  return { status, ms };
}

/** What becomes of an instance, as the adapter tells it. */
export function describeLives(subject: ProviderSubject): void {
  describe('lives', () => {
    let house: House;
    afterEach(() => house.close());

    test('provisioning, running with an address and a price, ended by itself', async () => {
      house = await makeHouse(subject);
      const provider = house.connect();
      const id = await deployOn(provider, WAYS.runs, 'l-1');
      const first = await provider.status(id, soon());
      expect(first).toMatchObject({ blame: null, ended_at: null });
      const ready = await statusWhen(house, provider, id, ({ address }) => address !== null);
      expect(ready).toMatchObject({ state: 'running', blame: null, gpu_count: 1 });
      expect(ready.usd_per_hour).toBeCloseTo(0.4, 5);
      if (subject.tellsReady === false) expect(ready.ready_at).toBeNull();
      else expect(Date.parse(ready.ready_at ?? '')).toBeGreaterThanOrEqual(Date.parse(ready.created_at ?? ''));
      const { status, ms } = await timeOf(ready.address as Address);
      expect(status).toBe(200);
      // The market's 40 ms; later on a busy machine, hardly ever sooner.
      expect(ms).toBeGreaterThan(36);
      const over = await statusWhen(house, provider, id, isOver);
      expect(over).toMatchObject({ state: subject.done, blame: null, address: null });
      await provider.terminate(id, soon());
      const [bill] = billsOf(house.fake, 'l-1');
      // Two hours at .4 USD; a disk, for the minutes before and after too.
      expect(bill?.usd).toBeGreaterThan(0.79);
      expect(bill?.usd).toBeLessThan(1);
    });

    test.each<[string, string, HouseOptions, Readonly<Record<string, unknown>>]>([
      [
        'the provider fails to start it',
        WAYS.fails,
        {},
        { state: 'failed_to_start', blame: 'provider', ready_at: null },
      ],
      [
        'the image is to blame',
        WAYS.runs,
        { tenantFaultShare: 1 },
        { state: 'failed_to_start', blame: 'tenant', ready_at: null },
      ],
      ['a better bid or its host takes it', WAYS.taken, {}, { state: 'preempted', blame: 'provider' }],
      ['the network loses it', WAYS.taken, { networkBlameShare: 1 }, { state: 'failed', blame: 'network' }],
    ])('%s', async (_, way, options, expected) => {
      house = await makeHouse(subject, options);
      const provider = house.connect();
      const id = await deployOn(provider, way, 'l-2');
      expect(await statusWhen(house, provider, id, isOver)).toMatchObject(expected);
      expect(billsOf(house.fake, 'l-2')).toHaveLength(1);
      await provider.terminate(id, soon());
      expect(running(house.fake.bills())).toEqual([]);
    });

    test('a bill ends with the termination, whatever the instance was doing', async () => {
      house = await makeHouse(subject);
      const provider = house.connect();
      const id = await deployOn(provider, WAYS.runs, 'l-3');
      await statusWhen(house, provider, id, ({ state }) => state === 'running');
      await provider.terminate(id, soon());
      const usd = billsOf(house.fake, 'l-3')[0]?.usd;
      house.skip(10 * 3_600_000);
      expect(billsOf(house.fake, 'l-3')[0]?.usd).toBe(usd);
    });
  });
}
