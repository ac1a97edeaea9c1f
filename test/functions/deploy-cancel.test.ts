import { describe, expect, test } from 'vitest';
import { claimed, nextStep } from '#functions/deploy/decide.ts';
import { OFFER_PATIENCE_MS } from '#shared/defaults.ts';
import { type DeploymentRecord, deploymentKey, doubtKey, type OpenDeployment } from '#shared/domain/deployment.ts';
import { type DeploymentRequest, deploymentRequested, routingOutcome } from '#shared/domain/events/catalogue.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { type DeployHouse, deployHouse, drive, requestOf } from '#test/support/deploy-house.ts';
import { unavailable } from '#test/support/memory-provider.ts';
import { deliver } from '#test/support/push.ts';

/** As route does when the tenant asks for the end: over what is on record, or in its place. */
async function cancel({ state, clock }: DeployHouse): Promise<void> {
  const at = rfc3339(clock.now());
  const entry = await state.get(deploymentKey('d1'));
  if (entry === null) await state.create(deploymentKey('d1'), { state: 'cancelled', cancelled_at: at });
  else
    await state.swap(deploymentKey('d1'), entry.version, {
      ...(entry.value as OpenDeployment),
      cancel_requested_at: at,
    });
}

/** What a delivery that died left on record. */
async function left(house: DeployHouse, record: OpenDeployment): Promise<void> {
  await house.state.create(deploymentKey('d1'), record);
}

const outcomes = ({ bus }: DeployHouse) =>
  bus.payloads('routing-outcome').map(({ attempt, status, blame, cost_usd }) => [attempt, status, blame, cost_usd]);
const doubts = async ({ state }: DeployHouse) => (await state.list('in-doubt/')).map(({ key }) => key);

describe('a deployment that its tenant gives up', () => {
  test('before deploy has taken it: the outcome is published, and nothing is made', async () => {
    const house = deployHouse();
    await cancel(house);
    const app = house.app();
    for (let i = 0; i < 3; i++)
      expect(await deliver(app, deploymentRequested, requestOf('vast:1', 'akash:2'))).toBe(204);
    expect(outcomes(house)).toEqual([[0, 'cancelled', 'tenant', 0]]);
    expect(await house.record()).toMatchObject({ state: 'ended', attempt: 0, status: 'cancelled', offer_id: 'vast:1' });
    expect(house.living()).toEqual([]);
    expect(house.settlements).toEqual([{ decision_id: 'd1', cost_usd: 0 }]);
  });

  test.each([
    ['whose instance was made unheard: it is found by its label and terminated', true],
    ['of which nothing was made', false],
  ])('while it is being deployed, %s', async (_, made) => {
    const house = deployHouse();
    const request = requestOf('vast:1', 'akash:2');
    await left(house, claimed(request, house.clock.now()));
    if (made)
      await house.providers.vast.deploy({ offer_id: 'vast:1', usd_per_gpu_hour: 0.4 }, {} as never, {
        requestId: 'd1',
        deadline: Number.POSITIVE_INFINITY,
      });
    await cancel(house);
    await drive(house, request);
    expect(house.providers.vast.terminated).toEqual(made ? ['vast-instance-1'] : []);
    expect(house.living()).toEqual([]);
    expect(outcomes(house)).toEqual([[0, 'cancelled', 'tenant', null]]);
    expect(await house.record()).toMatchObject({ state: 'ended', status: 'cancelled' });
    expect(await doubts(house)).toEqual([]);
  });

  test('while its provider is asked: the answer is not written over it, and what was made is terminated', async () => {
    const house = deployHouse();
    house.providers.vast.beforeDeploy = () => cancel(house);
    const request = requestOf('vast:1', 'akash:2');
    expect(await deliver(house.app(), deploymentRequested, request)).toBe(503);
    house.providers.vast.beforeDeploy = null;
    await drive(house, request);
    expect(house.living()).toEqual([]);
    expect(outcomes(house)).toEqual([[0, 'cancelled', 'tenant', null]]);
  });

  test('after its offer was found gone: that stays a failed start; the next attempt is the one that is not made', async () => {
    const house = deployHouse();
    house.providers.vast.gone.add('vast:1');
    const request = requestOf('vast:1', 'akash:2');
    expect(await deliver(house.app(), deploymentRequested, request)).toBe(204);
    const [next] = house.bus.payloads('deployment-requested');
    await cancel(house);
    // Either delivery comes first; the other then has nothing left to do.
    for (const one of [next, request]) if (one !== undefined) await drive(house, one);
    expect(new Set(outcomes(house).map(String))).toEqual(
      new Set(['0,failed_to_start,provider,0', '1,cancelled,tenant,0']),
    );
    expect(house.bus.distinct('routing-outcome')).toHaveLength(2);
    expect(await house.record()).toMatchObject({
      state: 'ended',
      attempt: 1,
      status: 'cancelled',
      offer_id: 'akash:2',
    });
    expect(house.living()).toEqual([]);
  });

  test('with no offer left: it had failed already', async () => {
    const house = deployHouse();
    const request = requestOf('vast:1');
    const gone = { at: rfc3339(house.clock.now()), blame: 'provider', in_doubt: false } as const;
    await left(house, { ...claimed(request, house.clock.now()), state: 'gone', given_up: gone });
    await cancel(house);
    await drive(house, request);
    expect(outcomes(house)).toEqual([[0, 'failed_to_start', 'provider', 0]]);
  });

  test('while it lives: it is watch that ends it', async () => {
    const house = deployHouse();
    const request = requestOf('vast:1');
    await drive(house, request);
    await cancel(house);
    await drive(house, request);
    expect(house.living()).toEqual(['vast-instance-1']);
    expect(await house.record()).toMatchObject({ state: 'live', cancel_requested_at: expect.any(String) });
    expect(house.bus.published).toEqual([]);
  });

  test('at a provider that is silent: asked again within the patience; then ended, with a doubt for watch to settle', async () => {
    const house = deployHouse();
    const request = { ...requestOf('vast:1', 'akash:2'), requested_at: rfc3339(house.clock.now()) };
    await left(house, claimed(request, house.clock.now()));
    await cancel(house);
    house.providers.vast.failure = unavailable();
    const app = house.app();
    expect(await deliver(app, deploymentRequested, request)).toBe(503);
    expect(await house.record()).toMatchObject({ state: 'deploying' });
    await house.clock.advance(OFFER_PATIENCE_MS + 1);
    expect(await deliver(app, deploymentRequested, request)).toBe(204);
    expect(outcomes(house)).toEqual([[0, 'cancelled', 'tenant', null]]);
    expect(await doubts(house)).toEqual([doubtKey('d1', 0)]);
    expect(house.bus.payloads('deployment-requested')).toEqual([]);
  });
});

describe('killed at any step', () => {
  type Prepare = (house: DeployHouse, request: DeploymentRequest) => Promise<void>;
  const cases: [string, Prepare, string[]][] = [
    ['given up before', (house) => cancel(house), ['0 cancelled']],
    [
      'given up while it is deployed',
      async (house, request) => {
        house.providers.vast.beforeDeploy = () => cancel(house);
        await deliver(house.app(), deploymentRequested, request);
        house.providers.vast.beforeDeploy = null;
      },
      ['0 cancelled'],
    ],
    [
      'given up after its offer was gone',
      async (house, request) => {
        house.providers.vast.gone.add('vast:1');
        await deliver(house.app(), deploymentRequested, request);
        await cancel(house);
      },
      ['0 failed_to_start', '1 cancelled'],
    ],
  ];
  test.each(cases)('%s: nothing lives on, each event has one wording', async (_, prepare, expected) => {
    for (const when of ['before', 'after'] as const) {
      let deaths = 0;
      for (let step = 1; ; step++) {
        const house = deployHouse();
        const request = requestOf('vast:1', 'akash:2');
        await prepare(house, request);
        house.deaths.killAt(step, when);
        let killed = false;
        const { revive } = house.deaths;
        house.deaths.revive = () => {
          const died = revive();
          killed ||= died;
          return died;
        };
        await drive(house, request);
        if (!killed) break;
        deaths += 1;
        expect(house.living()).toEqual([]);
        const told = house.bus.payloads('routing-outcome').map(({ attempt, status }) => `${attempt} ${status}`);
        expect([...new Set(told)]).toEqual(expected);
        const texts = house.bus.published
          .filter(({ topic }) => topic === routingOutcome.topic)
          .map(({ message }) => Buffer.from(message.data).toString());
        expect(new Set(texts).size).toBe(expected.length);
        expect(await house.record()).toMatchObject({ state: 'ended', status: 'cancelled' });
        expect(new Set(house.settlements.map((one) => JSON.stringify(one))).size).toBe(1);
      }
      expect(deaths).toBeGreaterThanOrEqual(3);
    }
  });
});

describe('what a delivery does with a record whose tenant has given it up', () => {
  const request = requestOf('vast:1', 'akash:2');
  const open = (state: OpenDeployment['state'], attempt = 0): OpenDeployment => ({
    ...claimed({ ...request, attempt }, 0),
    state,
    cancel_requested_at: rfc3339(0),
  });
  test.each<[string, DeploymentRecord, number, string]>([
    ['not taken yet', { state: 'cancelled', cancelled_at: rfc3339(0) }, 0, 'give_up'],
    ['being deployed', open('deploying'), 0, 'cancel'],
    ['gone', open('gone'), 0, 'cancel'],
    ['gone, and the next attempt is asked for', open('gone'), 1, 'cancel'],
    ['live', open('live'), 0, 'index'],
    ['of a later attempt', open('deploying', 1), 0, 'done'],
    [
      'ended, and a next attempt is asked for',
      {
        state: 'ended',
        attempt: 0,
        instance_id: null,
        offer_id: null,
        request_id: null,
        status: 'cancelled',
        ended_at: null,
      },
      1,
      'done',
    ],
  ])('%s', (_, record, attempt, step) => {
    expect(nextStep(record, { ...request, attempt }, { nowMs: 0, speed: 1 })).toBe(step);
  });
});
