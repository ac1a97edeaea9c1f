import { describe, expect, test } from 'vitest';
import { claimed } from '#functions/deploy/decide.ts';
import { observe } from '#functions/watch/decide.ts';
import { createWatch } from '#functions/watch/handler.ts';
import {
  type DeploymentRecord,
  deploymentKey,
  deploymentRecord,
  endedOf,
  liveKey,
  type OpenDeployment,
} from '#shared/domain/deployment.ts';
import { routingOutcome } from '#shared/domain/events/catalogue.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { runResultOf } from '#shared/domain/utility.ts';
import type { InstanceStatus } from '#shared/providers/provider.ts';
import { fakeClock } from '#test/support/clock.ts';
import { EVENT_SAMPLES } from '#test/support/events.ts';
import { faults } from '#test/support/faults.ts';
import { memoryBus } from '#test/support/memory-bus.ts';
import { memoryProvider, unavailable } from '#test/support/memory-provider.ts';
import { memoryState } from '#test/support/memory-state.ts';
import { bodyOf, post } from '#test/support/push.ts';
import { aRequest, testDeps } from '#test/support/runtime.ts';

const START = Date.UTC(2026, 0, 1);
const at = (minutes: number): string => rfc3339(START + minutes * 60_000);
const GRACE_MINUTES = 30;

const liveRecord = (decisionId: string, provider = 'vast'): OpenDeployment => {
  const sample = EVENT_SAMPLES['deployment-requested'];
  const option = { ...sample.option, provider, offer_id: `${provider}:1` };
  const request = { ...sample, decision_id: decisionId, propensity: 0.9, option, fallbacks: [] };
  return { ...claimed(request, START), state: 'live', instance_id: `i-${decisionId}` };
};

const open = (record: DeploymentRecord): OpenDeployment => {
  if (record.state === 'ended' || record.state === 'cancelled') throw new Error('expected a deployment that goes on');
  return record;
};

const statusOf = (changes: Partial<InstanceStatus> = {}): InstanceStatus => ({
  instance_id: 'i-d1',
  request_id: 'd1',
  state: 'provisioning',
  blame: null,
  created_at: at(0),
  ready_at: null,
  ended_at: null,
  address: null,
  gpu_count: null,
  usd_per_hour: null,
  storage_usd_per_hour: null,
  latency_ms: null,
  exposure_hours: 0,
  useful_gpu_hours: 0,
  billed_gpu_hours: 0,
  cost_usd: 0,
  ...changes,
});
const RUNNING = statusOf({
  state: 'running',
  ready_at: at(2),
  latency_ms: 120,
  exposure_hours: 1,
  billed_gpu_hours: 2,
});
const COMPLETED = statusOf({
  state: 'completed',
  ready_at: at(2),
  ended_at: at(242),
  latency_ms: 120,
  exposure_hours: 4,
  useful_gpu_hours: 8,
  billed_gpu_hours: 8,
  cost_usd: 4,
});

function watchHouse() {
  const clock = fakeClock(START);
  const state = memoryState(clock);
  const bus = memoryBus();
  const deaths = faults();
  const providers = [memoryProvider('vast'), memoryProvider('akash')] as const;
  const deps = testDeps(clock);
  const app = () =>
    createWatch({
      ...deps,
      worldClock: clock,
      providers: providers.map((provider) => deaths.wrap(provider)),
      bus: deaths.wrap(bus),
      state: deaths.wrap(state),
    });
  return {
    clock,
    state,
    bus,
    deaths,
    deps,
    vast: providers[0],
    akash: providers[1],
    app,
    async live(record: DeploymentRecord, id = 'request' in record ? record.request.decision_id : 'd1'): Promise<void> {
      await state.create(deploymentKey(id), record);
      await state.create(liveKey(id), { decision_id: id });
    },
    record: async (id = 'd1') => deploymentRecord.parse((await state.get(deploymentKey(id)))?.value),
    index: async () => (await state.list('live/', { limit: 10_000 })).map(({ key }) => key),
    async run(instance = app()) {
      const response = await post(instance, '/run');
      return { status: response.status, ...bodyOf<Record<string, number | boolean>>(response) };
    },
    outcomes: () =>
      bus
        .payloads('routing-outcome')
        .map(({ decision_id, sequence, status, final, observed_at }) => [
          decision_id,
          sequence,
          status,
          final,
          observed_at,
        ]),
  };
}

describe('following one deployment', () => {
  test('ready once, final once, then forgotten', async () => {
    const house = watchHouse();
    await house.live(liveRecord('d1'));
    house.vast.statuses.set('i-d1', statusOf());
    expect(await house.run()).toEqual({ status: 200, live: 1, ready: 0, ended: 0, unreachable: 0, complete: true });
    house.vast.statuses.set('i-d1', RUNNING);
    expect(await house.run()).toMatchObject({ live: 1, ready: 1 });
    expect(await house.run()).toMatchObject({ live: 1, ready: 0 });
    house.vast.statuses.set('i-d1', COMPLETED);
    expect(await house.run()).toMatchObject({ live: 0, ready: 0, ended: 1 });
    expect(await house.run()).toMatchObject({ live: 0, ended: 0 });
    expect(house.outcomes()).toEqual([
      ['d1', 0, 'ready', false, at(2)],
      ['d1', 1, 'completed', true, at(242)],
    ]);
    expect(await house.index()).toEqual([]);
    expect(await house.record()).toEqual({
      state: 'ended',
      attempt: 0,
      instance_id: 'i-d1',
      offer_id: 'vast:1',
      status: 'completed',
      ended_at: at(242),
    });
    expect(house.clock.pending()).toBe(0);
  });

  test('the interim outcome holds what is known by then, the final one everything', async () => {
    const house = watchHouse();
    await house.live(liveRecord('d1'));
    house.vast.statuses.set('i-d1', COMPLETED);
    await house.run();
    const [ready, final] = house.bus.payloads('routing-outcome');
    expect(ready).toMatchObject({
      ready_ms: 120_000,
      latency_ms: 120,
      cost_usd: null,
      exposure_hours: null,
      propensity: 0.9,
    });
    expect(final).toMatchObject({
      ready_ms: 120_000,
      cost_usd: 4,
      effective_usd_per_gpu_hour: 0.5,
      useful_gpu_hours: 8,
    });
    expect(final).toMatchObject({ decided_at: liveRecord('d1').request.decided_at, propensity: 0.9, attempt: 0 });
  });

  test.each(['failed_to_start', 'preempted', 'failed', 'cancelled'] as const)(
    'ends as %s with its blame',
    async (state) => {
      const house = watchHouse();
      await house.live(liveRecord('d1'));
      house.vast.statuses.set('i-d1', statusOf({ state, blame: 'provider', ended_at: at(5) }));
      expect(await house.run()).toMatchObject({ ended: 1 });
      expect(house.bus.payloads('routing-outcome')).toMatchObject([
        { status: state, final: true, blame: 'provider', observed_at: at(5), effective_usd_per_gpu_hour: null },
      ]);
    },
  );
});

describe('killed at any step', () => {
  test.each([
    ['running', RUNNING],
    ['ended before anyone saw it ready', COMPLETED],
  ])('%s: the next runs publish the same events word for word, and end it', async (_, status) => {
    for (const when of ['before', 'after'] as const) {
      let deaths = 0;
      for (let step = 1; ; step++) {
        const house = watchHouse();
        await house.live(liveRecord('d1'));
        house.vast.statuses.set('i-d1', status);
        house.deaths.killAt(step, when);
        const first = await house.run();
        const died = house.deaths.revive();
        await house.clock.advance(2_000);
        for (let i = 0; i < 3; i++) expect((await house.run()).status).toBe(200);
        house.vast.statuses.set('i-d1', COMPLETED);
        for (let i = 0; i < 2; i++) expect((await house.run()).status).toBe(200);
        expect(house.bus.distinct('routing-outcome')).toHaveLength(2);
        const texts = new Set(house.bus.published.map(({ message }) => Buffer.from(message.data).toString()));
        expect(texts.size).toBe(2);
        expect(await house.index()).toEqual([]);
        expect(await house.record()).toMatchObject({ state: 'ended' });
        if (!died) {
          expect(first['status']).toBe(200);
          break;
        }
        deaths += 1;
      }
      // List, read the record, ask, publish, write; an end is also taken off the list. Last, the list of doubts.
      expect(deaths).toBe(status === RUNNING ? 6 : 7);
    }
  });

  test('two runs at once: the same events, one end, no record left without its index', async () => {
    const house = watchHouse();
    await house.live(liveRecord('d1'));
    house.vast.statuses.set('i-d1', COMPLETED);
    await Promise.all([house.run(), house.run()]);
    expect(house.bus.distinct('routing-outcome')).toHaveLength(2);
    expect(await house.record()).toMatchObject({ state: 'ended' });
    expect(await house.index()).toEqual([]);
  });

  test('a run that read before another wrote ends nothing behind its back', async () => {
    const house = watchHouse();
    await house.live(liveRecord('d1'));
    house.vast.statuses.set('i-d1', COMPLETED);
    const swap = house.state.swap;
    // Somebody else's write comes between this run's read and its own.
    Object.assign(house.state, {
      swap: async (key: string, version: string, value: unknown) => {
        Object.assign(house.state, { swap });
        await swap(key, version, { ...liveRecord('d1'), ready_published: true });
        return swap(key, version, value);
      },
    });
    await house.run();
    expect(await house.record()).toMatchObject({ state: 'live' });
    expect(await house.index()).toEqual(['live/d1']);
    await house.run();
    expect(await house.record()).toMatchObject({ state: 'ended' });
    expect(house.bus.distinct('routing-outcome')).toHaveLength(2);
  });
});

describe('what cannot be seen', () => {
  test.each([
    ['a provider that is away', unavailable()],
    ['a bug in its adapter', new TypeError('undefined is not a function')],
  ])('%s: left as it is, and the others are followed', async (_, failure) => {
    const house = watchHouse();
    await house.live(liveRecord('d1'));
    await house.live(liveRecord('d2', 'akash'));
    house.vast.failure = failure;
    house.akash.statuses.set('i-d2', COMPLETED);
    expect(await house.run()).toMatchObject({ status: 200, live: 1, ended: 1, unreachable: 1 });
    expect(await house.record('d1')).toEqual(liveRecord('d1'));
    expect(house.deps.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    house.vast.failure = null;
    house.vast.statuses.set('i-d1', COMPLETED);
    expect(await house.run()).toMatchObject({ ended: 1 });
  });

  test('a provider without an adapter is nobody’s failure', async () => {
    const house = watchHouse();
    await house.live(liveRecord('d1', 'gone-from-config'));
    await house.clock.advance(10 * 3_600_000);
    for (let i = 0; i < 3; i++) expect(await house.run()).toMatchObject({ live: 1, unreachable: 1 });
    expect(house.bus.published).toEqual([]);
  });

  test('a record that nobody can read does not stop the run', async () => {
    const house = watchHouse();
    await house.state.create(deploymentKey('d0'), { state: 'live', attempt: 'zero' });
    await house.state.create(liveKey('d0'), {});
    await house.live(liveRecord('d1'));
    house.vast.statuses.set('i-d1', COMPLETED);
    expect(await house.run()).toMatchObject({ status: 200, ended: 1 });
    expect(await house.index()).toEqual(['live/d0']);
    expect(house.deps.lines.find(({ level }) => level === 'error')?.fields).toMatchObject({ decision_id: 'd0' });
  });

  test('an index entry whose deployment has ended or is unknown is taken away', async () => {
    const house = watchHouse();
    await house.live(endedOf(liveRecord('d1'), { status: 'completed', observed_at: at(242) }));
    await house.state.create(liveKey('d2'), {});
    expect(await house.run()).toMatchObject({ live: 0, ended: 0 });
    expect(await house.index()).toEqual([]);
  });

  test('an instance that its provider forgets for less than the grace is followed on', async () => {
    const house = watchHouse();
    await house.live(liveRecord('d1'));
    await house.clock.advance(10 * 3_600_000);
    await house.run();
    await house.clock.advance((GRACE_MINUTES - 1) * 60_000);
    await house.run();
    house.vast.statuses.set('i-d1', RUNNING);
    await house.run();
    expect(await house.record()).toMatchObject({ state: 'live', unknown_since: null, ready_at: at(2) });
    // Forgotten anew: the grace starts anew.
    house.vast.statuses.set('i-d1', null);
    await house.run();
    await house.clock.advance((GRACE_MINUTES - 1) * 60_000);
    expect(await house.run()).toMatchObject({ live: 1, ended: 0 });
  });

  test('past the grace it is the provider’s failure, dated by the grace and not by the run that saw it', async () => {
    const house = watchHouse();
    await house.live(liveRecord('d1'));
    await house.run();
    await house.clock.advance((GRACE_MINUTES + 100) * 60_000);
    expect(await house.run()).toMatchObject({ ended: 1 });
    expect(house.bus.payloads('routing-outcome')).toMatchObject([
      {
        sequence: 1,
        status: 'failed',
        blame: 'provider',
        observed_at: at(GRACE_MINUTES),
        ready_ms: null,
        cost_usd: null,
      },
    ]);
  });

  test('lost after it was ready, it counts as interrupted and not as never started', () => {
    const nowMs = START + 400 * 60_000;
    const seen = open(observe(liveRecord('d1'), RUNNING, nowMs).next);
    const doubted = open(observe(seen, null, START + 122 * 60_000).next);
    const { outcomes, next } = observe(doubted, null, nowMs);
    expect(next.state).toBe('ended');
    const [outcome] = outcomes;
    expect(routingOutcome.schema.parse(outcome)).toMatchObject({
      status: 'failed',
      ready_ms: 120_000,
      exposure_hours: 2,
    });
    expect(outcome === undefined ? null : runResultOf(outcome)).toMatchObject({ became_ready: true, completed: false });
  });
});

describe('many deployments', () => {
  const decisionOf = (i: number): string => `d${String(i).padStart(4, '0')}`;

  test('more than a page: all are seen in one run, one publish a page', async () => {
    const house = watchHouse();
    for (let i = 0; i < 600; i++) {
      await house.live(liveRecord(decisionOf(i)));
      house.vast.statuses.set(`i-${decisionOf(i)}`, i % 2 === 0 ? COMPLETED : RUNNING);
    }
    let publishes = 0;
    const publish = house.bus.publish;
    house.bus.publish = (topic, messages) => {
      publishes += 1;
      return publish(topic, messages);
    };
    expect(await house.run()).toMatchObject({ live: 300, ready: 600, ended: 300, complete: true });
    expect(publishes).toBe(3);
    expect(house.bus.distinct('routing-outcome')).toHaveLength(900);
    expect(await house.index()).toHaveLength(300);
    expect(await house.run()).toMatchObject({ live: 300, ready: 0, ended: 0 });
  });

  test('out of time it says so, and the next run goes on from there: nobody starves', async () => {
    const house = watchHouse();
    for (let i = 0; i < 600; i++) {
      await house.live(liveRecord(decisionOf(i)));
      house.vast.statuses.set(`i-${decisionOf(i)}`, RUNNING);
    }
    const app = house.app();
    // The first answer takes until the deadline.
    const status = house.vast.status;
    house.vast.status = async (id, context) => {
      house.vast.status = status;
      await house.clock.advance(9_000);
      return status(id, context);
    };
    const run = async () => bodyOf(await app.handle(aRequest({ method: 'POST', path: '/run', body: '{}' })));
    expect(await run()).toMatchObject({ ready: 256, complete: false });
    expect(await run()).toMatchObject({ ready: 344, complete: true });
    expect(await run()).toMatchObject({ live: 600, ready: 0, complete: true });
  });
});
