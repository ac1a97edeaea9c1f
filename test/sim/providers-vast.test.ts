import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { createMarket, type Market } from '#sim/market/market.ts';
import type { FakeProvider } from '#sim/providers/kit/fake-server.ts';
import { startFakeVast } from '#sim/providers/vast/index.ts';
import { START_MS, smallOffer, smallSpec } from './small-market.ts';

const KEY = 'key-of-a-test';

/** What a stranger would see, without an adapter between. */
describe('the fake of Vast', () => {
  let market: Market;
  let fake: FakeProvider;
  let nowMs: number;
  const start = (more: Readonly<Record<string, unknown>> = {}, port = 0) => {
    const honest = { start: 1, hazard_per_hour: 0, ready_ms: 60_000, price_sigma: 0, ready_sigma: 0 };
    const offer = smallOffer({ provider: 'vast', gpu_count: 6, capacity_gpu_hours: 120 }, honest);
    market = createMarket({ spec: smallSpec([offer], more), seed: 1, deviation: 1 });
    // World time moves by hand.
    const worldClock = { speed: 1, now: () => nowMs };
    return startFakeVast({ market, key: KEY, hostClock, worldClock, seed: 1, port });
  };
  beforeEach(async () => {
    nowMs = START_MS;
    fake = await start();
  });
  afterEach(() => fake.close());

  async function call(method: string, path: string, body?: unknown, key = KEY) {
    const answer = await fetch(fake.url + path, {
      method,
      headers: { authorization: `Bearer ${key}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    nowMs += 6_000;
    return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text };
  }
  const search = async () => (await call('POST', '/api/v0/bundles/', { limit: 100 })).body.offers;
  const order = (more: Readonly<Record<string, unknown>> = {}) => ({ image: 'x', disk: 73, label: 'mine', ...more });
  const env = (gpus: number, hours: number) => ({ AURORA_GPU_COUNT: String(gpus), AURORA_GPU_HOURS: String(hours) });

  test('sells a machine of six GPUs by one, two, four and six, under ids that last', async () => {
    const offers = await search();
    expect(offers.map(({ num_gpus }: { num_gpus: number }) => num_gpus)).toEqual([1, 2, 4, 6]);
    expect(new Set(offers.map(({ machine_id }: { machine_id: number }) => machine_id)).size).toBe(1);
    expect(offers[3]).toMatchObject({ gpu_name: 'RTX 4090', geolocation: 'Virginia, US', duration: 72_000 });
    expect((await search()).map(({ id }: { id: number }) => id)).toEqual(offers.map(({ id }: { id: number }) => id));
  });

  test('asks for the key, for a body that it can read, and for patience', async () => {
    expect(await call('GET', '/api/v1/instances/', undefined, 'another')).toMatchObject({
      status: 401,
      body: { success: false, error: 'auth_error' },
    });
    const [{ id }] = await search();
    for (const body of [{}, order({ disk: 1 }), order({ label: 'x'.repeat(257) }), order({ env: env(0, 1) })])
      expect(await call('PUT', `/api/v0/asks/${id}/`, body)).toMatchObject({
        status: 400,
        body: { error: 'invalid_args' },
      });
    expect(await call('POST', '/api/v0/bundles/', { num_gpus: { about: 2 } })).toMatchObject({ status: 400 });
    expect(await call('GET', '/api/v1/instances/?limit=26')).toMatchObject({ status: 400 });
    expect(await call('GET', '/api/v1/instances/?select_filters=x')).toMatchObject({ status: 400 });
    expect(await call('GET', '/api/v1/instances')).toMatchObject({ status: 404 });
    expect(await call('GET', '/api/v0/instances/')).toMatchObject({ body: { error: 'deprecated_endpoint' } });
    nowMs -= 6_000;
    await call('POST', '/api/v0/bundles/', {});
    nowMs -= 1_000;
    expect(await call('POST', '/api/v0/bundles/', {})).toEqual({
      status: 429,
      body: { detail: 'API requests too frequent endpoint threshold=6' },
    });
    expect(fake.log().at(-1)).toMatchObject({ operation: 'search', status: 429, too_soon: true, key_ok: true });
    expect(fake.bills()).toEqual([]);
  });

  test('bills the whole of an ask while it runs, and its disk until it is destroyed', async () => {
    const ask = (await search())[2];
    // Two GPUs are asked for, two hours of each; four are sold.
    const made = await call('PUT', `/api/v0/asks/${ask.id}/`, order({ env: env(2, 4) }));
    const id = made.body.new_contract;
    nowMs = START_MS + 10 * 3_600_000;
    const { instances: instance } = (await call('GET', `/api/v0/instances/${id}/`)).body;
    expect(instance).toMatchObject({ actual_status: 'exited', num_gpus: 4, uptime_mins: 120 });
    const disk = (hours: number) => (0.15 * 73 * hours) / 730;
    const bought = fake.bills()[0]?.created_ms ?? 0;
    expect(fake.bills()[0]?.usd).toBeCloseTo(4 * 2 * 0.4 + disk((nowMs - bought) / 3_600_000), 9);
    expect((await call('DELETE', `/api/v0/instances/${id}/`)).body).toEqual({ success: true });
    expect((await call('DELETE', `/api/v0/instances/${id}/`)).status).toBe(404);
    expect((await call('GET', `/api/v0/instances/${id}/`)).body).toEqual({ instances: null });
    const { usd, ended_ms } = fake.bills()[0] ?? { usd: 0, ended_ms: null };
    expect(ended_ms).toBe(START_MS + 10 * 3_600_000 + 6_000);
    nowMs += 1e9;
    expect(fake.bills()[0]?.usd).toBe(usd);
    expect(market.instances(nowMs)).toHaveLength(1);
  });

  test('fails as often as its market says that providers do', async () => {
    await fake.close();
    fake = await start({ unavailable_share: 0.5 });
    const statuses: number[] = [];
    for (let n = 0; n < 60; n += 1) statuses.push((await call('GET', '/api/v1/instances/')).status);
    const failed = statuses.filter((status) => status === 500).length;
    expect(Math.abs(failed - 30)).toBeLessThan(4 * Math.sqrt(15));
    expect(statuses.filter((status) => status !== 500).every((status) => status === 200)).toBe(true);
  });

  test('says which port is taken', async () => {
    const port = Number(new URL(fake.url).port);
    await expect(start({}, port)).rejects.toMatchObject({
      code: 'port_unavailable',
      message: expect.stringContaining(`:${port}`),
    });
  });
});
