import { describe, expect, test } from 'vitest';
import { claimed, goneOutcome, nextAttempt, nextStep } from '#functions/deploy/decide.ts';
import { type DeploymentRecord, deploymentKey, endedOf, type OpenDeployment } from '#shared/domain/deployment.ts';
import { deploymentRequested, routingOutcome } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { type DeployHouse, deployHouse, drive, requestOf } from '#test/support/deploy-house.ts';
import { aStatus, unavailable } from '#test/support/memory-provider.ts';
import { aPush, deliver } from '#test/support/push.ts';
import { aRequest } from '#test/support/runtime.ts';

describe('a deployment', () => {
  test('is created once and followed from then on', async () => {
    const house = deployHouse();
    expect(await deliver(house.app(), deploymentRequested, requestOf('vast:1'))).toBe(204);
    expect(await house.record()).toMatchObject({ state: 'live', attempt: 0, instance_id: 'vast-instance-1' });
    expect(await house.live()).toEqual(['live/d1']);
    expect(house.bus.published).toEqual([]);
    expect(house.clock.pending()).toBe(0);
  });

  test('is none that a page in a browser on this machine asks for: its push is no bus’s', async () => {
    const house = deployHouse();
    const push = aPush(encodeEvent(deploymentRequested, requestOf('vast:1')));
    const headers = { ...push.headers, host: '127.0.0.1:8084', 'sec-fetch-site': 'cross-site' };
    expect((await house.app().handle(aRequest({ ...push, headers }))).status).toBe(403);
    expect([house.living(), house.bus.published]).toEqual([[], []]);
  });

  test('redelivered, now or late, changes nothing', async () => {
    const house = deployHouse();
    const app = house.app();
    for (let i = 0; i < 3; i++) expect(await deliver(app, deploymentRequested, requestOf('vast:1'))).toBe(204);
    const live = await house.record();
    await house.state.swap(deploymentKey('d1'), (await house.state.get(deploymentKey('d1')))?.version ?? '', {
      ...live,
      state: 'ended',
    });
    const [index] = await house.state.list('live/');
    await house.state.remove('live/d1', index?.version ?? '');
    expect(await deliver(app, deploymentRequested, requestOf('vast:1'))).toBe(204);
    expect(house.living()).toEqual(['vast-instance-1']);
    expect(await house.live()).toEqual([]);
    expect(house.bus.published).toEqual([]);
  });

  test('whose offers go one after the other tries them in order, then ends', async () => {
    const house = deployHouse();
    house.providers.vast.gone.add('vast:1').add('vast:3');
    house.providers.akash.gone.add('akash:2');
    await drive(house, requestOf('vast:1', 'akash:2', 'vast:3'));
    const outcomes = house.bus.payloads('routing-outcome');
    expect(
      outcomes.map(({ attempt, offer_id, status, final, blame, propensity }) => [
        attempt,
        offer_id,
        status,
        final,
        blame,
        propensity,
      ]),
    ).toEqual([
      [0, 'vast:1', 'failed_to_start', true, 'provider', 0.9],
      [1, 'akash:2', 'failed_to_start', true, 'provider', null],
      [2, 'vast:3', 'failed_to_start', true, 'provider', null],
    ]);
    expect(
      house.bus
        .payloads('deployment-requested')
        .map(({ attempt, option: { offer_id }, propensity, fallbacks }) => [
          attempt,
          offer_id,
          propensity,
          fallbacks.length,
        ]),
    ).toEqual([
      [1, 'akash:2', null, 1],
      [2, 'vast:3', null, 0],
    ]);
    expect(house.living()).toEqual([]);
    expect(await house.record()).toMatchObject({ state: 'ended', attempt: 2 });
    await house.clock.advance(7 * 3_600_000);
    expect(await house.state.get(deploymentKey('d1'))).toBeNull();
  });

  test('takes the first fallback that is there', async () => {
    const house = deployHouse();
    house.providers.vast.gone.add('vast:1');
    await drive(house, requestOf('vast:1', 'akash:2', 'vast:3'));
    expect(house.living()).toEqual(['akash-instance-1']);
    expect(await house.record()).toMatchObject({ state: 'live', attempt: 1, instance_id: 'akash-instance-1' });
    // A late duplicate of the first attempt finds that it is over.
    expect(await deliver(house.app(), deploymentRequested, requestOf('vast:1', 'akash:2', 'vast:3'))).toBe(204);
    expect(house.living()).toEqual(['akash-instance-1']);
    expect(house.bus.distinct('routing-outcome')).toHaveLength(1);
  });

  test.each([
    [null, undefined, null],
    [0.5, undefined, 0.5],
    [null, 0.4, 0.4],
    [0.5, 0.4, 0.4],
    [0.3, 0.4, 0.3],
  ])('of a request for at most %s and a tenant that may pay %s costs at most %s', async (asked, may, most) => {
    const house = deployHouse();
    const given: (number | null)[] = [];
    const { deploy } = house.providers.vast;
    house.providers.vast.deploy = (offer, spec, context) => {
      given.push(spec.max_usd_per_gpu_hour);
      return deploy(offer, spec, context);
    };
    const request = requestOf('vast:1');
    const option = { ...request.option, ...(may === undefined ? {} : { max_usd_per_gpu_hour: may }) };
    await drive(house, { ...request, request: { ...request.request, max_price: asked }, option });
    expect(given).toEqual([most]);
  });

  test('begun, then killed, and over before anybody comes again: it is not made a second time', async () => {
    const house = deployHouse();
    const { vast } = house.providers;
    const make = vast.deploy;
    vast.deploy = async (_offer, _spec, context) => {
      await context.begun?.('b-1');
      vast.statuses.set('b-1', aStatus('b-1', null, { state: 'exited' }));
      throw unavailable();
    };
    expect(await deliver(house.app(), deploymentRequested, requestOf('vast:1'))).toBe(503);
    expect(await house.record()).toMatchObject({ state: 'deploying', instance_id: 'b-1' });
    vast.deploy = make;
    expect(await deliver(house.app(), deploymentRequested, requestOf('vast:1'))).toBe(204);
    expect(await house.record()).toMatchObject({ state: 'live', instance_id: 'b-1' });
    expect([...vast.made]).toEqual([]);
  });

  test('begun, and nothing became of it: it is made anew', async () => {
    const house = deployHouse();
    const { vast } = house.providers;
    const make = vast.deploy;
    vast.deploy = async (_offer, _spec, context) => {
      await context.begun?.('b-1');
      throw unavailable();
    };
    expect(await deliver(house.app(), deploymentRequested, requestOf('vast:1'))).toBe(503);
    vast.deploy = make;
    expect(await deliver(house.app(), deploymentRequested, requestOf('vast:1'))).toBe(204);
    expect(await house.record()).toMatchObject({ state: 'live', instance_id: 'vast-instance-1' });
  });

  test.each([
    ['in time', 0, 'provider'],
    ['after it waited for us past the age of offers', 31 * 60_000, 'ours'],
  ])('an offer found gone %s is the fault of: (%i ms later) %s', async (_, waitedMs, blame) => {
    const house = deployHouse();
    house.providers.vast.gone.add('vast:1');
    await house.clock.advance(waitedMs);
    await drive(house, requestOf('vast:1'));
    expect(house.bus.payloads('routing-outcome')).toMatchObject([{ status: 'failed_to_start', final: true, blame }]);
  });

  test('at a provider that is away: 503, comes again, and then is one instance', async () => {
    const house = deployHouse();
    house.providers.vast.failure = unavailable();
    const app = house.app();
    for (let i = 0; i < 3; i++) expect(await deliver(app, deploymentRequested, requestOf('vast:1'))).toBe(503);
    expect(await house.record()).toMatchObject({ state: 'deploying' });
    house.providers.vast.failure = null;
    expect(await deliver(app, deploymentRequested, requestOf('vast:1'))).toBe(204);
    expect(house.living()).toEqual(['vast-instance-1']);
  });

  test('at a provider without an adapter goes on to the next offer; the fault is ours', async () => {
    const house = deployHouse();
    await drive(house, requestOf('nobody:1', 'vast:2'));
    expect(house.living()).toEqual(['vast-instance-1']);
    expect(house.bus.payloads('routing-outcome')).toMatchObject([
      { attempt: 0, provider: 'nobody', status: 'failed_to_start', final: true, blame: 'ours' },
    ]);
    const [line] = house.deps.lines.filter(({ level }) => level === 'error');
    expect(line?.fields).toMatchObject({ code: 'provider_unknown', offer_id: 'nobody:1' });
  });
});

describe('killed at any step', () => {
  const cases: [string, string[], (house: DeployHouse) => void, number][] = [
    ['a plain deployment', ['vast:1'], () => undefined, 1],
    ['a fallback at the same provider', ['vast:1', 'vast:2'], ({ providers }) => providers.vast.gone.add('vast:1'), 1],
    ['a fallback elsewhere', ['vast:1', 'akash:2'], ({ providers }) => providers.vast.gone.add('vast:1'), 1],
    [
      'nothing left',
      ['vast:1', 'akash:2'],
      ({ providers }) => {
        providers.vast.gone.add('vast:1');
        providers.akash.gone.add('akash:2');
      },
      0,
    ],
  ];

  test.each(cases)('%s: never two instances, the same events word for word', async (_, offers, prepare, expected) => {
    const [first = '', ...fallbacks] = offers;
    const undisturbed = deployHouse();
    prepare(undisturbed);
    await drive(undisturbed, requestOf(first, ...fallbacks));
    const wanted = [...new Set(undisturbed.bus.published.map(({ eventId }) => eventId))];
    for (const when of ['before', 'after'] as const) {
      let deaths = 0;
      for (let step = 1; ; step++) {
        const house = deployHouse();
        prepare(house);
        house.deaths.killAt(step, when);
        let killed = false;
        const revive = house.deaths.revive;
        house.deaths.revive = () => {
          const died = revive();
          killed ||= died;
          return died;
        };
        await drive(house, requestOf(first, ...fallbacks));
        if (!killed) break;
        deaths += 1;
        expect(house.living()).toHaveLength(expected);
        expect([...house.providers.vast.made.values(), ...house.providers.akash.made.values()].flat()).toHaveLength(
          expected,
        );
        expect(await house.live()).toHaveLength(expected);
        const record = await house.record();
        expect(record.state).toBe(expected === 1 ? 'live' : 'ended');
        expect([...new Set(house.bus.published.map(({ eventId }) => eventId))]).toEqual(wanted);
        const texts = new Set(house.bus.published.map(({ message }) => Buffer.from(message.data).toString()));
        expect(texts.size).toBe(wanted.length);
      }
      expect(deaths).toBeGreaterThanOrEqual(5);
    }
  });
});

describe('deliveries that overlap', () => {
  test('one instance; whoever loses comes again and finds it', async () => {
    const house = deployHouse();
    const app = house.app();
    const request = requestOf('vast:1');
    const statuses = await Promise.all(Array.from({ length: 8 }, () => deliver(app, deploymentRequested, request)));
    expect(statuses).toContain(204);
    expect(statuses.every((status) => status === 204 || status === 503)).toBe(true);
    expect(await deliver(app, deploymentRequested, request)).toBe(204);
    expect(house.living()).toEqual(['vast-instance-1']);
    expect(await house.live()).toEqual(['live/d1']);
  });

  test('one finds the offer gone and moves on, the other still gets it: that instance is not left running', async () => {
    const house = deployHouse();
    const app = house.app();
    const request = requestOf('vast:1', 'akash:2');
    // The attempt is claimed by a delivery that died.
    await house.state.create(deploymentKey('d1'), claimed(request, house.clock.now()));
    const lateGo = Promise.withResolvers<void>();
    const lateWaits = Promise.withResolvers<void>();
    house.providers.vast.beforeDeploy = () => {
      lateWaits.resolve();
      return lateGo.promise;
    };
    const late = deliver(app, deploymentRequested, request);
    await lateWaits.promise;
    house.providers.vast.beforeDeploy = null;
    house.providers.vast.gone.add('vast:1');
    expect(await deliver(app, deploymentRequested, request)).toBe(204);
    expect(await house.record()).toMatchObject({ state: 'gone' });
    lateGo.resolve();
    expect(await late).toBe(503);
    expect(house.providers.vast.terminated).toEqual(['vast-instance-1']);

    await drive(house, request);
    expect(house.living()).toEqual(['akash-instance-1']);
    expect(await house.record()).toMatchObject({ state: 'live', attempt: 1, instance_id: 'akash-instance-1' });
  });

  test('one is done while the other still asks: the instance that the record names lives on', async () => {
    const house = deployHouse();
    const app = house.app();
    const request = requestOf('vast:1');
    const go = Promise.withResolvers<void>();
    const waits = Promise.withResolvers<void>();
    house.providers.vast.beforeDeploy = () => {
      waits.resolve();
      return go.promise;
    };
    const late = deliver(app, deploymentRequested, request);
    await waits.promise;
    house.providers.vast.beforeDeploy = null;
    expect(await deliver(app, deploymentRequested, request)).toBe(204);
    go.resolve();
    expect(await late).toBe(503);
    expect(house.providers.vast.terminated).toEqual([]);
    expect(house.living()).toEqual(['vast-instance-1']);
  });
});

describe('decisions of deploy', () => {
  const request = requestOf('vast:1', 'akash:2');
  const record = (state: OpenDeployment['state'], attempt = 0): OpenDeployment => ({
    ...claimed({ ...request, attempt }, 0),
    state,
  });

  test.each<[string, DeploymentRecord | null, number, string]>([
    ['nothing on record', null, 0, 'claim'],
    ['a later attempt than on record', record('gone'), 1, 'claim'],
    ['claimed', record('deploying'), 0, 'create'],
    ['gone', record('gone'), 0, 'move_on'],
    ['live', record('live'), 0, 'index'],
    ['ended', endedOf(record('live'), { status: 'completed', observed_at: '2026-01-01T00:00:00.000Z' }), 0, 'done'],
    ['an earlier attempt than on record', record('deploying', 1), 0, 'done'],
    ['an earlier attempt, the later one is live', record('live', 2), 1, 'done'],
  ])('%s', (_, known, attempt, step) => {
    expect(nextStep(known, { ...request, attempt }, { nowMs: 0, speed: 1 })).toBe(step);
  });

  test('the failed start of an offer that is gone is a valid outcome that cost nothing', () => {
    const outcome = goneOutcome(claimed(request, Date.UTC(2026, 0, 1)));
    expect(routingOutcome.schema.parse(outcome)).toEqual(outcome);
    expect(outcome).toMatchObject({
      sequence: 1,
      cost_usd: 0,
      exposure_hours: 0,
      observed_at: '2026-01-01T00:00:00.000Z',
    });
  });

  test('after the last fallback there is no next attempt', () => {
    expect(nextAttempt(claimed(requestOf('vast:1'), 0))).toBeNull();
  });
});
