/** Who takes jobs off the bus in the simulated cluster, as a push subscription meets him. */
import { afterEach, describe, expect, test } from 'vitest';
import { createSwitches } from '#sim/cluster/faults/switches.ts';
import { startKeda } from '#sim/cluster/keda.ts';
import { createWorker, gpuPlaces, podPlaces, type Worker } from '#sim/cluster/services/worker.ts';
import { createClusterState } from '#sim/cluster/state.ts';
import { fakeClock } from '#test/support/clock.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

const PUSH = { subscription: 'projects/aurora/subscriptions/vaultmesh-psi-jobs-sub', message: { data: 'e30=' } };
/** At speed 1. */
const JOB_MS = 40_000;

function scene(ready: number, speed = 1) {
  const clock = fakeClock();
  const pods = { ready };
  const worker = createWorker({ hostClock: clock, places: () => podPlaces(pods.ready, speed) });
  stops.push(worker.close);
  return { clock, pods, worker, push: () => pushed(worker, clock.now()) };
}

/** What has been answered by now; null: cut off. */
function pushed(worker: Worker, nowMs: number, method = 'POST', body: unknown = PUSH) {
  const answer: { status: number | null | 'none yet' } = { status: 'none yet' };
  void worker.take({ method, path: '/jobs', body, nowMs }).then((reply) => {
    answer.status = reply?.status ?? null;
  });
  return answer;
}

describe('pods', () => {
  test('refuse a job while none of them is ready, so that it comes again', async () => {
    const { clock, pods, push } = scene(0);
    const first = push();
    await clock.advance(1);
    expect(first.status).toBe(503);
    pods.ready = 1;
    const second = push();
    await clock.advance(JOB_MS - 1);
    expect(second.status).toBe('none yet');
    await clock.advance(1);
    expect(second.status).toBe(200);
    expect(clock.pending()).toBe(0);
  });

  test('take one each at a time', async () => {
    const { clock, push } = scene(2, 20);
    const [one, two, three] = [push(), push(), push()];
    await clock.advance(0);
    expect([one.status, two.status, three.status]).toEqual(['none yet', 'none yet', 503]);
    await clock.advance(JOB_MS / 20);
    expect([one.status, two.status]).toEqual([200, 200]);
    const next = push();
    await clock.advance(JOB_MS / 20);
    expect(next.status).toBe(200);
  });

  test('that go take their jobs with them, unanswered; the others go on', async () => {
    const { clock, pods, push } = scene(2);
    const [one, two] = [push(), push()];
    pods.ready = 1;
    await clock.advance(JOB_MS);
    expect([one.status, two.status]).toEqual([200, null]);
  });

  test('that are closed answer nobody, and leave no timer', async () => {
    const { clock, push, worker } = scene(1);
    const one = push();
    worker.close();
    await clock.advance(0);
    expect(one.status).toBe(null);
    expect(clock.pending()).toBe(0);
  });

  test.each([
    ['GET', PUSH, 405],
    ['POST', { x: 1 }, 400],
    ['POST', null, 400],
  ])('%s %j: %i', async (method, body, status) => {
    const { clock, worker } = scene(1);
    const answer = pushed(worker, clock.now(), method, body);
    await clock.advance(0);
    expect(answer.status).toBe(status);
  });
});

test('GPU jobs take a message each, of what KEDA started them for, and no more are started', async () => {
  const clock = fakeClock();
  const faults = createSwitches(clock);
  const state = createClusterState({ hostClock: clock, seed: 7, speed: 20, faults });
  const worker = createWorker({ hostClock: clock, places: () => gpuPlaces(state.runningJobs(), clock.now()) });
  const waiting = new Set([1, 2, 3]);
  const started: number[] = [];
  // As a bus pushes: again each second, until it is taken.
  const push = async (message: number): Promise<void> => {
    const reply = await worker.take({ method: 'POST', path: '/jobs', body: PUSH, nowMs: clock.now() });
    if (reply?.status === 200) waiting.delete(message);
    else clock.after(1_000, () => void push(message));
  };
  for (const message of waiting) void push(message);
  const backlog = (name: string): number => (name === 'vaultmesh-gpu-jobs-sub' ? waiting.size : 1);
  stops.push(startKeda({ hostClock: clock, state, faults, backlog, speed: 20 }), worker.close, () => state.close());
  for (let seconds = 0; seconds < 60; seconds += 1) {
    await clock.advance(1_000);
    started.push(state.runningJobs().length);
    // What is worked at waits on the bus until it is done.
    if (seconds < 25) expect(waiting.size).toBe(3);
  }
  expect(waiting.size).toBe(0);
  expect(Math.max(...started)).toBe(3);
  expect(state.store().all('Job')).toHaveLength(3);
});
