import { describe, expect, test } from 'vitest';
import { createDeploy } from '#functions/deploy/handler.ts';
import { createWatch } from '#functions/watch/handler.ts';
import { BREAKER_FAILURES, DOUBT_LIMIT_MS, ENDED_TTL_MS, OFFER_PATIENCE_MS } from '#shared/defaults.ts';
import { type DeploymentRecord, deploymentKey, deploymentRecord, doubtKey } from '#shared/domain/deployment.ts';
import { type DeploymentRequest, deploymentRequested, routingOutcome } from '#shared/domain/events/catalogue.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import { fakeClock } from '#test/support/clock.ts';
import { alive, drive as driveIn, requestOf as requestFor } from '#test/support/deploy-house.ts';
import { EVENT_SAMPLES } from '#test/support/events.ts';
import { faults } from '#test/support/faults.ts';
import { memoryBus } from '#test/support/memory-bus.ts';
import { memoryObjects } from '#test/support/memory-objects.ts';
import { aStatus, type MemoryProvider, memoryProvider, unavailable } from '#test/support/memory-provider.ts';
import { memoryState } from '#test/support/memory-state.ts';
import { deliver, post } from '#test/support/push.ts';
import { testDeps } from '#test/support/runtime.ts';

const START = Date.UTC(2026, 0, 1);
const SPEED = 600;
const TEN_MINUTES_MS = 600_000;

const requestOf = (...offers: Parameters<typeof requestFor>): DeploymentRequest => ({
  ...requestFor(...offers),
  requested_at: rfc3339(START),
});

/** deploy and watch over the same state and providers, in a world that runs fast. */
function house() {
  const clock = fakeClock(START);
  const worldClock = { speed: SPEED, now: () => START + (clock.now() - START) * SPEED };
  const state = memoryState(clock);
  const bus = memoryBus();
  const deaths = faults();
  const providers = { vast: memoryProvider('vast'), akash: memoryProvider('akash') };
  const deps = testDeps(clock);
  const wrapped = () => ({
    ...deps,
    worldClock,
    bus: deaths.wrap(bus),
    state: deaths.wrap(state),
    providers: Object.values(providers).map((provider) => deaths.wrap(provider)),
  });
  return {
    clock,
    worldClock,
    state,
    bus,
    deaths,
    providers,
    deps,
    app: () => createDeploy(wrapped()),
    watch: async () => {
      const objects = memoryObjects();
      const probe = async () => ({ ms: null, reason: 'nobody measures' });
      return (await post(createWatch({ ...wrapped(), objects, probe }), '/run')).status;
    },
    record: async (id = 'd1'): Promise<DeploymentRecord | null> => {
      const entry = await state.get(deploymentKey(id));
      return entry === null ? null : deploymentRecord.parse(entry.value);
    },
    doubts: async () => (await state.list('in-doubt/')).map(({ key }) => key),
    living: () => Object.values(providers).flatMap(alive),
    outcomes: () =>
      bus
        .payloads('routing-outcome')
        .map(({ attempt, offer_id, status, final, blame }) => [attempt, offer_id, status, final, blame]),
  };
}

/** Makes the instance, and the answer never arrives. */
function losesAnswers(provider: MemoryProvider): () => void {
  const { deploy } = provider;
  provider.deploy = async (...args) => {
    await deploy(...args);
    throw new TransientError('provider_unavailable', 'the answer was lost');
  };
  return () => {
    provider.deploy = deploy;
  };
}

type House = ReturnType<typeof house>;

/** From now on it is ready, whatever the world's time. */
const runs = (at: House, provider: MemoryProvider, instance: string): void => {
  const now = rfc3339(at.worldClock.now());
  provider.statuses.set(instance, aStatus(instance, 'd1', { state: 'running', created_at: now, ready_at: now }));
};

/** Patience is over within a few deliveries. */
const drive = (at: House, request: DeploymentRequest): Promise<void> =>
  driveIn(at, request, { deliveries: 60, pauseMs: 20_000 });

describe('a provider that stays silent', () => {
  test('is asked again within the patience, then left for the next offer; its attempt has failed, once', async () => {
    const at = house();
    at.providers.vast.failure = unavailable();
    const app = at.app();
    const request = requestOf('vast:1', 'akash:2');
    for (const waitedMs of [0, 1_000, OFFER_PATIENCE_MS - 1_000]) {
      expect(await deliver(app, deploymentRequested, request)).toBe(503);
      await at.clock.advance(waitedMs);
    }
    await at.clock.advance(1);
    expect(await at.record()).toMatchObject({ state: 'deploying' });
    expect(at.bus.published).toEqual([]);
    await drive(at, request);
    expect(at.outcomes()).toEqual([[0, 'vast:1', 'failed_to_start', true, 'provider']]);
    expect(await at.record()).toMatchObject({ state: 'live', attempt: 1, instance_id: 'akash-instance-1' });
    // The next attempt has a patience of its own.
    expect(at.bus.payloads('deployment-requested')).toMatchObject([
      { attempt: 1, requested_at: rfc3339(at.worldClock.now()), propensity: null },
    ]);
  });

  test('is not tried with its other offers', async () => {
    const at = house();
    at.providers.vast.failure = unavailable();
    await drive(at, requestOf('vast:1', 'vast:2', 'akash:3', 'vast:4'));
    expect(await at.record()).toMatchObject({
      state: 'live',
      instance_id: 'akash-instance-1',
      request: { option: { offer_id: 'akash:3' }, fallbacks: [] },
    });
  });

  test('and no offer left: the decision ends, with its outcome published', async () => {
    const at = house();
    at.providers.vast.failure = unavailable();
    await drive(at, requestOf('vast:1', 'vast:2'));
    expect(at.outcomes()).toEqual([[0, 'vast:1', 'failed_to_start', true, 'provider']]);
    expect(await at.record()).toMatchObject({ state: 'ended', attempt: 0 });
    expect(await at.doubts()).toEqual([doubtKey('d1', 0)]);
  });

  test('what waited behind it goes elsewhere at its first delivery, mostly without asking', async () => {
    const at = house();
    at.providers.vast.failure = unavailable();
    let asked = 0;
    const { deploy } = at.providers.vast;
    at.providers.vast.deploy = (...args) => {
      asked += 1;
      return deploy(...args);
    };
    await at.clock.advance(OFFER_PATIENCE_MS + 1);
    const app = at.app();
    for (let i = 0; i < 50; i++) {
      const request = { ...requestOf('vast:1', 'akash:2'), decision_id: `d${i}` };
      expect(await deliver(app, deploymentRequested, request)).toBe(204);
    }
    expect(asked).toBe(BREAKER_FAILURES);
    expect(at.bus.payloads('deployment-requested')).toHaveLength(50);
  });

  test('refuses for another reason than a gone offer: goes on at once, and the fault is ours', async () => {
    const at = house();
    at.providers.vast.failure = new RejectedError('unauthorized', 'the key of this account has expired');
    await drive(at, requestOf('vast:1', 'akash:2'));
    expect(at.outcomes()).toEqual([[0, 'vast:1', 'failed_to_start', true, 'ours']]);
    expect(await at.doubts()).toEqual([]);
    expect(at.living()).toEqual(['akash-instance-1']);
  });
});

describe('an answer that was lost', () => {
  test('is adopted when the provider speaks within the patience', async () => {
    const at = house();
    const speak = losesAnswers(at.providers.vast);
    const request = requestOf('vast:1', 'akash:2');
    expect(await deliver(at.app(), deploymentRequested, request)).toBe(503);
    speak();
    await drive(at, request);
    expect(at.living()).toEqual(['vast-instance-1']);
    expect(await at.record()).toMatchObject({ state: 'live', attempt: 0, instance_id: 'vast-instance-1' });
    expect(at.outcomes()).toEqual([]);
  });

  test('for longer: the decision runs elsewhere, and what was made unheard is terminated when the provider speaks', async () => {
    const at = house();
    losesAnswers(at.providers.vast);
    await drive(at, requestOf('vast:1', 'akash:2'));
    expect(at.living()).toEqual(['vast-instance-1', 'akash-instance-1']);
    at.providers.vast.failure = unavailable();
    expect(await at.watch()).toBe(200);
    expect(await at.doubts()).toEqual([doubtKey('d1', 0)]);
    at.providers.vast.failure = null;
    expect(await at.watch()).toBe(200);
    expect(at.living()).toEqual(['akash-instance-1']);
    // A late creation is still possible for a while.
    expect(await at.watch()).toBe(200);
    expect(await at.doubts()).toEqual([doubtKey('d1', 0)]);
    await at.clock.advance(TEN_MINUTES_MS);
    runs(at, at.providers.akash, 'akash-instance-1');
    expect(await at.watch()).toBe(200);
    expect(await at.doubts()).toEqual([]);
    expect(at.providers.akash.terminated).toEqual([]);
  });

  test('and then a refusal: it may live, so it is on record, and no other offer there is tried', async () => {
    const at = house();
    const speak = losesAnswers(at.providers.vast);
    const request = requestOf('vast:1', 'vast:2', 'akash:3');
    expect(await deliver(at.app(), deploymentRequested, request)).toBe(503);
    speak();
    at.providers.vast.failure = new RejectedError('provider_unauthorized', 'vast list: 403');
    await drive(at, request);
    expect(at.outcomes()).toEqual([[0, 'vast:1', 'failed_to_start', true, 'ours']]);
    expect(await at.record()).toMatchObject({ state: 'live', instance_id: 'akash-instance-1' });
    expect(await at.doubts()).toEqual([doubtKey('d1', 0)]);
    at.providers.vast.failure = null;
    expect(await at.watch()).toBe(200);
    expect(at.living()).toEqual(['akash-instance-1']);
  });

  test('an instance that the record names is never terminated for a doubt', async () => {
    const at = house();
    await deliver(at.app(), deploymentRequested, requestOf('vast:1'));
    await at.state.create(doubtKey('d1', 0), {
      decision_id: 'd1',
      attempt: 0,
      provider: 'vast',
      since: rfc3339(at.worldClock.now()),
    });
    expect(await at.watch()).toBe(200);
    expect(at.living()).toEqual(['vast-instance-1']);
    expect(await at.doubts()).toEqual([]);
  });

  test('a provider that never speaks again is named to a person, and let go', async () => {
    const at = house();
    at.providers.vast.failure = unavailable();
    await drive(at, requestOf('vast:1'));
    await at.clock.advance(DOUBT_LIMIT_MS + 1);
    expect(await at.watch()).toBe(200);
    expect(await at.doubts()).toEqual([]);
    expect(at.deps.lines.filter(({ level }) => level === 'error').at(-1)?.fields).toMatchObject({ provider: 'vast' });
  });
});

describe('killed at any step while a provider loses its answers', () => {
  test.each([
    ['an offer elsewhere', ['akash:2'], 1],
    ['no other offer', [], 0],
  ])('%s: the same events word for word, and in the end one instance or none', async (_, fallbacks, expected) => {
    const undisturbed = house();
    losesAnswers(undisturbed.providers.vast);
    await drive(undisturbed, requestOf('vast:1', ...fallbacks));
    const wanted = [...new Set(undisturbed.bus.published.map(({ eventId }) => eventId))];
    for (const when of ['before', 'after'] as const) {
      let deaths = 0;
      for (let step = 1; ; step++) {
        const at = house();
        const speak = losesAnswers(at.providers.vast);
        let killed = false;
        const { revive } = at.deaths;
        at.deaths.revive = () => {
          const died = revive();
          killed ||= died;
          return died;
        };
        at.deaths.killAt(step, when);
        await drive(at, requestOf('vast:1', ...fallbacks));
        if (!killed) break;
        deaths += 1;
        expect([...new Set(at.bus.published.map(({ eventId }) => eventId))]).toEqual(wanted);
        const texts = new Set(at.bus.published.map(({ message }) => Buffer.from(message.data).toString()));
        expect(texts.size).toBe(wanted.length);
        speak();
        await at.clock.advance(TEN_MINUTES_MS);
        if (expected === 1) runs(at, at.providers.akash, 'akash-instance-1');
        for (let turns = 0; turns < 2; turns++) expect(await at.watch()).toBe(200);
        expect(at.living()).toHaveLength(expected);
        expect(await at.doubts()).toEqual([]);
      }
      expect(deaths).toBeGreaterThanOrEqual(8);
    }
  });
});

describe('a request that comes far too late', () => {
  test('of a decision that nobody remembers: not deployed; its failed outcome is ours and is said once', async () => {
    const at = house();
    await at.clock.advance(ENDED_TTL_MS + 1_000);
    const app = at.app();
    for (let i = 0; i < 3; i++)
      expect(await deliver(app, deploymentRequested, requestOf('vast:1', 'akash:2'))).toBe(204);
    expect(at.living()).toEqual([]);
    expect(at.outcomes()).toEqual([[0, 'vast:1', 'failed_to_start', true, 'ours']]);
    expect(await at.record()).toMatchObject({ state: 'ended' });
    expect(at.bus.payloads('deployment-requested')).toEqual([]);
  });

  test('of one that ran and ended long ago: nothing runs, and the outcome has the id of the one that counts', async () => {
    const at = house();
    const request = requestOf('vast:1');
    await deliver(at.app(), deploymentRequested, request);
    const entry = await at.state.get(deploymentKey('d1'));
    await at.state.swap(
      entry?.key ?? '',
      entry?.version ?? '',
      { state: 'ended', attempt: 0, instance_id: 'x' },
      { ttlMs: 1 },
    );
    await at.clock.advance(ENDED_TTL_MS + 1);
    expect(await deliver(at.app(), deploymentRequested, request)).toBe(204);
    expect(at.providers.vast.made.get('d1')).toHaveLength(1);
    const [outcome] = at.bus.payloads('routing-outcome');
    expect(outcome === undefined ? null : routingOutcome.eventId(outcome)).toBe(
      routingOutcome.eventId({ ...EVENT_SAMPLES['routing-outcome'], decision_id: 'd1', attempt: 0, sequence: 1 }),
    );
  });

  test('after a night in which the stack, and with it the world, stood still: deployed', async () => {
    const at = house();
    const still = { speed: SPEED, now: () => START + 1_000 };
    await at.clock.advance(2 * ENDED_TTL_MS);
    const app = createDeploy({
      ...at.deps,
      worldClock: still,
      bus: at.bus,
      state: at.state,
      providers: [at.providers.vast],
    });
    expect(await deliver(app, deploymentRequested, requestOf('vast:1'))).toBe(204);
    expect(at.living()).toEqual(['vast-instance-1']);
  });
});

test('a record that cannot be read does not hold up what is behind it: the event is quarantined', async () => {
  const at = house();
  await at.state.create(deploymentKey('d1'), { state: 'dancing' });
  expect(await deliver(at.app(), deploymentRequested, requestOf('vast:1'))).toBe(204);
  expect(at.bus.payloads('event-rejected')).toMatchObject([{ function_name: 'deploy', code: 'state_entry_invalid' }]);
});
