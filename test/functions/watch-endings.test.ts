import { describe, expect, test } from 'vitest';
import { DOUBT_LIMIT_MS, OVERTIME_MS } from '#shared/defaults.ts';
import { deploymentKey, doubtKey } from '#shared/domain/deployment.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { InstanceStatus } from '#shared/providers/provider.ts';
import { aStatus, unavailable } from '#test/support/memory-provider.ts';
import { at, COMPLETED, HOUR, liveRecord, MINUTE, RUNNING, watchHouse } from '#test/support/watch-house.ts';

type House = ReturnType<typeof watchHouse>;

const plain = (state: InstanceStatus['state'], changes: Partial<InstanceStatus> = {}): InstanceStatus =>
  aStatus('i-d1', 'd1', { state, created_at: at(0), usd_per_hour: 0.8, ...changes });

/** Its tenant asks for the end: as route does, over whatever is on record. */
async function cancel(house: House): Promise<void> {
  const entry = await house.state.get(deploymentKey('d1'));
  const record = await house.record();
  await house.state.swap(deploymentKey('d1'), entry?.version ?? '', {
    ...record,
    cancel_requested_at: new Date(house.clock.now()).toISOString(),
  });
}

/** As a provider does: what was terminated is not there any more. */
function vanishes({ vast }: House): void {
  const { terminate } = vast;
  vast.terminate = async (id, context) => {
    await terminate(id, context);
    vast.statuses.set(id, null);
  };
}

describe('the billing of what is over', () => {
  test.each<[string, InstanceStatus, string]>([
    ['exited', plain('exited', { ready_at: at(2), ended_at: at(242), storage_usd_per_hour: 0.01 }), 'completed'],
    ['stopped', plain('preempted', { ready_at: at(2), ended_at: at(60), storage_usd_per_hour: 0.01 }), 'preempted'],
    ['failed', plain('failed', { ready_at: at(2), ended_at: at(60), blame: 'network' }), 'failed'],
    ['completed', COMPLETED, 'completed'],
  ])('%s: is ended before the deployment is forgotten', async (_, status, expected) => {
    const house = watchHouse();
    await house.live(liveRecord());
    house.vast.statuses.set('i-d1', status);
    expect(await house.run()).toMatchObject({ status: 200, ended: 1 });
    expect(house.vast.terminated).toEqual(['i-d1']);
    expect(house.final()).toMatchObject({ status: expected });
    expect(await house.record()).toMatchObject({ state: 'ended', status: expected });
    expect(await house.doubts()).toEqual([]);
  });

  test('whose termination fails: the outcome is not lost, and it is tried again at each run until it is heard', async () => {
    const house = watchHouse();
    await house.live(liveRecord());
    house.vast.statuses.set('i-d1', COMPLETED);
    house.vast.failures.set('terminate', unavailable());
    expect(await house.run()).toMatchObject({ status: 200, ended: 1 });
    expect(house.final()).toMatchObject({ status: 'completed' });
    expect(await house.record()).toMatchObject({ state: 'ended', status: 'completed' });
    expect(await house.doubts()).toEqual([doubtKey('d1', 0)]);
    await house.run();
    expect(await house.doubts()).toEqual([doubtKey('d1', 0)]);
    house.vast.failures.clear();
    await house.run();
    expect(house.vast.terminated).toEqual(['i-d1']);
    expect(await house.doubts()).toEqual([]);
    expect(house.bus.distinct('routing-outcome')).toHaveLength(2);
  });

  test('that never is heard of is named to a person, and let go', async () => {
    const house = watchHouse();
    await house.live(liveRecord());
    house.vast.statuses.set('i-d1', COMPLETED);
    house.vast.failures.set('terminate', new RejectedError('provider_unauthorized', 'HTTP 401'));
    await house.run();
    await house.clock.advance(DOUBT_LIMIT_MS + 1);
    await house.run();
    expect(await house.doubts()).toEqual([]);
    expect(house.lines('error').at(-1)?.fields).toMatchObject({ provider: 'vast', instance_id: 'i-d1' });
  });

  test('does not wait for a bus that is away, and its end keeps its words until the bus is back', async () => {
    const house = watchHouse();
    vanishes(house);
    await house.live(liveRecord('d1', 'vast', { ready_published: true, ready_at: at(2) }));
    await house.clock.advance(2 * MINUTE + 4 * HOUR + OVERTIME_MS);
    house.vast.statuses.set('i-d1', RUNNING);
    house.bus.failNext(1);
    expect(await house.run()).toMatchObject({ status: 503 });
    expect(house.vast.terminated).toEqual(['i-d1']);
    const { ending } = (await house.record()) as { ending?: object };
    await house.clock.advance(HOUR);
    expect(await house.run()).toMatchObject({ status: 200, ended: 1 });
    expect(house.final()).toMatchObject({ ...ending, status: 'completed' });
  });
});

describe('what its tenant gives up', () => {
  test('is terminated, with its costs so far', async () => {
    const house = watchHouse();
    await house.live(liveRecord());
    house.vast.statuses.set('i-d1', plain('running', { ready_at: at(2) }));
    await house.clock.advance(32 * MINUTE);
    await house.run();
    await cancel(house);
    await house.clock.advance(30 * MINUTE);
    expect(await house.run()).toMatchObject({ ended: 1 });
    expect(house.vast.terminated).toEqual(['i-d1']);
    expect(house.final()).toMatchObject({ status: 'cancelled', blame: 'tenant', exposure_hours: 1, cost_usd: 0.8 });
    expect(await house.record()).toMatchObject({ state: 'ended', status: 'cancelled', ended_at: at(62) });
  });

  test('while a run looks at it: the run writes nothing over it, and the next one ends it', async () => {
    const house = watchHouse();
    await house.live(liveRecord());
    house.vast.statuses.set('i-d1', plain('running'));
    const { instances } = house.vast;
    house.vast.instances = async (context) => {
      house.vast.instances = instances;
      const found = await instances(context);
      await cancel(house);
      return found;
    };
    await house.run();
    expect(await house.record()).toMatchObject({ state: 'live', ready_published: false });
    expect(house.bus.published).toEqual([]);
    await house.run();
    expect(house.final()).toMatchObject({ status: 'cancelled' });
  });

  test('at a provider that is away waits for it', async () => {
    const house = watchHouse();
    await house.live(liveRecord());
    await cancel(house);
    house.vast.failure = unavailable();
    expect(await house.run()).toMatchObject({ live: 1, unreachable: 1 });
    house.vast.failure = null;
    house.vast.statuses.set('i-d1', plain('running', { ready_at: at(0) }));
    expect(await house.run()).toMatchObject({ ended: 1 });
  });
});

describe('budgets', () => {
  test('hear once what a deployment came to', async () => {
    const house = watchHouse();
    await house.live(liveRecord());
    house.vast.statuses.set('i-d1', COMPLETED);
    await house.run();
    await house.run();
    expect(house.settlements).toEqual([{ decision_id: 'd1', cost_usd: 4 }]);
  });

  test('that cannot be told keep the deployment until they can, and nothing else from its turn', async () => {
    const house = watchHouse();
    for (const id of ['d1', 'd2']) await house.live(liveRecord(id));
    house.vast.statuses.set('i-d1', COMPLETED);
    house.vast.statuses.set('i-d2', { ...COMPLETED, instance_id: 'i-d2', request_id: 'd2' });
    const { settled } = house.levers;
    house.levers.settled = async (settlement) => {
      if (settlement.decision_id === 'd1') throw new TransientError('state_unavailable', 'the books are away');
      await settled(settlement);
    };
    expect(await house.run()).toMatchObject({ status: 200, ended: 1, live: 1 });
    house.levers.settled = settled;
    expect(await house.run()).toMatchObject({ ended: 1, live: 0 });
    expect(house.settlements.map(({ decision_id }) => decision_id)).toEqual(['d2', 'd1']);
    expect(house.bus.distinct('routing-outcome')).toHaveLength(4);
  });
});

describe('killed at any step', () => {
  const preempted = plain('preempted', { storage_usd_per_hour: 0.1 });
  test.each<[string, (house: House) => void | Promise<void>, string[]]>([
    ['a provider that gives no instants', ({ vast }) => void vast.statuses.set('i-d1', plain('running')), ['ready']],
    [
      'a provider that says for how long it is up, and a bit else at each look',
      ({ vast }) => {
        vast.statuses.set('i-d1', plain('running'));
        const { instances } = vast;
        let looks = 0;
        vast.instances = async (context) => {
          looks += 1;
          return (await instances(context)).map((status) => ({ ...status, ready_at: at(2 + looks / 60) }));
        };
      },
      ['ready'],
    ],
    ['and ends without one', ({ vast }) => void vast.statuses.set('i-d1', preempted), ['ready', 'preempted']],
    [
      'given up while it runs',
      async (house) => {
        house.vast.statuses.set('i-d1', plain('running', { ready_at: at(0) }));
        await cancel(house);
      },
      ['ready', 'cancelled'],
    ],
    ['forgotten by its provider', ({ vast }) => void vast.statuses.set('i-d1', null), ['failed']],
  ])('%s: each event has one wording, and what is over is not billed on', async (_, prepare, statuses) => {
    for (const when of ['before', 'after'] as const) {
      let deaths = 0;
      for (let step = 1; ; step++) {
        const house = watchHouse();
        vanishes(house);
        await house.live(liveRecord());
        await house.run();
        await house.clock.advance(10 * MINUTE);
        await prepare(house);
        // What the looks reckon with is remembered by one process; it dies.
        house.deaths.killAt(step, when);
        await house.run();
        const died = house.deaths.revive();
        for (let i = 0; i < 4; i++) {
          await house.clock.advance(20 * MINUTE);
          expect((await house.run()).status).toBe(200);
        }
        const published = house.bus.payloads('routing-outcome');
        expect([...new Set(published.map(({ status }) => status))]).toEqual(statuses);
        expect(house.bus.distinct('routing-outcome')).toHaveLength(statuses.length);
        const texts = new Set(house.bus.published.map(({ message }) => Buffer.from(message.data).toString()));
        expect(texts.size).toBe(statuses.length);
        const over = statuses.at(-1) !== 'ready';
        expect((await house.record()).state).toBe(over ? 'ended' : 'live');
        expect(house.vast.terminated.includes('i-d1')).toBe(over);
        expect(await house.index()).toEqual(over ? [] : ['live/d1']);
        expect(await house.doubts()).toEqual([]);
        if (!died) break;
        deaths += 1;
      }
      expect(deaths).toBeGreaterThanOrEqual(6);
    }
  });
});
