import { describe, expect, test } from 'vitest';
import { observe } from '#functions/watch/decide.ts';
import { deploymentKey, endedOf, liveKey } from '#shared/domain/deployment.ts';
import { routingOutcome } from '#shared/domain/events/catalogue.ts';
import { runResultOf } from '#shared/domain/utility.ts';
import { unavailable } from '#test/support/memory-provider.ts';
import { at, booked, COMPLETED, HOUR, liveRecord, look, RUNNING, watchHouse } from '#test/support/watch-house.ts';

const GRACE_MINUTES = 30;

describe('following one deployment', () => {
  test('ready once, final once, then forgotten', async () => {
    const house = watchHouse();
    await house.live(liveRecord('d1'));
    house.vast.statuses.set('i-d1', booked());
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
      request_id: 'r1',
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
      house.vast.statuses.set('i-d1', booked({ state, blame: 'provider', ended_at: at(5) }));
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
      // The lists of the live, the doubts and each provider's, the record, what was reckoned, publish, write; an end is terminated, and
      // taken off the list. Last, the summary: read and written.
      expect(deaths).toBe(status === RUNNING ? 10 : 12);
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
    expect(house.outcomes().map(([, sequence]) => sequence)).toEqual([1]);
  });
});

describe('what cannot be seen', () => {
  test.each([
    ['a provider that is away', unavailable(), 0],
    // What its list does not show may be asked for one by one.
    ['a bug in its adapter', new TypeError('undefined is not a function'), 1],
  ])('%s: left as it is, and the others are followed', async (_, failure, asked) => {
    const house = watchHouse();
    await house.live(liveRecord('d1'));
    await house.live(liveRecord('d2', 'akash'));
    house.vast.failure = failure;
    house.akash.statuses.set('i-d2', COMPLETED);
    expect(await house.run()).toMatchObject({ status: 200, live: 1, ended: 1, unreachable: 1 });
    expect(await house.record('d1')).toEqual(liveRecord('d1'));
    expect(house.lines('warn')).toHaveLength(1 + asked);
    expect(house.vast.asked).toHaveLength(asked);
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
    await house.clock.advance(HOUR);
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
    const seen = observe(liveRecord(), look(RUNNING, 3)).record;
    const doubted = observe({ ...seen, ready_published: true }, look(null, 122)).record;
    const { outcomes, record } = observe(doubted, look(null, 400));
    expect(record.ending?.status).toBe('failed');
    const [outcome] = outcomes;
    expect(routingOutcome.schema.parse(outcome)).toMatchObject({
      status: 'failed',
      ready_ms: 120_000,
      exposure_hours: 2,
    });
    expect(outcome === undefined ? null : runResultOf(outcome)).toMatchObject({ became_ready: true, completed: false });
  });
});
