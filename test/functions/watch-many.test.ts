import { describe, expect, test } from 'vitest';
import { WATCH_ROUND_MS } from '#shared/defaults.ts';
import { deploymentKey } from '#shared/domain/deployment.ts';
import type { InstanceStatus } from '#shared/providers/provider.ts';
import { COMPLETED, liveRecord, MINUTE, RUNNING, watchHouse } from '#test/support/watch-house.ts';

/** As if its first outcome had not gone out. */
async function unpublish({ state }: ReturnType<typeof watchHouse>, id: string): Promise<void> {
  const entry = await state.get(deploymentKey(id));
  if (entry !== null)
    await state.swap(entry.key, entry.version, { ...(entry.value as object), ready_published: false });
}

/** What goes on beside has come so far. */
async function settled(isSo: () => boolean): Promise<void> {
  for (let turns = 0; !isSo(); turns++) {
    if (turns > 1_000) throw new Error('it never comes');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('many deployments', () => {
  const decisionOf = (i: number): string => `d${String(i).padStart(4, '0')}`;

  const of = (id: string, status: InstanceStatus): InstanceStatus => ({
    ...status,
    instance_id: `i-${id}`,
    request_id: id,
  });

  test('more than a chunk: all are seen in one run, one publish a chunk', async () => {
    const house = watchHouse();
    for (let i = 0; i < 600; i++) {
      const id = decisionOf(i);
      await house.live(liveRecord(id));
      house.vast.statuses.set(`i-${id}`, of(id, i % 2 === 0 ? COMPLETED : RUNNING));
    }
    let publishes = 0;
    const publish = house.bus.publish;
    house.bus.publish = (topic, messages) => {
      publishes += 1;
      return publish(topic, messages);
    };
    expect(await house.run()).toMatchObject({ live: 300, ready: 600, ended: 300, complete: true });
    expect(publishes).toBe(3);
    expect(house.vast.asked).toEqual([]);
    expect(house.bus.distinct('routing-outcome')).toHaveLength(900);
    expect(await house.index()).toHaveLength(300);
    expect(await house.run()).toMatchObject({ live: 300, ready: 0, ended: 0 });
  });

  test('which nothing new is known of are not written', async () => {
    const house = watchHouse();
    for (const id of ['d1', 'd2', 'd3']) {
      await house.live(liveRecord(id));
      house.vast.statuses.set(`i-${id}`, of(id, RUNNING));
    }
    await house.run();
    const before = await Promise.all(['d1', 'd2', 'd3'].map((id) => house.state.get(deploymentKey(id))));
    for (let i = 0; i < 3; i++) {
      await house.clock.advance(MINUTE);
      await house.run();
    }
    expect(await Promise.all(['d1', 'd2', 'd3'].map((id) => house.state.get(deploymentKey(id))))).toEqual(before);
  });

  test('out of time it says so, and the next run goes on from there: nobody starves', async () => {
    const house = watchHouse();
    for (let i = 0; i < 600; i++) {
      const id = decisionOf(i);
      await house.live(liveRecord(id));
      house.vast.statuses.set(`i-${id}`, of(id, RUNNING));
    }
    const app = house.app();
    // What the first of a round comes to takes until its deadline: nobody waits so long.
    const { publish } = house.bus;
    house.bus.publish = async (topic, messages) => {
      await house.clock.advance(WATCH_ROUND_MS);
      return publish(topic, messages);
    };
    const ready = () => house.bus.distinct('routing-outcome').length;
    for (const seen of [256, 512]) {
      // The first ones have news again, and still it is not their turn.
      for (let i = 0; i < 256; i++) await unpublish(house, decisionOf(i));
      expect(await house.run(app)).toMatchObject({ ready: 0, complete: false });
      await settled(() => ready() === seen);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    house.bus.publish = publish;
    await house.run(app);
    expect(ready()).toBe(600);
    expect(await house.run(app)).toMatchObject({ live: 600, ready: 0, complete: true });
  });
});
