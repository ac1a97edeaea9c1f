import { expect, test } from 'vitest';
import { TransientError } from '#shared/errors.ts';
import { type HttpRequest, type HttpRoute, httpFunction, json } from '#shared/runtime/http-function.ts';
import type { FunctionResponse } from '#shared/runtime/types.ts';
import { fakeClock } from '#test/support/clock.ts';
import { aRequest, testDeps } from '#test/support/runtime.ts';

const app = (routes: readonly HttpRoute[], extra: Partial<Parameters<typeof httpFunction>[0]> = {}) =>
  httpFunction({ name: 'thing', deps: testDeps(), routes, ...extra });

test('a handler that answers at once is answered at once, and needs no timer', () => {
  const clock = fakeClock();
  const handled = app([{ method: 'GET', path: '/now', handle: () => json(200, 1) }], { deps: testDeps(clock) });
  expect(handled.handle(aRequest({ path: '/now' }))).toEqual(expect.objectContaining({ status: 200, body: '1' }));
  expect(clock.pending()).toBe(0);
});

test('a handler gets its parameters decoded, its deadline, and the ids of its caller', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  let seen: HttpRequest | undefined;
  const clock = fakeClock(1_000);
  const handled = app(
    [
      { method: 'GET', path: '/a/fixed', handle: () => json(200, 'fixed') },
      {
        method: 'GET',
        path: '/a/:id/b/:other',
        handle(request) {
          seen = request;
          return json(200, 'pattern');
        },
      },
    ],
    { deps: testDeps(clock), deadlineMs: 500 },
  );
  const get = (path: string, headers = {}) => handled.handle(aRequest({ path, headers }));
  await get('/a/x%2Fy/b/z', { 'x-request-id': 'r:1', traceparent });
  expect([seen?.params, seen?.deadline, seen?.requestId, seen?.traceparent]).toEqual([
    { id: 'x/y', other: 'z' },
    1_500,
    'r:1',
    traceparent,
  ]);
  await get('/a/1/b/2', { traceparent });
  expect(seen?.requestId).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
  await get('/a/1/b/2', {
    'x-request-id': 'two\nlines',
    traceparent: '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
  });
  expect([seen?.requestId, seen?.traceparent]).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), null]);
  expect(await get('/a/fixed')).toMatchObject({ body: '"fixed"' });
  expect(await get('/a//b/2')).toMatchObject({ status: 404 });
});

test('the deadline answers, tells the handler, keeps its slot until it has settled, and logs how it ended', async () => {
  const deps = testDeps(fakeClock());
  const clock = deps.hostClock as ReturnType<typeof fakeClock>;
  const hold = Promise.withResolvers<FunctionResponse>();
  let signal: AbortSignal | undefined;
  const handled = app(
    [
      {
        method: 'GET',
        path: '/slow',
        handle(request) {
          signal = request.signal;
          return hold.promise;
        },
      },
    ],
    { deps, deadlineMs: 100, maxConcurrent: 1 },
  );
  const get = async () => (await handled.handle(aRequest({ path: '/slow' }))) as FunctionResponse;
  const first = get();
  await clock.advance(99);
  expect(signal?.aborted).toBe(false);
  await clock.advance(1);
  expect([(await first).status, signal?.aborted]).toEqual([503, true]);
  expect((await get()).body).toContain('overloaded');
  hold.reject(new TransientError('bus_unavailable', 'gave up'));
  await clock.advance(0);
  const again = get();
  await clock.advance(0);
  expect((await again).body).toContain('bus_unavailable');
  expect(deps.lines.map(({ message }) => message)).toEqual([
    'request failed for now',
    'handler failed after its deadline',
    'request failed for now',
  ]);
  expect(clock.pending()).toBe(0);
});

test('a host that allows less than the function is obeyed', async () => {
  const clock = fakeClock(0);
  const handled = app([{ method: 'GET', path: '/slow', handle: () => new Promise(() => undefined) }], {
    deps: testDeps(clock),
  });
  const answer = handled.handle(aRequest({ path: '/slow', deadline: 50 }));
  await clock.advance(50);
  expect(await answer).toMatchObject({ status: 503, body: expect.stringContaining('deadline_exceeded') });
});

test('ready: not before start, then what the function says, not while draining', async () => {
  let warm = false;
  let starts = 0;
  const handled = app([], {
    async start() {
      starts += 1;
    },
    ready: () => (warm ? { ready: true, waiting_for: [] } : { ready: false, waiting_for: ['offers'] }),
  });
  const ready = async () => JSON.parse(String((await handled.handle(aRequest({ path: '/ready' }))).body));
  expect(await ready()).toEqual({ ready: false, waiting_for: ['start'] });
  await Promise.all([handled.start(), handled.start()]);
  expect([starts, await ready()]).toEqual([1, { ready: false, waiting_for: ['offers'] }]);
  warm = true;
  expect(await ready()).toEqual({ ready: true, waiting_for: [] });
  await handled.drain();
  expect(await ready()).toEqual({ ready: false, waiting_for: ['draining'] });
});

test('drain waits for what is under way, then stops the function once', async () => {
  const order: string[] = [];
  const hold = Promise.withResolvers<FunctionResponse>();
  const handled = app([{ method: 'GET', path: '/slow', handle: () => hold.promise }], {
    stop: async () => void order.push('stop'),
  });
  const slow = Promise.resolve(handled.handle(aRequest({ path: '/slow' }))).then(() => order.push('answered'));
  const drains = [handled.drain(), handled.drain()];
  await Promise.resolve();
  expect(order).toEqual([]);
  hold.resolve(json(200, {}));
  await Promise.all([slow, ...drains]);
  expect(order.toSorted()).toEqual(['answered', 'stop']);
});

test('two doors at one place are a mistake found at load', () => {
  const route: HttpRoute = { method: 'GET', path: '/health', handle: () => json(200, {}) };
  expect(() => app([route])).toThrow('two doors at GET /health');
});
