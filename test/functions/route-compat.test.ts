/**
 * The router that was there before: what its callers send, and that they can read what comes back. Their side is written down here
 * on its own, from the surface of that router, and takes nothing from ours.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { MAX_HTTP_BODY_BYTES, MAX_WAITING_DEPLOYMENTS, POLL_INTERVAL_MS, WAITING_POLL_MS } from '#shared/defaults.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { FunctionApp, FunctionResponse } from '#shared/runtime/types.ts';
import { anOffer } from '#test/support/offers.ts';
import { aReport, NOW, routeHouse } from '#test/support/route-house.ts';
import { aRequest } from '#test/support/runtime.ts';
import { aTenant, keyOf } from '#test/support/tenants.ts';

const OLD_STATUS = z.enum(['provisioning', 'running', 'failed', 'no_capacity']);
/** What a caller makes of 200. */
const oldRouted = z.object({
  provider: z.string().min(1),
  price_usd_per_hour: z.number().positive(),
  estimated_latency_ms: z.number().positive(),
  deployment_id: z.string().optional(),
  status: OLD_STATUS,
  reason: z.string().nullish(),
});
/** And of everything else. */
const oldRefused = z.object({ status: OLD_STATUS, reason: z.string().min(1), error: z.unknown() });
const oldProvider = z.object({
  id: z.string(),
  name: z.string(),
  active: z.boolean(),
  regions: z.array(z.string()),
  gpu_types: z.array(z.string()),
  reputation: z.number(),
  base_latency_ms: z.number(),
});
const oldHealth = z.object({
  status: z.string(),
  uptime: z.number(),
  lastRequest: z.number().nullable(),
  mode: z.string(),
  providers: z.record(z.string(), z.unknown()),
});

/** Each its own type, region and provider, so that the provider tells what was understood. */
const OFFERS = [
  ['akash', 'a100', 'us-west', 1.2],
  ['vast', 'h100', 'us-west', 2.1],
  ['render', 'rtxa6000', 'us-west', 0.5],
  ['ionet', 'rtx4090', 'us-west', 0.4],
  ['vast', 't4', 'us-west', 0.2],
  ['akash', 'l40', 'us-west', 0.7],
  ['ionet', 'a100', 'eu-central', 1.3],
  ['render', 'l40', 'global', 0.8],
] as const;
const offers = OFFERS.map(([provider, gpuType, region, price], i) =>
  anOffer({
    provider,
    offer_id: `${provider}:${i}`,
    gpu_type: gpuType,
    gpu_count: 8,
    region,
    usd_per_gpu_hour: price,
    latency_ms: i === 2 ? null : 100 + i,
    reputation: 80 + i,
    capacity_gpu_hours: 100,
  }),
);

let house = routeHouse();
let app: FunctionApp;
beforeEach(async () => {
  house = routeHouse();
  await house.offer(offers);
  await house.report(['akash', 'ionet', 'render', 'vast'].map((provider) => aReport(provider)));
  app = await house.app();
});
afterEach(async () => {
  await house.close();
  expect(house.clock.pending()).toBe(0);
});

const send = async (request: unknown, headers: Record<string, string> = {}): Promise<FunctionResponse> =>
  app.handle(
    aRequest({
      method: 'POST',
      path: '/route',
      headers,
      body: typeof request === 'string' ? request : JSON.stringify(request),
    }),
  );
const jsonOf = ({ body }: FunctionResponse): unknown => JSON.parse(String(body));
const ask = async (path: string): Promise<FunctionResponse> => app.handle(aRequest({ path }));
const base = { workload_type: 'llm_inference', gpu_type: 'a100', region: 'us-west', gpu_hours: 2 };

interface Recorded {
  readonly name: string;
  /** Beside or in the place of the usual ones. */
  readonly request: Readonly<Record<string, unknown>>;
  /** Who gets it; price in USD an hour. */
  readonly expected: { readonly provider: string; readonly price: number };
}

const akashA100 = { provider: 'akash', price: 1.2 };
const ionetA100 = { provider: 'ionet', price: 1.3 };
const ROUTED: readonly Recorded[] = [
  {
    name: 'as its README shows it',
    request: { max_price: 3, max_latency_ms: 300, min_reputation: 80 },
    expected: akashA100,
  },
  ...[
    ['a100', akashA100],
    ['A100', akashA100],
    ['NVIDIA A100', akashA100],
    ['h100', { provider: 'vast', price: 2.1 }],
    ['H100', { provider: 'vast', price: 2.1 }],
    ['a6000', { provider: 'render', price: 0.5 }],
    ['RTX A6000', { provider: 'render', price: 0.5 }],
    ['4090', { provider: 'ionet', price: 0.4 }],
    ['RTX 4090', { provider: 'ionet', price: 0.4 }],
    ['rtx_4090', { provider: 'ionet', price: 0.4 }],
    ['t4', { provider: 'vast', price: 0.2 }],
    ['Tesla T4', { provider: 'vast', price: 0.2 }],
  ].map(([gpu_type, expected]) => ({ name: `gpu_type ${gpu_type}`, request: { gpu_type }, expected }) as Recorded),
  ...['us-west', 'US-WEST', 'us_west', 'us-west-2'].map((region) => ({
    name: `region ${region}`,
    request: { region },
    expected: akashA100,
  })),
  ...['eu-central', 'eu-central-1', 'EU Central'].map((region) => ({
    name: `region ${region}`,
    request: { region },
    expected: ionetA100,
  })),
  { name: 'any region: the best of all', request: { region: 'global' }, expected: akashA100 },
  {
    name: 'an offer for the whole globe',
    request: { gpu_type: 'l40', region: 'ap-south' },
    expected: { provider: 'render', price: 0.8 },
  },
  ...['llm_inference', 'llm_training', 'rendering', 'general', '3d_rendering', 'cloud_gaming'].map((workload_type) => ({
    name: `workload_type ${workload_type}`,
    request: { workload_type },
    expected: akashA100,
  })),
  {
    name: 'weights for price',
    request: { gpu_type: 'l40', weights: { price: 1, latency: 0, reputation: 0, availability: 0 } },
    expected: { provider: 'akash', price: 0.7 },
  },
  {
    name: 'weights for reputation',
    request: { gpu_type: 'l40', weights: { price: 0, latency: 0, reputation: 1, availability: 0 } },
    expected: { provider: 'render', price: 0.8 },
  },
  { name: 'a part of the weights', request: { weights: { price: 0.5 } }, expected: akashA100 },
  { name: 'a price that is just enough', request: { max_price: 1.2 }, expected: akashA100 },
  { name: 'a latency that is just enough', request: { max_latency_ms: 100 }, expected: akashA100 },
  { name: 'a reputation that is just enough', request: { min_reputation: 80 }, expected: akashA100 },
  { name: 'a fraction of an hour', request: { gpu_hours: 0.25 }, expected: akashA100 },
];

describe('POST /route', () => {
  test.each(ROUTED)('$name', async ({ request, expected }) => {
    // Never explored on, so that the answer is the best one.
    const answer = await send({ ...base, ...request, priority: 'critical' });
    expect(answer.status).toBe(200);
    const read = oldRouted.parse(jsonOf(answer));
    expect([read.provider, read.price_usd_per_hour, read.status]).toEqual([
      expected.provider,
      expected.price,
      'provisioning',
    ]);
    expect(read.deployment_id).toMatch(/^[0-9a-f]{32}$/);
  });

  test('none of the fields that are new has to be sent', async () => {
    const read = oldRouted.parse(jsonOf(await send(base)));
    expect(read.provider).toBe('akash');
  });

  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['a price', { max_price: 0.1 }, 'price (max_price >= 1.2)'],
    ['a latency', { max_latency_ms: 10 }, 'latency (max_latency_ms >= 100)'],
    ['a reputation', { min_reputation: 99 }, 'reputation (min_reputation <= 80)'],
    ['a size', { gpu_hours: 1_000 }, 'capacity (gpu_hours <= 100)'],
    ['a region', { region: 'ap-south' }, 'region ('],
    ['a GPU type', { gpu_type: 'b200' }, 'gpu_type ('],
  ])('%s that nothing fits: 503 no_capacity, and why', async (_, request, reason) => {
    const answer = await send({ ...base, ...request });
    expect(answer.status).toBe(503);
    const read = oldRefused.parse(jsonOf(answer));
    expect(read.status).toBe('no_capacity');
    expect(read.reason).toContain(reason);
  });

  test.each<[string, unknown]>([
    ['no body', ''],
    ['no JSON', '{'],
    ['no GPU type', { ...base, gpu_type: undefined }],
    ['no region', { ...base, region: undefined }],
    ['no hours', { ...base, gpu_hours: undefined }],
    ['hours in words', { ...base, gpu_hours: 'two' }],
    ['no time at all', { ...base, gpu_hours: 0 }],
    ['a reputation past its scale', { ...base, min_reputation: 101 }],
    ['weights below nought', { ...base, weights: { price: -1 } }],
  ])('%s: 400 with error, and what is wrong in words', async (_, request) => {
    const answer = await send(request);
    expect(answer.status).toBe(400);
    const read = oldRefused.parse(jsonOf(answer));
    expect(read).toMatchObject({ status: 'failed', error: { code: expect.any(String), message: read.reason } });
  });

  test.each<[string, number, string, () => Promise<FunctionResponse>]>([
    [
      'no offers yet',
      503,
      'offers_unavailable',
      async () => {
        await house.close();
        house = routeHouse();
        app = await house.app();
        return send(base);
      },
    ],
    [
      'a long queue',
      503,
      'overloaded',
      async () => {
        house.waiting = MAX_WAITING_DEPLOYMENTS;
        await house.clock.advance(WAITING_POLL_MS);
        return send(base);
      },
    ],
    ['too long a body', 413, 'body_too_large', () => send(' '.repeat(MAX_HTTP_BODY_BYTES + 1))],
    [
      'an instance that leaves',
      503,
      'draining',
      async () => {
        await app.drain();
        return send(base);
      },
    ],
    [
      'a bus that is away',
      503,
      'bus_unavailable',
      async () => {
        house.bus.failNext(1);
        return send(base);
      },
    ],
    [
      'a bug of ours',
      500,
      'internal',
      async () => {
        house.state.create = () => Promise.reject(new TypeError('oops'));
        return send(base);
      },
    ],
    [
      'nobody’s key',
      401,
      'unauthorized',
      async () => {
        house.tenants = [aTenant('ann')];
        app = await house.app();
        return send(base);
      },
    ],
    [
      'a budget that is spent',
      402,
      'budget_exceeded',
      async () => {
        house.tenants = [aTenant('ann', { daily_usd: 1 })];
        app = await house.app();
        return send(base, { 'x-api-key': keyOf('ann') });
      },
    ],
  ])('%s: %i, read like any refusal', async (_, status, code, fail) => {
    const answer = await fail();
    expect(answer.status).toBe(status);
    const read = oldRefused.parse(jsonOf(answer));
    expect(read).toMatchObject({ status: 'failed', error: { code, message: read.reason, remedy: expect.any(String) } });
  });
});

describe('GET /providers', () => {
  test('lists all, with what was there before', async () => {
    const { providers } = z.object({ providers: z.array(oldProvider) }).parse(jsonOf(await ask('/providers')));
    expect(providers.map(({ id, active, regions }) => [id, active, regions])).toEqual([
      ['akash', true, ['us-west']],
      ['ionet', true, ['eu-central', 'us-west']],
      ['render', true, ['global', 'us-west']],
      ['vast', true, ['us-west']],
    ]);
  });

  test.each([
    ['akash', 'Akash Network'],
    ['ionet', 'io.net'],
    ['io.net', 'io.net'],
    ['render', 'Render Network'],
    ['vastai', 'Vast.ai'],
    ['vast', 'Vast.ai'],
  ])('knows %s', async (id, name) => {
    expect(oldProvider.parse(jsonOf(await ask(`/providers/${id}`))).name).toBe(name);
  });
});

describe('GET /health', () => {
  test('says how long it has lived, when it was asked last, and by whom it decides', async () => {
    expect(oldHealth.parse(jsonOf(await ask('/health')))).toMatchObject({
      uptime: 0,
      lastRequest: null,
      mode: 'rules',
    });
    await send(base);
    await house.clock.advance(1_500);
    const health = oldHealth.parse(jsonOf(await ask('/health')));
    expect(health).toMatchObject({ status: 'ok', uptime: 1.5, lastRequest: 1.5, mode: 'rules' });
    expect(health.providers).toEqual({ akash: 'up', ionet: 'up', render: 'up', vast: 'up' });
  });

  test('shows the breaker of score', async () => {
    const shown = async (): Promise<unknown> => (jsonOf(await ask('/health')) as { breakers: unknown }).breakers;
    expect(await shown()).toEqual({ score: 'closed' });
    for (let i = 0; i < 5; i++) house.breaker.failure(NOW);
    expect(await shown()).toEqual({ score: 'open' });
    expect(String((await ask('/metrics')).body)).toContain('aurora_breaker_state{dependency="score"} 2');
  });
});

describe('GET /metrics', () => {
  /** Name and labels -> value. */
  const metrics = async (): Promise<ReadonlyMap<string, number>> =>
    new Map(
      String((await ask('/metrics')).body)
        .split('\n')
        .filter((line) => line.startsWith('aurora_') && !line.startsWith('aurora_function_'))
        .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    );

  test('has every name that the cluster’s dashboards ask for, and they move', async () => {
    await send(base);
    await send({ ...base, max_price: 0.1 });
    await send('{');
    await house.report([
      aReport('akash', {
        capacity_gpu_hours: 42,
        latency_ms: 111,
        usd_per_gpu_hour: { a100: { min: 1, median: 1, offers: 3 }, l40: { min: 0.2, median: 0.2, offers: 1 } },
      }),
      aReport('vast', { health: 'down', latency_ms: null }),
      aReport('render', { health: 'failing' }),
    ]);
    const summary = { observed_at: rfc3339(NOW), active: { akash: 7 }, reward: { mean: 0.62, deployments: 9 } };
    await house.objects.write('deployments/summary.json', new TextEncoder().encode(JSON.stringify(summary)), {});
    await house.clock.advance(POLL_INTERVAL_MS);
    const found = await metrics();
    const expected: Record<string, number> = {
      'aurora_route_requests_total{provider="akash",status="provisioning"}': 1,
      'aurora_route_requests_total{provider="none",status="no_capacity"}': 1,
      'aurora_route_requests_total{provider="none",status="failed"}': 1,
      'aurora_route_duration_seconds_count{provider="akash",mode="rules"}': 1,
      'aurora_route_duration_seconds_count{provider="none",mode="rules"}': 1,
      'aurora_route_failures_total{provider="none",reason="price"}': 1,
      'aurora_route_failures_total{provider="none",reason="body_not_json"}': 1,
      'aurora_active_deployments{provider="akash"}': 7,
      'aurora_provider_health{provider="akash"}': 1,
      'aurora_provider_health{provider="render"}': 0.5,
      'aurora_provider_health{provider="vast"}': 0,
      'aurora_provider_latency_ms{provider="akash"}': 111,
      'aurora_provider_latency_ms{provider="vast"}': Number.NaN,
      'aurora_provider_cost_usd{provider="akash"}': 0.8,
      'aurora_provider_capacity{provider="akash"}': 42,
      'aurora_ai_decisions_total{mode="rules"}': 2,
      aurora_ai_reward: 0.62,
    };
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, found.get(name)]))).toEqual(expected);
  });

  test('says of what nobody knows that it is not known, not nought', async () => {
    expect((await metrics()).get('aurora_ai_reward')).toBeNaN();
    await house.report([]);
    await house.clock.advance(POLL_INTERVAL_MS);
    expect((await metrics()).get('aurora_provider_health{provider="akash"}')).toBeNaN();
  });

  test('takes no label from a request', async () => {
    const before = new Set((await metrics()).keys());
    await send({ ...base, workload_type: 'strange', gpu_type: 'strange', region: 'strange', tenant_id: 'strange' });
    const news = [...(await metrics()).keys()].filter((name) => !before.has(name));
    expect(news.length).toBeGreaterThan(0);
    expect(news.join()).not.toContain('strange');
  });
});
