import { createServer } from 'node:http';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BreakerState, createBreaker, onAllow, onFailure, onSuccess } from '#shared/runtime/breaker.ts';
import { showBreaker } from '#shared/runtime/breaker-metrics.ts';
import { installGate } from '#shared/runtime/hosts/gate.ts';
import { poll } from '#shared/runtime/poller.ts';
import { createWorldClock } from '#shared/runtime/world-clock.ts';
import { testCases } from '#test/support/cases.ts';
import { fakeClock } from '#test/support/clock.ts';
import { type LogLine, memoryLog, testDeps } from '#test/support/runtime.ts';

test('the breaker opens after failures in a row, lets one call try after the pause, and closes on its success', () => {
  const changes: string[] = [];
  const breaker = createBreaker({
    name: 'score',
    failures: 2,
    pauseMs: 100,
    onChange: (from, to) => changes.push(`${from}>${to}`),
  });
  breaker.failure(0);
  breaker.success(0);
  breaker.failure(0);
  expect([breaker.allow(0), breaker.state()]).toEqual([true, { name: 'closed', failures: 1 }]);
  breaker.failure(0);
  expect([breaker.allow(99), breaker.allow(100), breaker.allow(100)]).toEqual([false, true, false]);
  breaker.failure(110);
  expect([breaker.allow(209), breaker.allow(210)]).toEqual([false, true]);
  breaker.success(211);
  expect(breaker.state()).toEqual({ name: 'closed', failures: 0 });
  expect(changes).toEqual(['closed>open', 'open>half_open', 'half_open>open', 'open>half_open', 'half_open>closed']);
});

test('the state of each breaker is a gauge, by dependency', async () => {
  const { metrics } = testDeps();
  const [score, vast] = [createBreaker({ name: 'score', failures: 1, pauseMs: 100 }), createBreaker({ name: 'vast' })];
  showBreaker(metrics, score);
  showBreaker(metrics, vast);
  const shown = async (): Promise<unknown> =>
    [...(await metrics.exposition()).matchAll(/^aurora_breaker_state{dependency="(\w+)"} (\d)$/gm)].map((line) =>
      line.slice(1),
    );
  expect(await shown()).toEqual([
    ['score', '0'],
    ['vast', '0'],
  ]);
  score.failure(0);
  expect(await shown()).toEqual([
    ['score', '2'],
    ['vast', '0'],
  ]);
  score.allow(100);
  expect(await shown()).toEqual([
    ['score', '1'],
    ['vast', '0'],
  ]);
});

test('a call from before the opening that succeeds late does not close it', () => {
  const breaker = createBreaker({ name: 'score', failures: 1, pauseMs: 100 });
  expect([breaker.allow(0), breaker.allow(0)]).toEqual([true, true]);
  breaker.failure(1);
  breaker.success(2);
  expect(breaker.allow(3)).toBe(false);
});

test('a trial that never reports does not keep the breaker shut for ever', () => {
  const breaker = createBreaker({ name: 'score', failures: 1, pauseMs: 100 });
  breaker.failure(0);
  expect([breaker.allow(100), breaker.allow(199), breaker.allow(200)]).toEqual([true, false, true]);
});

test('law: an open breaker lets through at most one call per pause', () => {
  const limits = { failures: 3, pauseMs: 100 };
  const step = fc.record({ kind: fc.constantFrom('allow', 'success', 'failure'), afterMs: fc.nat(60) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let state: BreakerState = { name: 'closed', failures: 0 };
      let now = 0;
      let lastTrial = Number.NEGATIVE_INFINITY;
      for (const { kind, afterMs } of steps) {
        now += afterMs;
        if (kind === 'success') state = onSuccess(state);
        else if (kind === 'failure') state = onFailure(state, now, limits);
        else {
          const was: BreakerState['name'] = state.name;
          const decision = onAllow(state, now, limits);
          state = decision.state;
          if (was === 'closed') expect(decision.allowed).toBe(true);
          else if (decision.allowed) {
            expect(now - lastTrial).toBeGreaterThanOrEqual(limits.pauseMs);
            lastTrial = now;
          }
        }
        if (state.name === 'closed') {
          expect(state.failures).toBeLessThan(limits.failures);
          lastTrial = Number.NEGATIVE_INFINITY;
        }
      }
    }),
    { numRuns: testCases },
  );
});

test('a poller runs one at a time, survives failures, and stops when the run under way has ended', async () => {
  const clock = fakeClock();
  const lines: LogLine[] = [];
  const runs: { end: () => void; fail: (error: Error) => void; signal: AbortSignal }[] = [];
  const poller = poll({
    name: 'offers',
    everyMs: 100,
    hostClock: clock,
    log: memoryLog(lines),
    run: (signal) => new Promise<void>((end, fail) => runs.push({ end, fail, signal })),
  });
  await clock.advance(99);
  expect(runs).toHaveLength(0);
  await clock.advance(500);
  expect(runs).toHaveLength(1);
  runs[0]?.fail(new Error('no network'));
  await clock.advance(100);
  expect([runs.length, lines.map(({ level, fields }) => [level, fields['poller']])]).toEqual([2, [['warn', 'offers']]]);
  let stopped = false;
  const stop = poller.stop().then(() => {
    stopped = true;
  });
  await clock.advance(1_000);
  expect([stopped, runs[1]?.signal.aborted]).toEqual([false, true]);
  runs[1]?.end();
  await stop;
  await clock.advance(1_000);
  expect([runs.length, clock.pending()]).toEqual([2, 0]);
});

test('the world runs at its speed and never backwards, though the host does', async () => {
  const host = fakeClock(1_000);
  const world = createWorldClock({ hostClock: host, speed: 600, originHostMs: 1_000, originWorldMs: 50_000 });
  expect(world.now()).toBe(50_000);
  await host.advance(10);
  expect(world.now()).toBe(56_000);
  await host.advance(-5_000);
  expect(world.now()).toBe(56_000);
  await host.advance(5_001);
  expect(world.now()).toBe(56_600);
  expect(() => createWorldClock({ hostClock: host, speed: 0, originHostMs: 0, originWorldMs: 0 })).toThrow(
    'expected a number above 0',
  );
});

test('a request that was too slow to come is answered 408', async () => {
  const server = createServer();
  installGate(server, { hostClock: fakeClock(), limitBytes: () => 0, serve: () => undefined });
  const socket = new PassThrough();
  server.emit('clientError', Object.assign(new Error('timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
  let text = '';
  for await (const chunk of socket) text += chunk;
  expect(text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\nconnection: close[\s\S]*"code":"request_timeout"/);
});
