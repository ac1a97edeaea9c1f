/** Budgets and hard limits of tenants, over instances, interleavings and deaths. */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { RouteAnswer } from '#functions/route/answer.ts';
import { createCommitter } from '#functions/route/commit.ts';
import { decideRoute } from '#functions/route/decide.ts';
import { BUDGET_SWAP_TRIES, MS_PER_DAY } from '#shared/defaults.ts';
import { accountKey, budgetAccount, holdKey } from '#shared/domain/budget.ts';
import { defaultControl } from '#shared/domain/control.ts';
import { decisionId } from '#shared/domain/ids.ts';
import { canonicalWorkloadOf } from '#shared/domain/request.ts';
import type { ErrorBody } from '#shared/errors.ts';
import type { State } from '#shared/ports/state.ts';
import { NO_RESTRICTIONS } from '#shared/rules/restrictions.ts';
import type { FunctionApp, FunctionResponse } from '#shared/runtime/types.ts';
import { createBudgets } from '#shared/serving/budgets/index.ts';
import { testCases } from '#test/support/cases.ts';
import { fakeClock } from '#test/support/clock.ts';
import { faults } from '#test/support/faults.ts';
import { memoryBus } from '#test/support/memory-bus.ts';
import { memoryState } from '#test/support/memory-state.ts';
import { anOffer } from '#test/support/offers.ts';
import { bodyOf } from '#test/support/push.ts';
import { aRouteRequest, FIVE_OFFERS, NOW, routeHouse, SALT } from '#test/support/route-house.ts';
import { aRequest, memoryLog } from '#test/support/runtime.ts';
import { indexed } from '#test/support/scenes.ts';
import { aTenant, keyOf } from '#test/support/tenants.ts';

let house = routeHouse();
afterEach(async () => {
  await house.close();
  expect(house.clock.pending()).toBe(0);
  house = routeHouse();
});

const DAY = '2026-01-01';
const ask = async (
  app: FunctionApp,
  request: Parameters<typeof aRouteRequest>[0],
  tenant = 'ann',
): Promise<FunctionResponse> =>
  app.handle(
    aRequest({
      method: 'POST',
      path: '/route',
      headers: { 'x-api-key': keyOf(tenant) },
      body: JSON.stringify(aRouteRequest(request)),
    }),
  );
const reserved = async (state: State, tenant = 'ann', day = DAY): Promise<number> => {
  const entry = await state.get(accountKey({ tenant_id: tenant, day }));
  return entry === null ? 0 : budgetAccount.parse(entry.value).reserved_micro_usd / 1e6;
};
/** 8 GPU-hours at the dearest of the five offers that may be tried: two of them are. */
const DEAREST = 8 * 0.4;
const TWO = FIVE_OFFERS.filter(({ provider }) => provider === 'vast').slice(0, 2);

describe('a daily budget', () => {
  test('is reserved by the dearest offer that may be tried, and what is past it is refused before anything happens', async () => {
    house.tenants = [aTenant('ann', { daily_usd: 2 * DEAREST }), aTenant('bob')];
    await house.offer(TWO);
    const app = await house.app();
    for (const id of ['r1', 'r2']) expect((await ask(app, { request_id: id })).status).toBe(200);
    expect(await reserved(house.state)).toBe(2 * DEAREST);
    const events = house.bus.published.length;

    const refused = await ask(app, { request_id: 'r3' });
    expect(refused.status).toBe(402);
    expect(bodyOf<ErrorBody & RouteAnswer>(refused)).toMatchObject({
      status: 'failed',
      reason:
        'expected a deployment of at most 0 USD, which is left of 6.4 USD for 2026-01-01; this one may come to 3.2',
      error: {
        code: 'budget_exceeded',
        details: { left_usd: 0, daily_usd: 6.4, needed_usd: 3.2, day: DAY },
      },
    });
    expect(house.bus.published).toHaveLength(events);
    expect(await house.state.get(`intents/${decisionId('ann', 'r3')}`)).toBeNull();
    expect(house.deps.lines.filter(({ fields }) => fields['code'] === 'budget_exceeded')).toHaveLength(1);
    const metrics = await house.deps.metrics.exposition();
    expect(metrics).toContain('aurora_route_failures_total{provider="none",reason="budget_exceeded"} 1');
    // Smaller ones, and other tenants, go on.
    expect((await ask(app, { request_id: 'r3' }, 'bob')).status).toBe(200);
    expect(await reserved(house.state, 'bob')).toBe(0);
  });

  test('is another one tomorrow', async () => {
    house.tenants = [aTenant('ann', { daily_usd: DEAREST })];
    await house.offer(TWO, NOW);
    const app = await house.app();
    expect((await ask(app, { request_id: 'r1' })).status).toBe(200);
    expect((await ask(app, { request_id: 'r2' })).status).toBe(402);
    await house.clock.advance(MS_PER_DAY - 9 * 3_600_000);
    await house.offer(TWO);
    await house.clock.advance(2_000);
    expect((await ask(app, { request_id: 'r2' })).status).toBe(200);
    expect(await reserved(house.state, 'ann', '2026-01-02')).toBe(DEAREST);
  });

  test('is not reserved again for a request that is repeated, nor kept by one that finds itself decided', async () => {
    house.tenants = [aTenant('ann', { daily_usd: 100 })];
    await house.offer(TWO);
    const apps = [await house.app(), await house.app()];
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => ask(apps[i % 2] as FunctionApp, { request_id: 'r1' })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await ask(apps[0] as FunctionApp, { request_id: 'r1' });
    await house.close();
    expect(await reserved(house.state)).toBe(DEAREST);
  });

  test('is not touched by a request that nothing fits', async () => {
    house.tenants = [aTenant('ann', { daily_usd: 100 })];
    await house.offer(TWO);
    expect((await ask(await house.app(), { max_price: 0.01 })).status).toBe(503);
    expect(await house.state.list('budget')).toEqual([]);
  });

  test('holds over eight instances at once, to the cent', async () => {
    house.tenants = [aTenant('ann', { daily_usd: 10 * DEAREST })];
    await house.offer(TWO);
    const apps = await Promise.all(Array.from({ length: 8 }, () => house.app()));
    const answers = await Promise.all(
      apps.flatMap((app, i) => Array.from({ length: 4 }, (_, j) => ask(app, { request_id: `r${i}-${j}` }))),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(10);
    expect(statuses.filter((status) => status === 402)).toHaveLength(22);
    expect(await reserved(house.state)).toBeCloseTo(10 * DEAREST, 6);
    expect(await house.state.list('intents/')).toHaveLength(10);
  });

  test('costs one swap for all who ask at once', async () => {
    let writes = 0;
    const { state } = house;
    const { swap, create } = state;
    const counted = (key: string): void => {
      if (key.startsWith('budget/')) writes += 1;
    };
    state.swap = (key, ...rest) => {
      counted(key);
      return swap(key, ...rest);
    };
    state.create = (key, ...rest) => {
      counted(key);
      return create(key, ...rest);
    };
    house.tenants = [aTenant('ann', { daily_usd: 1_000 })];
    await house.offer(TWO);
    const app = await house.app();
    await Promise.all(Array.from({ length: 50 }, (_, i) => ask(app, { request_id: `r${i}` })));
    expect(await reserved(state)).toBeCloseTo(50 * DEAREST, 6);
    // The first goes at once, the others share.
    expect(writes).toBeLessThanOrEqual(3);
  });

  test('that others change all the while is given up: 503, nothing deployed', async () => {
    house.tenants = [aTenant('ann', { daily_usd: 1_000 })];
    await house.offer(TWO);
    const { state } = house;
    let tries = 0;
    const { create } = state;
    state.create = async (key, ...rest) => {
      if (!key.startsWith('budget/')) return create(key, ...rest);
      tries += 1;
      return { created: false, entry: { key, value: null, version: '' } };
    };
    const answer = await ask(await house.app(), { request_id: 'r1' });
    expect([answer.status, bodyOf<ErrorBody>(answer).error.code, tries]).toEqual([
      503,
      'state_unavailable',
      BUDGET_SWAP_TRIES,
    ]);
    expect(await state.list('intents/')).toEqual([]);
  });

  test('accounts of last week are removed', async () => {
    const of = (day: string) => ({ tenant_id: 'ann', day, reserved_micro_usd: 1 });
    for (const day of ['2025-12-20', '2025-12-24', '2025-12-25', '2025-12-31'])
      await house.state.create(accountKey(of(day)), of(day));
    house.tenants = [aTenant('ann', { daily_usd: 100 })];
    await house.offer(TWO);
    await ask(await house.app(), {});
    await house.clock.advance(0);
    expect((await house.state.list('budget/')).map(({ key }) => key.slice('budget/ann/'.length))).toEqual([
      '2025-12-25',
      '2025-12-31',
      DAY,
    ]);
  });
});

describe('hard limits', () => {
  test('keep out what is too dear for the tenant, and say which', async () => {
    house.tenants = [aTenant('ann', { max_usd_per_gpu_hour: 0.35 }), aTenant('bob', { max_usd_per_deployment: 2.39 })];
    await house.offer(FIVE_OFFERS);
    const app = await house.app();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(app, { request_id: `r${i}` })));
    expect(new Set(answers.map((one) => bodyOf<RouteAnswer>(one).offer_id))).toEqual(new Set(['vast:0', 'akash:1']));
    for (const { fallbacks } of house.bus.payloads('deployment-requested')) expect(fallbacks).toHaveLength(1);
    const refused = await ask(app, {}, 'bob');
    expect([refused.status, bodyOf<RouteAnswer>(refused).reason]).toEqual([
      503,
      'none of 5 offers is eligible; nearest: price (max_usd_per_deployment of the tenant >= 2.4)',
    ]);
  });
});

describe('what it really cost', () => {
  const settled = async (costs: readonly (number | null)[], before?: () => Promise<void>) => {
    house.tenants = [aTenant('ann', { daily_usd: 100 })];
    await house.offer(TWO);
    await ask(await house.app(), { request_id: 'r1' });
    await house.close();
    await before?.();
    const budgets = createBudgets({ state: house.state, worldClock: house.clock, log: house.deps.log });
    for (const cost of costs) await budgets.settle({ decision_id: decisionId('ann', 'r1'), cost_usd: cost });
    return reserved(house.state);
  };

  test.each<[string, readonly (number | null)[], number]>([
    ['less', [1.25], 1.25],
    ['nothing', [0], 0],
    ['more than it might', [5], 5],
    ['as much', [DEAREST], DEAREST],
    ['nobody knows how much', [null], DEAREST],
    ['less, and is said twice', [1.25, 1.25], 1.25],
    ['more, and is said twice', [5, 5], 5],
    ['first one thing, then another: the first holds', [1.25, 0], 1.25],
  ])('%s', async (_, costs, expected) => {
    expect(await settled(costs)).toBeCloseTo(expected, 6);
  });

  test('is credited once, whoever says it at the same time', async () => {
    await settled([]);
    const settlers = [1, 2, 3, 4].map(() =>
      createBudgets({ state: house.state, worldClock: house.clock, log: house.deps.log }),
    );
    await Promise.all(settlers.map((one) => one.settle({ decision_id: decisionId('ann', 'r1'), cost_usd: 2 })));
    expect(await reserved(house.state)).toBeCloseTo(2, 6);
  });

  test('makes room at once for an instance that had none left', async () => {
    house.tenants = [aTenant('ann', { daily_usd: DEAREST })];
    await house.offer(TWO);
    const app = await house.app();
    expect((await ask(app, { request_id: 'r1' })).status).toBe(200);
    expect((await ask(app, { request_id: 'r2' })).status).toBe(402);
    const elsewhere = createBudgets({ state: house.state, worldClock: house.clock, log: house.deps.log });
    await elsewhere.settle({ decision_id: decisionId('ann', 'r1'), cost_usd: 0 });
    expect((await ask(app, { request_id: 'r2' })).status).toBe(200);
  });

  test('is nobody’s when the day is over', async () => {
    expect(await settled([0], () => house.clock.advance(2 * MS_PER_DAY))).toBe(DEAREST);
    expect(await house.state.get(holdKey(decisionId('ann', 'r1')))).toBeNull();
  });

  test('of a hold that nobody can read stays reserved, and is said', async () => {
    const id = 'd'.repeat(32);
    await house.state.create(holdKey(id), { usd: 3 });
    const budgets = createBudgets({ state: house.state, worldClock: house.clock, log: house.deps.log });
    await budgets.settle({ decision_id: id, cost_usd: 0 });
    expect(house.deps.lines.map(({ level, message }) => [level, message])).toEqual([
      ['error', 'a hold on a budget cannot be read'],
    ]);
  });

  test('of a deployment without a budget is nobody’s', async () => {
    const budgets = createBudgets({ state: house.state, worldClock: house.clock, log: house.deps.log });
    await budgets.settle({ decision_id: 'd'.repeat(32), cost_usd: 3 });
    expect(await house.state.list('')).toEqual([]);
  });

  test('of many at once shares a swap', async () => {
    house.tenants = [aTenant('ann', { daily_usd: 1_000 })];
    await house.offer(TWO);
    const app = await house.app();
    const ids = Array.from({ length: 30 }, (_, i) => `r${i}`);
    await Promise.all(ids.map((id) => ask(app, { request_id: id })));
    let swaps = 0;
    const { swap } = house.state;
    house.state.swap = (key, ...rest) => {
      if (key.startsWith('budget/')) swaps += 1;
      return swap(key, ...rest);
    };
    const budgets = createBudgets({ state: house.state, worldClock: house.clock, log: house.deps.log });
    await Promise.all(ids.map((id) => budgets.settle({ decision_id: decisionId('ann', id), cost_usd: 1 })));
    expect(await reserved(house.state)).toBeCloseTo(30, 6);
    expect(swaps).toBeLessThanOrEqual(3);
  });
});

/** One process of several: its commits and settlements, on a state whose answers come in an order that is drawn. */
interface Step {
  readonly process: number;
  /** What a process does in one lane it does in turn. */
  readonly lane: number;
  readonly decision: number;
  readonly kind: 'commit' | 'settle';
  readonly cost: number;
}

describe('law, whoever interleaves with whom and dies where', () => {
  const DAILY_USD = 6;
  const GPU_HOURS = [1, 2, 3, 5];
  const tenant = aTenant('ann', { daily_usd: DAILY_USD });
  const offers = indexed([anOffer({ usd_per_gpu_hour: 1, capacity_gpu_hours: null, capacity_total_gpu_hours: null })]);
  const routedOf = (decision: number) => {
    const request = aRouteRequest({ tenant_id: 'ann', gpu_hours: GPU_HOURS[decision % GPU_HOURS.length] ?? 1 });
    const workload = canonicalWorkloadOf(request);
    const routed = decideRoute({
      requestId: `r${decision}`,
      workload,
      offers,
      generation: '1',
      restrictions: NO_RESTRICTIONS,
      scores: null,
      fallbackReason: 'x',
      control: defaultControl('auto'),
      nowMs: NOW,
      salt: SALT,
      scoreMs: 1,
    });
    return { routed, workload };
  };
  const costOf = (decision: number): number => GPU_HOURS[decision % GPU_HOURS.length] ?? 1;
  const ROUTED = Array.from({ length: 6 }, (_, decision) => routedOf(decision));

  const steps: fc.Arbitrary<readonly Step[]> = fc.array(
    fc.record({
      process: fc.nat(2),
      lane: fc.nat(2),
      decision: fc.nat(5),
      kind: fc.constantFrom('commit', 'commit', 'commit', 'settle'),
      cost: fc.constantFrom(0, 0.5, 1),
    }),
    { minLength: 1, maxLength: 20 },
  );
  const deaths = fc.array(
    fc.option(fc.record({ at: fc.integer({ min: 1, max: 25 }), when: fc.constantFrom('before', 'after') })),
    { minLength: 3, maxLength: 3 },
  );

  test('what is decided is reserved, what is reserved is within the budget, and without deaths it is exact', async () => {
    const seen = { refused: 0, died: 0, settled: 0, contended: 0 };
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), steps, deaths, async (scheduler, all, kills) => {
        const clock = fakeClock(NOW);
        const state = memoryState(clock);
        /** Decision -> what it stands for in the budget: its estimate, or what it really cost. */
        const standing = new Map<number, number>();
        const check = async (): Promise<void> => {
          const sum = [...standing.values()].reduce((a, b) => a + b, 0);
          const held = await reserved(state);
          expect(held).toBeGreaterThanOrEqual(sum - 1e-9);
          expect(held).toBeLessThanOrEqual(DAILY_USD);
        };
        const slow: State = {
          ...state,
          get: async (key) => {
            await scheduler.schedule(Promise.resolve(), `get ${key}`);
            return state.get(key);
          },
          create: async (key, ...rest) => {
            await scheduler.schedule(Promise.resolve(), `create ${key}`);
            const made = await state.create(key, ...rest);
            const decision = ROUTED.findIndex(({ routed }) => key === `intents/${routed.decision.decision_id}`);
            if (made.created && decision >= 0) standing.set(decision, costOf(decision));
            await check();
            return made;
          },
          swap: async (key, ...rest) => {
            await scheduler.schedule(Promise.resolve(), `swap ${key}`);
            const done = await state.swap(key, ...rest);
            if (done === null) seen.contended += 1;
            await check();
            return done;
          },
        };
        const processes = kills.map((kill) => {
          const death = faults();
          if (kill !== null) death.killAt(kill.at, kill.when);
          const deps = { state: death.wrap(slow), bus: death.wrap(memoryBus()), log: memoryLog(), worldClock: clock };
          const budgets = createBudgets(deps);
          return { death, budgets, committer: createCommitter({ ...deps, budgets }) };
        });
        const actual = new Map<number, number>();
        const run = async ({ process, decision, kind, cost }: Step): Promise<void> => {
          const { committer, budgets } = processes[process] as (typeof processes)[number];
          const { routed, workload } = ROUTED[decision] as (typeof ROUTED)[number];
          try {
            if (kind === 'commit') {
              await committer.commit(routed, workload, tenant);
              return;
            }
            // It ends when it has been decided; whoever says so again says the same.
            if (!standing.has(decision)) return;
            const ended = actual.get(decision) ?? cost * costOf(decision);
            actual.set(decision, ended);
            standing.set(decision, ended);
            await budgets.settle({ decision_id: routed.decision.decision_id, cost_usd: ended });
            seen.settled += 1;
          } catch (error) {
            if ((error as { code?: string }).code === 'budget_exceeded') seen.refused += 1;
            else if (!String(error).includes('killed') && !String(error).includes('gone')) throw error;
          }
        };
        const lanes = Map.groupBy(all, ({ process, lane }) => `${process} ${lane}`);
        const inTurn = async (lane: readonly Step[]): Promise<void> => {
          for (const step of lane) await run(step);
        };
        await scheduler.waitFor(Promise.all([...lanes.values()].map(inTurn)));
        await scheduler.waitFor(Promise.all(processes.map(({ committer }) => committer.settled())));
        await check();
        const died = processes.filter(({ death }) => death.revive()).length;
        seen.died += died;
        if (died > 0) return;
        const left = await reserved(state);
        const [low, high] = [...standing].reduce(([a, b], [decision, now]) => [a + now, b + costOf(decision)], [0, 0]);
        // A settlement that came before its hold was there is left out, to the safe side.
        expect(left).toBeGreaterThanOrEqual(low - 1e-9);
        expect(left).toBeLessThanOrEqual(high + 1e-9);
        if (actual.size === 0) expect(left).toBeCloseTo(high, 6);
      }),
      { numRuns: testCases },
    );
    for (const [what, times] of Object.entries(seen)) expect([what, times > 0]).toEqual([what, true]);
  });
});
