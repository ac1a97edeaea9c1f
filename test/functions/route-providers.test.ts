/** Providers that are down or busy: who is kept out of the decisions, for how long, and how it shows. */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { RouteAnswer } from '#functions/route/answer.ts';
import { creationQueues } from '#functions/route/creation-queues.ts';
import { barOf, barredAt, type Now, queueMs, standingsOf } from '#functions/route/standing.ts';
import {
  CREATION_QUEUE_LIMIT_MS,
  DEPLOYER_REFUSAL_FRESH_MS,
  DEPLOYER_REPORT_FRESH_MS,
  OFFERS_STALE_LIMIT_MS,
  POLL_INTERVAL_MS,
} from '#shared/defaults.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { type DeployerReport, PROVIDERS_OBJECT, type ProviderReport } from '#shared/domain/provider-report.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { testCases } from '#test/support/cases.ts';
import { bodyOf, post } from '#test/support/push.ts';
import { aReport, aRouteRequest, FIVE_OFFERS, NOW, routeHouse } from '#test/support/route-house.ts';
import { aRequest } from '#test/support/runtime.ts';

const aDeployer = (changes: Partial<DeployerReport> = {}): DeployerReport => ({
  provider: 'vast',
  at: rfc3339(NOW),
  waited_ms: 0,
  breaker: 'closed',
  refusing: null,
  ...changes,
});

describe('how a provider stands', () => {
  const at = (sinceMs: number, speed = 1): Now => ({ hostMs: NOW + sinceMs, worldMs: NOW + sinceMs * speed, speed });
  const bar = (
    { report, deployer }: { report?: Partial<ProviderReport>; deployer?: Partial<DeployerReport> },
    sinceMs = 0,
    decidedMs = 0,
  ) => {
    const snapshot = report === undefined ? null : { observed_at: rfc3339(NOW), providers: [aReport('vast', report)] };
    const standing = standingsOf(snapshot, deployer === undefined ? [] : [aDeployer(deployer)]).get('vast');
    if (standing === undefined) throw new Error('expected a standing');
    return barOf(standing, decidedMs, at(sinceMs));
  };

  test.each<[string, Parameters<typeof bar>, string | null]>([
    ['up', [{ report: {}, deployer: {} }], null],
    ['failing: its last offers still count', [{ report: { health: 'failing' } }], null],
    [
      'down',
      [{ report: { health: 'down', error: { code: 'provider_funds', message: 'a secret story' } } }],
      'vast to be up again: down since 2026-01-01T09:00:00.000Z, provider_funds',
    ],
    ['down, as nobody confirmed any more', [{ report: { health: 'down' } }, OFFERS_STALE_LIMIT_MS + 1], null],
    [
      'down, for the last time confirmed',
      [{ report: { health: 'down' } }, OFFERS_STALE_LIMIT_MS],
      'vast to be up again',
    ],
    [
      'refusing us',
      [{ deployer: { refusing: { code: 'provider_unauthorized', message: 'bad key' } } }],
      'vast to accept us again: provider_unauthorized',
    ],
    [
      'refusing us, a long time ago',
      [{ deployer: { refusing: { code: 'provider_unauthorized', message: '' } } }, DEPLOYER_REFUSAL_FRESH_MS + 1],
      null,
    ],
    ['behind an open breaker', [{ deployer: { breaker: 'open' } }], 'vast to answer again: its breaker is open'],
    ['behind one that tries', [{ deployer: { breaker: 'half_open' } }], null],
    [
      'behind one that nobody has spoken of since',
      [{ deployer: { breaker: 'open' } }, DEPLOYER_REPORT_FRESH_MS + 1],
      null,
    ],
  ])('%s', (_, given, needed) => {
    const found = bar(...given);
    if (needed === null) expect(found).toBeNull();
    else expect(found).toEqual({ reason: 'provider_down', needed: expect.stringContaining(needed) });
    expect(found?.needed ?? '').not.toContain('story');
  });

  test.each<[string, number, Partial<DeployerReport>, number, string | null]>([
    ['at the limit', CREATION_QUEUE_LIMIT_MS, {}, 0, null],
    ['past it by what was decided here', CREATION_QUEUE_LIMIT_MS + 1, {}, 0, 'in 1 s'],
    ['past it by what deploy saw', 0, { waited_ms: CREATION_QUEUE_LIMIT_MS + 4_001 }, 0, 'in 5 s'],
    ['past it by the longer of the two', CREATION_QUEUE_LIMIT_MS + 2_000, { waited_ms: 100 }, 0, 'in 2 s'],
    ['drained with time', 0, { waited_ms: CREATION_QUEUE_LIMIT_MS + 4_000 }, 4_000, null],
    ['not past it as nobody has said of late', 0, { waited_ms: 600_000 }, DEPLOYER_REPORT_FRESH_MS + 1, null],
  ])('a queue %s', (_, decidedMs, deployer, sinceMs, needed) => {
    const found = bar({ deployer }, sinceMs, decidedMs);
    expect(found).toEqual(needed === null ? null : { reason: 'call_rate', needed });
  });

  test('the report of a clock that runs ahead is a new one', () => {
    expect(bar({ deployer: { breaker: 'open', at: rfc3339(NOW + 5_000) } })).not.toBeNull();
  });

  test('law: whoever is told to come back in N seconds is let in then, and not a second earlier', () => {
    const waits = fc.record({ decidedMs: fc.nat(200_000), waitedMs: fc.nat(DEPLOYER_REPORT_FRESH_MS * 3) });
    fc.assert(
      fc.property(waits, ({ decidedMs, waitedMs }) => {
        const standings = standingsOf(null, [aDeployer({ waited_ms: waitedMs })]);
        const barred = (sinceMs: number) => barredAt(standings, () => Math.max(0, decidedMs - sinceMs), at(sinceMs));
        const seconds = Number(/^in (\d+) s$/.exec(barred(0).get('vast')?.needed ?? 'in 0 s')?.[1]);
        expect(barred(seconds * 1000).size).toBe(0);
        // Unless deploy has fallen silent meanwhile.
        if (seconds > 1 && (seconds - 1) * 1000 <= DEPLOYER_REPORT_FRESH_MS)
          expect(barred((seconds - 1) * 1000).size).toBe(1);
      }),
      { numRuns: testCases },
    );
  });

  test('nobody is kept out where nothing is known', () => {
    expect(barredAt(standingsOf(null, []), () => 0, at(0)).size).toBe(0);
  });
});

describe('the queue of what was decided here', () => {
  test('law: each creation takes its spacing, time drains it, and it is never below nought', () => {
    const steps = fc.array(fc.record({ afterMs: fc.nat(10_000), add: fc.boolean() }), { maxLength: 40 });
    fc.assert(
      fc.property(steps, fc.nat(6_000), (all, spacingMs) => {
        const queues = creationQueues();
        let [now, expected] = [NOW, 0];
        for (const { afterMs, add } of all) {
          now += afterMs;
          expected = Math.max(0, expected - afterMs) + (add ? spacingMs : 0);
          if (add) queues.add('vast', spacingMs, now);
          expect(queues.waitMs('vast', now)).toBe(expected);
        }
        expect(queues.waitMs('akash', now)).toBe(0);
      }),
      { numRuns: testCases },
    );
  });

  test('deploy’s own queue counts where it is the longer one', () => {
    const standing = standingsOf(null, [aDeployer({ waited_ms: 9_000 })]).get('vast');
    if (standing === undefined) throw new Error('expected a standing');
    const now: Now = { hostMs: NOW + 1_000, worldMs: NOW, speed: 1 };
    expect([queueMs(standing, 0, now), queueMs(standing, 8_500, now)]).toEqual([8_000, 8_500]);
  });
});

let house = routeHouse();
afterEach(async () => {
  await house.close();
  expect(house.clock.pending()).toBe(0);
  house = routeHouse();
});

const routed = async (app: FunctionApp, id: string): Promise<RouteAnswer> =>
  bodyOf<RouteAnswer>(await post(app, '/route', aRouteRequest({ request_id: id })));
const providersOf = async (app: FunctionApp, count = 30, from = 'r'): Promise<Set<string | null>> =>
  new Set(
    await Promise.all(Array.from({ length: count }, async (_, i) => (await routed(app, `${from}${i}`)).provider)),
  );

describe('route', () => {
  test('sends nobody to a provider that is down, from one poll to the other', async () => {
    await house.offer(FIVE_OFFERS);
    const app = await house.app();
    expect((await routed(app, 'before')).provider).toBe('vast');
    await house.report([aReport('vast', { health: 'down' }), aReport('akash')]);
    await house.clock.advance(POLL_INTERVAL_MS);
    expect(await providersOf(app)).toEqual(new Set(['akash']));
    expect(
      house.bus
        .payloads('routing-decision')
        .at(-1)
        ?.excluded.map(({ reason }) => reason),
    ).toEqual(Array(3).fill('provider_down'));
    await house.report([aReport('vast'), aReport('akash')]);
    await house.clock.advance(POLL_INTERVAL_MS);
    expect((await routed(app, 'after')).provider).toBe('vast');
  });

  test('obeys deploy’s word of a breaker, as long as it is fresh', async () => {
    await house.offer(FIVE_OFFERS);
    await house.deployer({ provider: 'vast', breaker: 'open' });
    const app = await house.app();
    expect(await providersOf(app)).toEqual(new Set(['akash']));
    await house.clock.advance(DEPLOYER_REPORT_FRESH_MS + POLL_INTERVAL_MS);
    expect((await routed(app, 'later')).provider).toBe('vast');
  });

  test('counts a provider’s call rate as capacity: what it has decided waits for its turn', async () => {
    await house.offer(FIVE_OFFERS);
    const capabilities = { ...aReport('vast').capabilities, create_spacing_ms: 4_500 };
    await house.report([aReport('vast', { capabilities }), aReport('akash')]);
    const app = await house.app();
    const answers: RouteAnswer[] = [];
    for (let i = 0; i < 20; i++) answers.push(await routed(app, `r${i}`));
    // Six are 27 s, the seventh waits longer than a creation may.
    const toVast = answers.filter(({ provider }) => provider === 'vast').length;
    expect(toVast).toBe(7);
    const [last] = house.bus.payloads('routing-decision').slice(-1);
    expect(last?.excluded[0]).toMatchObject({ provider: 'vast', reason: 'call_rate', needed: 'in 2 s' });
    await house.clock.advance(2_000);
    expect((await routed(app, 'again')).provider).toBe('vast');
    expect((await routed(app, 'once more')).provider).toBe('akash');
  });

  test('a request that is repeated takes no second turn', async () => {
    await house.offer(FIVE_OFFERS.filter(({ provider }) => provider === 'vast'));
    const capabilities = { ...aReport('vast').capabilities, create_spacing_ms: CREATION_QUEUE_LIMIT_MS };
    await house.report([aReport('vast', { capabilities })]);
    const app = await house.app();
    // At once, so that twins lose to the first, and once more when it is known.
    await Promise.all(Array.from({ length: 4 }, () => routed(app, 'r1')));
    await routed(app, 'r1');
    expect((await routed(app, 'r2')).status).toBe('provisioning');
    const refused = await routed(app, 'r3');
    expect(refused).toMatchObject({ status: 'no_capacity', reason: expect.stringContaining('call_rate (in 30 s)') });
  });

  test.each<[string, () => Promise<unknown>]>([
    ['is none', async () => undefined],
    ['is no JSON', () => house.objects.write(PROVIDERS_OBJECT, new TextEncoder().encode('{"observed'), {})],
    [
      'is of another form',
      () => house.objects.write(PROVIDERS_OBJECT, new TextEncoder().encode('{"providers":1}'), {}),
    ],
  ])('keeps nobody out for a report that %s, whatever the last one said', async (name, spoil) => {
    await house.offer(FIVE_OFFERS);
    if (name !== 'is none') await house.report([aReport('vast', { health: 'down' })]);
    const app = await house.app();
    await spoil();
    await house.clock.advance(POLL_INTERVAL_MS);
    expect((await routed(app, 'r1')).provider).toBe('vast');
  });

  test('keeps nobody out while the reports of deploy cannot be read, and says so once', async () => {
    await house.offer(FIVE_OFFERS);
    await house.deployer({ provider: 'vast', refusing: { code: 'provider_funds', message: 'empty' } });
    const { state } = house;
    const whole = state.list;
    const app = await house.app();
    expect(await providersOf(app)).toEqual(new Set(['akash']));
    state.list = async () => Promise.reject(new Error('away'));
    await house.clock.advance(3 * POLL_INTERVAL_MS);
    expect((await routed(app, 'x')).provider).toBe('vast');
    expect(house.deps.lines.filter(({ message }) => message.startsWith('reports of deploy cannot'))).toHaveLength(1);
    state.list = whole;
    await house.clock.advance(POLL_INTERVAL_MS);
    expect(await providersOf(app, 30, 's')).toEqual(new Set(['akash']));
  });
});

describe('GET /providers', () => {
  const get = async (app: FunctionApp, path: string) => app.handle(aRequest({ path }));

  test('says how each stands, by either of its names', async () => {
    await house.offer(FIVE_OFFERS);
    await house.report([
      aReport('akash'),
      aReport('vast', { health: 'down', error: { code: 'provider_funds', message: 'm' } }),
    ]);
    await house.deployer({ provider: 'akash', breaker: 'half_open', waited_ms: 1_500 });
    await house.objects.write(
      'deployments/summary.json',
      new TextEncoder().encode(JSON.stringify({ observed_at: rfc3339(NOW), active: { akash: 4 }, reward: null })),
      {},
    );
    const app = await house.app();
    const { providers } = bodyOf<{ providers: Record<string, unknown>[] }>(await get(app, '/providers'));
    expect(providers).toMatchObject([
      {
        id: 'akash',
        name: 'Akash Network',
        active: true,
        regions: ['us-west'],
        gpu_types: ['rtx4090'],
        health: 'up',
        usd_per_gpu_hour: { rtx4090: { min: 0.3, median: 0.4, offers: 3 } },
        capacity_gpu_hours: 150,
        latency_ms: 100,
        reputation: 90,
        active_deployments: 4,
        breaker: 'half_open',
        queue_ms: 1_500,
        excluded: null,
      },
      { id: 'vast', active: false, health: 'down', error: 'provider_funds', excluded: { reason: 'provider_down' } },
    ]);
    for (const name of ['vast', 'vastai', 'Vast.ai'])
      expect(bodyOf(await get(app, `/providers/${name}`))).toEqual(providers[1]);
    const unknown = await get(app, '/providers/golem');
    expect([unknown.status, bodyOf(unknown)['error']]).toEqual([
      404,
      expect.objectContaining({ code: 'provider_unknown', message: 'no provider "golem"; known: akash, vast' }),
    ]);
  });

  test('before anybody has looked there are none', async () => {
    expect(bodyOf(await get(await house.app(), '/providers'))).toEqual({ providers: [] });
  });
});
