import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { FAULTS } from '#sim/cluster/faults/catalogue.ts';
import type { DoorName } from '#sim/cluster/index.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';
import { type AskOptions, ask, type House, openCluster } from './cluster-house.ts';

let house: House;
beforeAll(async () => {
  house = await openCluster();
});
afterEach(() => house.cluster.faults.set([]));
afterAll(() => house.cluster.close());

type Urls = House['cluster']['urls'];
const get = async (service: keyof Urls, path: string, options: AskOptions = {}) => {
  const answer = await ask(house.cluster.urls[service], path, options);
  return { status: answer?.status, body: JSON.parse(answer?.text ?? 'null') };
};
const NUMBER = expect.any(Number);
const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describe('psi-field', () => {
  test('is healthy, and says whether its engine is there', async () => {
    expect(await get('psi-field', '/health')).toEqual({
      status: 200,
      body: { status: 'healthy', import_success: true, engine_initialized: true, timestamp: INSTANT },
    });
  });

  test('a field of the documented names that moves four steps a second, its error below 1.5', async () => {
    const shape = Object.fromEntries(
      ['Psi', 'C', 'U', 'Phi', 'H', 'PE', 'M', 'dt_eff', 'k'].map((name) => [name, NUMBER]),
    );
    let last = (await get('psi-field', '/state')).body;
    expect(last).toEqual({ ...shape, timestamp: INSTANT });
    for (let n = 0; n < 200; n += 1) {
      await house.clock.advance(1_000);
      const { body } = await get('psi-field', '/state');
      expect(body.k).toBe(last.k + 4);
      expect(body.PE).toBeGreaterThan(0);
      expect(body.PE).toBeLessThan(1.5);
      for (const name of ['C', 'U', 'Phi', 'H']) {
        expect(body[name]).toBeGreaterThanOrEqual(0);
        expect(body[name]).toBeLessThanOrEqual(1);
      }
      expect(body.Psi).not.toBe(last.Psi);
      last = body;
    }
    await house.clock.advance(86_400_000);
    expect((await get('psi-field', '/state')).body.k).toBe(last.k + 4 * 86_400);
  });

  test('a step from outside counts, surprises, and calls the guardian', async () => {
    const before = (await get('psi-field', '/state')).body;
    const far = { x: new Array(16).fill(9), apply_guardian: true };
    const { status, body } = await get('psi-field', '/step', { method: 'POST', body: far });
    expect(status).toBe(200);
    expect(body.k).toBe(before.k + 1);
    expect(body.PE).toBeGreaterThan(1.5);
    const { body: guardian } = await get('psi-field', '/guardian/statistics');
    expect(guardian).toMatchObject({ total_checks: 1, interventions: 1, last_intervention: INSTANT });
    const wrong = await get('psi-field', '/step', { method: 'POST', body: { x: [1, 2, 3] } });
    expect(wrong).toMatchObject({ status: 422, body: { detail: [{ loc: ['body', 'x'] }] } });
  });

  test('gauges without labels, the values of the state', async () => {
    const text = (await ask(house.cluster.urls['psi-field'], '/metrics'))?.text ?? '';
    const { body } = await get('psi-field', '/state');
    const samples = Object.fromEntries(
      text
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => line.split(' ')),
    );
    expect(samples).toEqual({
      psi_field_density: String(body.Psi),
      psi_field_phase_coherence: String(body.Phi),
      psi_field_continuity: String(body.C),
      psi_field_futurity: String(body.U),
      psi_field_temporal_entropy: String(body.H),
      psi_field_prediction_error: String(body.PE),
      psi_field_time_dilation: String(body.dt_eff),
    });
  });
});

describe('scheduler', () => {
  test('its anchors advance, in /health and in /metrics', async () => {
    const before = (await get('scheduler', '/health')).body;
    expect(before).toEqual({
      status: 'ok',
      uptime: NUMBER,
      lastTick: INSTANT,
      namespaces: {
        dao: { lastAnchor: INSTANT, backoff: 0, status: 'ok' },
        vaultmesh: { lastAnchor: INSTANT, backoff: 0, status: 'ok' },
      },
    });
    await house.clock.advance(3_000);
    const after = (await get('scheduler', '/health')).body;
    for (const name of ['dao', 'vaultmesh'])
      expect(Date.parse(after.namespaces[name].lastAnchor) - Date.parse(before.namespaces[name].lastAnchor)).toBe(
        3_000,
      );
  });

  const counters = async () => {
    const text = (await ask(house.cluster.urls.scheduler, '/metrics'))?.text ?? '';
    const of = (kind: string, namespace: string) =>
      Number(
        new RegExp(`vmsh_anchors_${kind}_total\\{namespace="${namespace}",cadence="fast".*\\} (\\d+)`).exec(text)?.[1],
      );
    const both = (kind: string) => ({ dao: of(kind, 'dao'), vaultmesh: of(kind, 'vaultmesh') });
    return { attempted: both('attempted'), succeeded: both('succeeded'), failed: both('failed') };
  };

  test('degraded: 503, one namespace backs off and its anchors fail, the other goes on', async () => {
    house.cluster.faults.set(['scheduler_degraded']);
    const before = await counters();
    const last = (await get('scheduler', '/health')).body.namespaces.dao.lastAnchor;
    await house.clock.advance(60_000);
    const { status, body } = await get('scheduler', '/health');
    expect(status).toBe(503);
    expect(body).toMatchObject({
      status: 'degraded',
      namespaces: { dao: { status: 'backing_off', backoff: 4, lastAnchor: last }, vaultmesh: { status: 'ok' } },
    });
    const after = await counters();
    expect(after.failed.dao - before.failed.dao).toBe(60);
    expect(after.succeeded.dao).toBe(before.succeeded.dao);
    expect(after.succeeded.vaultmesh - before.succeeded.vaultmesh).toBeGreaterThanOrEqual(59);
    for (const name of ['dao', 'vaultmesh'] as const)
      expect(after.succeeded[name] + after.failed[name]).toBe(after.attempted[name]);
  });
});

describe('aurora-router', () => {
  const route = (body: unknown) => get('aurora-router', '/route', { method: 'POST', body });
  const asked = { workload_type: 'rendering', gpu_type: '4090', region: 'us-east', gpu_hours: 2 };

  test('routes, refuses with a reason, and counts both', async () => {
    expect(await route(asked)).toEqual({
      status: 200,
      body: {
        provider: 'vastai',
        price_usd_per_hour: 0.42,
        estimated_latency_ms: 450,
        deployment_id: 'vastai-1',
        status: 'provisioning',
      },
    });
    expect((await route({ ...asked, max_latency_ms: 400 })).body.provider).toBe('render');
    expect(await route({ ...asked, max_price: 0.01 })).toMatchObject({
      status: 503,
      body: { reason: expect.any(String) },
    });
    expect(await route({ ...asked, gpu_type: 'v100' })).toMatchObject({
      status: 400,
      body: { error: expect.any(String) },
    });
    const metrics = (await ask(house.cluster.urls['aurora-router'], '/metrics'))?.text ?? '';
    expect(metrics).toContain('aurora_route_requests_total{provider="vastai",status="success"} 1\n');
    expect(metrics).toContain('aurora_route_failures_total{provider="none",reason="no_capacity"} 1\n');
    expect(metrics).toContain('aurora_ai_decisions_total{mode="rules"} 3\n');
    expect((await get('aurora-router', '/health')).body.lastRequest).toEqual(INSTANT);
  });

  test('has the series that the deployment has', async () => {
    const metrics = (await ask(house.cluster.urls['aurora-router'], '/metrics'))?.text ?? '';
    const names = [...metrics.matchAll(/^# TYPE aurora_(\S+)/gm)].map(([, name]) => name);
    expect(names.sort()).toEqual([
      'active_deployments',
      'ai_decisions_total',
      'ai_reward',
      'provider_capacity',
      'provider_cost_usd',
      'provider_health',
      'provider_latency_ms',
      'route_duration_seconds',
      'route_failures_total',
      'route_requests_total',
    ]);
    expect(metrics).toMatch(/^aurora_route_duration_seconds_bucket\{provider="akash",mode="rules",le="\+Inf"\} \d+$/m);
  });

  test('knows its providers', async () => {
    const all = (await get('aurora-router', '/providers')).body;
    expect(all.map(({ id }: { id: string }) => id)).toEqual(['akash', 'ionet', 'render', 'vastai']);
    expect((await get('aurora-router', '/providers/render')).body).toEqual(all[2]);
    expect((await get('aurora-router', '/providers/nope')).status).toBe(404);
  });
});

test('pages and readiness', async () => {
  const page = await ask(house.cluster.urls.analytics, '/');
  expect(page?.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(page?.text).toContain('</html>');
  expect(await ask(house.cluster.urls.loki, '/ready')).toMatchObject({ status: 200, text: 'ready' });
  expect(await ask(house.cluster.urls.tempo, '/ready')).toMatchObject({ status: 200, text: 'ready' });
});

describe('the ingress', () => {
  const through = (host: string, path = '/health') => ask(house.cluster.ingressUrl, path, { headers: { host } });

  test.each([
    ['psi-field.vaultmesh.cloud', 'import_success'],
    ['scheduler.vaultmesh.cloud', 'lastTick'],
    ['SCHEDULER.vaultmesh.cloud:80', 'lastTick'],
    ['aurora.vaultmesh.cloud', 'providers'],
    ['api.vaultmesh.cloud', 'providers'],
  ])('%s leads to the one that says %s', async (host, field) => {
    const answer = await through(host);
    expect(answer?.status).toBe(200);
    expect(Object.keys(JSON.parse(answer?.text ?? ''))).toContain(field);
  });

  test('to the wrong service, which says 200', async () => {
    house.cluster.faults.set(['ingress_wrong_backend']);
    const answer = await through('aurora.vaultmesh.cloud');
    expect(answer?.status).toBe(200);
    expect(JSON.parse(answer?.text ?? '')).toHaveProperty('lastTick');
  });

  test('knows no other host, and no other origin behind a path', async () => {
    expect((await through('elsewhere.example'))?.status).toBe(404);
    expect((await through('psi-field.vaultmesh.cloud', '//elsewhere.example/health'))?.status).toBe(404);
    expect((await through('psi-field.vaultmesh.cloud', '/state?x=1'))?.status).toBe(200);
  });

  test('says 502 for a service that cuts it off, 503 for one without a pod', async () => {
    house.cluster.faults.set(['psi_down']);
    expect((await through('psi-field.vaultmesh.cloud'))?.status).toBe(502);
    house.cluster.faults.set(['pod_missing']);
    expect((await through('aurora.vaultmesh.cloud'))?.status).toBe(503);
    expect((await through('psi-field.vaultmesh.cloud'))?.status).toBe(200);
  });

  test('hands on what is posted', async () => {
    const answer = await ask(house.cluster.ingressUrl, '/route', {
      method: 'POST',
      headers: { host: 'api.vaultmesh.cloud' },
      body: { workload_type: 'training', gpu_type: 'h100', region: 'eu', gpu_hours: 1 },
    });
    expect(JSON.parse(answer?.text ?? '')).toMatchObject({ provider: 'akash', status: 'provisioning' });
  });
});

test('a service without a replica answers nobody', async () => {
  let waiting = 0;
  const own = await openCluster({ backlog: () => waiting });
  expect(own.cluster.replicas('psi-field')).toBe(0);
  expect(await ask(own.cluster.urls['psi-field'], '/health')).toBeNull();
  waiting = 1;
  await own.clock.advance(30_000 + 5_000);
  expect((await ask(own.cluster.urls['psi-field'], '/health'))?.status).toBe(200);
  await own.cluster.close();
});

test('a service that answers elsewhere is not started, and the ingress leads there', async () => {
  const real = createServer((_, response) => response.end('{"ours":true}'));
  const origin = await listenOnLoopback(real);
  const own = await openCluster({ elsewhere: { 'aurora-router': origin } });
  expect(own.cluster.urls['aurora-router']).toBe(origin);
  const through = () => ask(own.cluster.ingressUrl, '/health', { headers: { host: 'aurora.vaultmesh.cloud' } });
  expect((await through())?.text).toBe('{"ours":true}');
  own.cluster.faults.set(['router_down']);
  expect((await through())?.status).toBe(502);
  own.cluster.faults.set(['router_slow']);
  const before = own.late();
  expect((await through())?.text).toBe('{"ours":true}');
  expect(own.late()).toBe(before + 1);
  own.cluster.faults.set(['psi_down', 'slow_endpoint']);
  expect((await through())?.text).toBe('{"ours":true}');
  expect(own.late()).toBe(before + 1);
  await own.cluster.close();
  await closeServer(real);
});

test('a port that is taken: a clear error, and nothing is left running', async () => {
  const [taken, free] = [createServer(), createServer()];
  const port = Number(new URL(await listenOnLoopback(taken)).port);
  const freeOrigin = await listenOnLoopback(free);
  await closeServer(free);
  const ports: Partial<Record<DoorName, number>> = { ingress_tls: port, api: Number(new URL(freeOrigin).port) };
  await expect(openCluster({ portOf: (door) => ports[door] ?? 0 })).rejects.toMatchObject({ code: 'port_unavailable' });
  expect(await ask(freeOrigin, '/readyz')).toBeNull();
  await closeServer(taken);
});

test('what services are sent that is no request of theirs costs that connection and no more', async () => {
  const { urls } = house.cluster;
  const long = { x: new Array(200_000).fill(1) };
  expect(await ask(urls['psi-field'], '/step', { method: 'POST', body: long })).toBeNull();
  expect((await ask(urls['psi-field'], '//'))?.status).toBe(404);
  expect((await get('psi-field', '/health')).status).toBe(200);
});

test('the table says of every fault what it does and of which class it is', () => {
  const facts = Object.values(FAULTS);
  expect(facts.length).toBeGreaterThanOrEqual(45);
  for (const { does } of facts) expect(does.length).toBeGreaterThan(15);
  expect(new Set(facts.map(({ does }) => does)).size).toBe(facts.length);
});
