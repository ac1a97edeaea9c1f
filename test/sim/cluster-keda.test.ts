import { afterEach, describe, expect, test } from 'vitest';
import { createSwitches } from '#sim/cluster/faults/switches.ts';
import { startKeda } from '#sim/cluster/keda.ts';
import { createClusterState } from '#sim/cluster/state.ts';
import { fakeClock } from '#test/support/clock.ts';

const PSI = 'vaultmesh-psi-jobs-sub';
const GPU = 'vaultmesh-gpu-jobs-sub';
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

function scene(speed = 1) {
  const clock = fakeClock();
  const faults = createSwitches(clock);
  const state = createClusterState({ hostClock: clock, seed: 7, speed, faults });
  const waiting = new Map<string, number | (() => number | Promise<number>)>([['vaultmesh-scheduler-jobs-sub', 1]]);
  const backlog = (subscription: string): number | Promise<number> => {
    const one = waiting.get(subscription) ?? 0;
    return typeof one === 'number' ? one : one();
  };
  const stop = startKeda({ hostClock: clock, state, faults, backlog, speed });
  stops.push(stop, () => state.close());
  return { clock, faults, state, waiting, stop };
}
const POLL = 30_000;
type Scene = ReturnType<typeof scene>;
const conditionsOf = ({ state }: Scene, name = 'psi-field-scaler') => {
  const object = state
    .store()
    .all('ScaledObject')
    .find(({ metadata }) => metadata.name === name);
  const all = object?.status?.['conditions'] as readonly { type: string; status: string }[];
  return Object.fromEntries(all.map(({ type, status }) => [type, status]));
};

describe('replicas follow the backlog', () => {
  test('0 -> 1 -> 0: at the next poll up, after the cooldown down', async () => {
    const one = scene();
    const { clock, state, waiting } = one;
    await clock.advance(1);
    expect(state.replicas('psi-field')).toBe(0);
    expect(state.ready('psi-field')).toBe(0);
    expect(conditionsOf(one)['Active']).toBe('False');
    waiting.set(PSI, 1);
    await clock.advance(POLL);
    expect(state.replicas('psi-field')).toBe(1);
    // It is there before it is ready.
    expect(state.ready('psi-field')).toBe(0);
    expect(conditionsOf(one)['Active']).toBe('True');
    await clock.advance(5_000);
    expect(state.ready('psi-field')).toBe(1);
    waiting.set(PSI, 0);
    // Last seen active at the poll at 30 s: 270 s after it is before the cooldown, 300 s is not.
    await clock.advance(POLL * 9 - 5_000);
    expect(state.replicas('psi-field')).toBe(1);
    await clock.advance(POLL);
    expect(state.replicas('psi-field')).toBe(0);
    expect(
      state
        .store()
        .all('Pod')
        .filter(({ metadata }) => metadata.labels?.['app'] === 'psi-field'),
    ).toEqual([]);
    // Nobody touched the other.
    expect(state.replicas('scheduler')).toBe(1);
  });

  test.each([
    [1, 1],
    [5, 1],
    [6, 2],
    [23, 5],
    [50, 10],
    [5_000, 10],
  ])('%i messages: %i replicas', async (messages, replicas) => {
    const { clock, state, waiting } = scene();
    waiting.set(PSI, messages);
    await clock.advance(1);
    expect(state.replicas('psi-field')).toBe(replicas);
    const deployment = state
      .store()
      .all('Deployment')
      .find(({ metadata }) => metadata.name === 'psi-field');
    expect(deployment?.spec?.['replicas']).toBe(replicas);
  });

  test('fewer only when little waited for a whole window; the oldest pods stay', async () => {
    const { clock, state, waiting } = scene();
    const pods = () =>
      state
        .store()
        .all('Pod')
        .filter(({ metadata }) => metadata.labels?.['app'] === 'psi-field')
        .map(({ metadata }) => metadata.name);
    await clock.advance(1);
    waiting.set(PSI, 20);
    await clock.advance(POLL);
    const four = pods();
    expect(four).toHaveLength(4);
    waiting.set(PSI, 3);
    await clock.advance(270_000);
    expect(pods()).toEqual(four);
    await clock.advance(POLL);
    expect(pods()).toHaveLength(1);
    expect(four).toContain(pods()[0]);
    waiting.set(PSI, 20);
    await clock.advance(POLL);
    // New pods have new names.
    expect(pods().filter((name) => four.includes(name))).toHaveLength(1);
  });

  test('a speed divides its times', async () => {
    const { clock, state, waiting } = scene(60);
    await clock.advance(1);
    waiting.set(PSI, 1);
    await clock.advance(POLL / 60);
    expect(state.replicas('psi-field')).toBe(1);
    waiting.set(PSI, 0);
    await clock.advance(300_000 / 60);
    expect(state.replicas('psi-field')).toBe(0);
  });
});

describe('what it does not do', () => {
  test.each(['scaled_object_missing', 'scaled_object_not_ready', 'scaled_object_paused', 'scaler_stuck', 'keda_down'])(
    '%s: psi-field keeps its replicas, and goes on when it is over',
    async (fault) => {
      const { clock, faults, state, waiting } = scene();
      await clock.advance(1);
      faults.set([fault]);
      waiting.set(PSI, 30);
      waiting.set('vaultmesh-scheduler-jobs-sub', 10);
      await clock.advance(POLL);
      expect(state.replicas('psi-field')).toBe(0);
      // Only the operator itself stops all of them.
      expect(state.replicas('scheduler')).toBe(fault === 'keda_down' ? 1 : 2);
      faults.set([]);
      await clock.advance(POLL);
      expect(state.replicas('psi-field')).toBe(6);
    },
  );

  test('scaler_stuck says that all is well', async () => {
    const one = scene();
    one.faults.set(['scaler_stuck']);
    one.waiting.set(PSI, 30);
    await one.clock.advance(1);
    expect(conditionsOf(one)).toEqual({ Ready: 'True', Active: 'True', Fallback: 'False', Paused: 'False' });
  });

  test('scaled_object_bounds: one at most', async () => {
    const { clock, faults, state, waiting } = scene();
    faults.set(['scaled_object_bounds']);
    waiting.set(PSI, 30);
    await clock.advance(1);
    expect(state.replicas('psi-field')).toBe(1);
  });

  test.each<[string, () => number | Promise<number>]>([
    ['that fails', () => Promise.reject(new Error('no such subscription'))],
    [
      'that throws',
      () => {
        throw new Error('no such subscription');
      },
    ],
    ['that is no number', () => Number.NaN],
    ['that never comes', () => new Promise<number>(() => undefined)],
  ])('a backlog %s changes no replicas, is shown, and is forgotten when it comes again', async (_, bad) => {
    const one = scene();
    const { clock, state, waiting } = one;
    waiting.set(PSI, 7);
    await clock.advance(1);
    waiting.set(PSI, bad);
    await clock.advance(2 * POLL);
    expect(state.replicas('psi-field')).toBe(2);
    expect(conditionsOf(one)['Active']).toBe('Unknown');
    expect(conditionsOf(one, 'scheduler-scaler')['Active']).toBe('True');
    waiting.set(PSI, 14);
    await clock.advance(2 * POLL);
    expect(state.replicas('psi-field')).toBe(3);
    expect(conditionsOf(one)['Active']).toBe('True');
  });
});

test('GPU work becomes jobs, at most ten at once, and what has ended is listed for a while', async () => {
  const { clock, state, waiting } = scene();
  waiting.set(GPU, 3);
  await clock.advance(1);
  const jobs = () => state.store().all('Job');
  const phases = () =>
    state
      .store()
      .all('Pod')
      .filter(({ metadata }) => metadata.labels?.['app'] === 'gpu-worker')
      .map(({ status }) => status?.['phase']);
  expect(phases()).toEqual(['Running', 'Running', 'Running']);
  await clock.advance(POLL);
  expect(jobs()).toHaveLength(3);
  waiting.set(GPU, 400);
  await clock.advance(POLL);
  expect(state.runningJobs()).toHaveLength(10);
  waiting.set(GPU, 0);
  await clock.advance(700_000);
  expect(new Set(phases())).toEqual(new Set(['Succeeded']));
  waiting.set(GPU, 1);
  await clock.advance(POLL);
  expect(jobs()).toHaveLength(6);
});

test.each<[string, number | (() => Promise<number>)]>([
  ['between two polls', 1],
  ['while a subscription does not tell', () => new Promise<number>(() => undefined)],
])('ends when it is told %s, and leaves no timer', async (_, backlog) => {
  const { clock, state, waiting, stop } = scene();
  waiting.set(PSI, backlog);
  await clock.advance(1);
  expect(clock.pending()).toBeGreaterThan(0);
  stop();
  state.close();
  expect(clock.pending()).toBe(0);
});
