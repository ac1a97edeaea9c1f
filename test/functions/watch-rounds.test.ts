import { describe, expect, test } from 'vitest';
import { inTurn } from '#functions/watch/turns.ts';
import { ENDED_TTL_MS, REWARD_WINDOW, WATCH_PATIENCE_MS, WATCH_ROUND_MS } from '#shared/defaults.ts';
import { DEPLOYMENTS_OBJECT } from '#shared/domain/provider-report.ts';
import { realisedUtility, runResultOf } from '#shared/domain/utility.ts';
import { TransientError } from '#shared/errors.ts';
import type { InstanceStatus } from '#shared/providers/provider.ts';
import { aStatus, unavailable } from '#test/support/memory-provider.ts';
import { at, booked, COMPLETED, liveRecord, MINUTE, RUNNING, watchHouse } from '#test/support/watch-house.ts';

type House = ReturnType<typeof watchHouse>;

const of = (id: string, status: InstanceStatus): InstanceStatus => ({
  ...status,
  instance_id: `i-${id}`,
  request_id: id,
});
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** vast's list does not come until it is let go. */
function hangs({ vast }: House): () => void {
  const { instances } = vast;
  const go = Promise.withResolvers<void>();
  vast.instances = async (context) => {
    await go.promise;
    return instances(context);
  };
  return () => {
    vast.instances = instances;
    go.resolve();
  };
}

/** Time passes until the run's patience is over. */
async function outlast<T>({ clock }: House, run: Promise<T>): Promise<T> {
  // Its deadline, and its patience; whoever is not slow needs some turns.
  for (let turns = 0; turns < 100; turns++) await turn();
  expect(clock.pending()).toBe(2);
  await clock.advance(WATCH_PATIENCE_MS);
  return run;
}

describe('a provider that is slow', () => {
  test('holds up its own deployments only; its round goes on beside the next runs, and is not begun twice', async () => {
    const house = watchHouse();
    await house.live(liveRecord('d1'));
    await house.live(liveRecord('d2', 'akash'));
    house.vast.statuses.set('i-d1', RUNNING);
    house.akash.statuses.set('i-d2', of('d2', RUNNING));
    const go = hangs(house);
    const app = house.app();
    expect(await outlast(house, house.run(app))).toMatchObject({ status: 200, live: 2, ready: 1, complete: false });
    house.akash.statuses.set('i-d2', of('d2', COMPLETED));
    expect(await outlast(house, house.run(app))).toMatchObject({ live: 1, ended: 1, complete: false });
    go();
    expect(await house.run(app)).toMatchObject({ live: 1, ready: 1, complete: true });
    expect(house.bus.distinct('routing-outcome')).toHaveLength(3);
    expect(house.clock.pending()).toBe(0);
  });

  test('what its round had ended before the next run read what lives is not taken off a second time', async () => {
    const house = watchHouse();
    const app = house.app();
    await house.live(liveRecord('d1'));
    await house.live(liveRecord('d2'));
    house.vast.statuses.set('i-d1', COMPLETED);
    house.vast.statuses.set('i-d2', of('d2', RUNNING));
    house.vast.unlisted.add('i-d2');
    const { status } = house.vast;
    const go = Promise.withResolvers<void>();
    house.vast.status = async (id, context) => {
      await go.promise;
      return status(id, context);
    };
    // d1 has ended and is forgotten; what becomes of d2 is still being asked.
    await outlast(house, house.run(app));
    expect(house.bus.distinct('routing-outcome').length).toBeGreaterThan(0);
    const second = house.run(app);
    for (let turns = 0; turns < 100; turns++) await turn();
    go.resolve();
    expect(await second).toMatchObject({ live: 1, ended: 1, complete: true });
    const stored = await house.objects.read(DEPLOYMENTS_OBJECT);
    expect(JSON.parse(new TextDecoder().decode(stored?.bytes))).toMatchObject({ active: { vast: 1 } });
  });

  test('the drain waits for it, then closes the providers', async () => {
    const house = watchHouse();
    const go = hangs(house);
    const app = house.app();
    await outlast(house, house.run(app));
    let drained = false;
    const draining = app.drain().then(() => {
      drained = true;
    });
    for (let i = 0; i < 20; i++) await turn();
    expect([drained, house.vast.closed]).toEqual([false, 0]);
    go();
    await draining;
    expect([house.vast.closed, house.akash.closed]).toEqual([1, 1]);
  });

  test('is given less than its round’s time, and told so', async () => {
    const house = watchHouse();
    const deadlines: number[] = [];
    const { instances } = house.vast;
    house.vast.instances = (context) => {
      deadlines.push(context.deadline - house.clock.now());
      return instances(context);
    };
    await house.run();
    expect(deadlines).toEqual([WATCH_ROUND_MS - 2_000]);
  });
});

describe('what a list does not show', () => {
  async function hidden(count: number): Promise<House> {
    const house = watchHouse();
    for (let i = 0; i < count; i++) {
      const id = `d${String(i).padStart(3, '0')}`;
      await house.live(liveRecord(id));
      house.vast.statuses.set(`i-${id}`, of(id, RUNNING));
      house.vast.unlisted.add(`i-${id}`);
    }
    return house;
  }

  test('is asked for, and nothing else is', async () => {
    const house = await hidden(2);
    house.vast.unlisted.delete('i-d000');
    expect(await house.run()).toMatchObject({ live: 2, ready: 2, unreachable: 0 });
    expect(house.vast.asked).toEqual(['i-d001']);
  });

  test('more than are asked for in a round: the next goes on behind', async () => {
    const house = await hidden(300);
    const app = house.app();
    expect(await house.run(app)).toMatchObject({ ready: 256, unreachable: 44 });
    expect(await house.run(app)).toMatchObject({ ready: 44 });
    expect(house.bus.distinct('routing-outcome')).toHaveLength(300);
  });

  test('one that does not answer ends the questions of its round, and keeps no other from its turn', async () => {
    const house = await hidden(40);
    const { status } = house.vast;
    house.vast.status = async (id, context) => {
      const answer = await status(id, context);
      if (id === 'i-d000') throw unavailable();
      return answer;
    };
    const app = house.app();
    const first = await house.run(app);
    expect(first['unreachable']).toBeGreaterThan(20);
    await house.run(app);
    await house.run(app);
    expect(house.bus.distinct('routing-outcome')).toHaveLength(39);
    expect(house.lines('warn').every(({ fields }) => fields['decision_id'] === 'd000')).toBe(true);
  });

  test.each<[string, Error, number]>([
    ['is away: it is left alone', unavailable(), 0],
    [
      'answers what nobody can read: single ones are asked for',
      new TransientError('provider_answer_invalid', 'deprecated_endpoint'),
      1,
    ],
  ])('of a provider that %s', async (_, failure, ready) => {
    const house = await hidden(1);
    house.vast.failures.set('instances', failure);
    expect(await house.run()).toMatchObject({ ready, unreachable: 1 - ready });
    expect(house.vast.asked).toHaveLength(ready);
    expect(house.vast.terminated).toEqual([]);
  });
});

test('who came too late is first in the next turn', () => {
  const turns = (after: string) => inTurn(['c', 'a', 'b'], (key) => key, after).join('');
  expect(['', 'a', 'b', 'c'].map(turns)).toEqual(['abc', 'bca', 'cab', 'abc']);
});

describe('the summary of deployments', () => {
  const utilityOf = (house: House): number => {
    const final = house.final();
    const run = final === undefined ? null : runResultOf(final);
    return run === null || final === undefined ? Number.NaN : realisedUtility(final.request, run);
  };

  test('says who is active where, and how well the newest did; it is written when that changes', async () => {
    const house = watchHouse();
    for (const id of ['d1', 'd2']) {
      await house.live(liveRecord(id));
      house.vast.statuses.set(`i-${id}`, of(id, RUNNING));
    }
    const app = house.app();
    await house.run(app);
    expect(await house.summary()).toEqual({ observed_at: at(0), active: { akash: 0, vast: 2 }, reward: null });
    await house.clock.advance(MINUTE);
    await house.run(app);
    expect(house.objects.writes).toBe(1);
    house.vast.statuses.set('i-d1', COMPLETED);
    await house.run(app);
    const reward = { mean: utilityOf(house), deployments: 1 };
    expect(await house.summary()).toEqual({ observed_at: at(1), active: { akash: 0, vast: 1 }, reward });
    expect(await house.metric('aurora_ai_reward')).toEqual([`aurora_ai_reward ${reward.mean}`]);
    expect(await house.metric('aurora_active_deployments{provider="vast"}')).toEqual([
      'aurora_active_deployments{provider="vast"} 1',
    ]);
  });

  test('leaves out whose end says nothing of a provider', async () => {
    const house = watchHouse();
    await house.live(liveRecord());
    house.vast.statuses.set('i-d1', booked({ state: 'failed', blame: 'tenant', ready_at: at(1), ended_at: at(2) }));
    await house.run();
    expect(await house.summary()).toMatchObject({ reward: null, active: { vast: 0 } });
  });

  test('goes on after a restart, and another’s write is no error', async () => {
    const house = watchHouse();
    const write = async (mean: number, deployments: number, observed_at = at(0)): Promise<void> => {
      const text = JSON.stringify({ observed_at, active: {}, reward: { mean, deployments } });
      await house.objects.write(DEPLOYMENTS_OBJECT, new TextEncoder().encode(text), {});
    };
    await write(0.5, 3);
    const app = house.app();
    await house.run(app);
    expect(await house.summary()).toMatchObject({ reward: { mean: 0.5, deployments: 3 } });
    await write(0.1, 9);
    await house.live(liveRecord());
    house.vast.statuses.set('i-d1', COMPLETED);
    expect(await house.run(app)).toMatchObject({ status: 200, ended: 1 });
    expect(await house.summary()).toMatchObject({ reward: { mean: 0.1, deployments: 9 } });
    await house.run(app);
    const { reward } = (await house.summary()) ?? {};
    expect(reward?.deployments).toBe(4);
    expect(reward?.mean).toBeCloseTo((1.5 + utilityOf(house)) / 4, 12);
    expect(house.lines('warn')).toEqual([]);
  });

  test('that cannot be read is written anew; a store that is away is no reason to follow nobody', async () => {
    const house = watchHouse();
    await house.objects.write(DEPLOYMENTS_OBJECT, new TextEncoder().encode('{'), {});
    await house.run();
    expect(await house.summary()).toMatchObject({ active: { vast: 0 } });
    house.objects.crashAtWrite(1);
    await house.live(liveRecord());
    house.vast.statuses.set('i-d1', RUNNING);
    expect(await house.run()).toMatchObject({ status: 200, ready: 1 });
  });

  test('is of so many deployments at most', async () => {
    const house = watchHouse();
    for (let i = 0; i < REWARD_WINDOW + 50; i++) {
      await house.live(liveRecord(`d${i}`));
      house.vast.statuses.set(`i-d${i}`, of(`d${i}`, COMPLETED));
    }
    await house.run();
    expect(await house.summary()).toMatchObject({ reward: { deployments: REWARD_WINDOW } });
  });
});

test('an ended record stays as long as a late duplicate may come', async () => {
  const house = watchHouse();
  await house.live(liveRecord());
  house.vast.statuses.set('i-d1', aStatus('i-d1', 'd1', { state: 'failed_to_start', blame: 'provider' }));
  await house.run();
  await house.clock.advance(ENDED_TTL_MS - 1);
  expect(await house.record()).toMatchObject({ state: 'ended', status: 'failed_to_start' });
  await house.clock.advance(1);
  expect(await house.state.get('deployments/d1')).toBeNull();
});
