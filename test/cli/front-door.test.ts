import { describe, expect, test } from 'vitest';
import { frontDoor } from '#cli/stack/front-door.ts';
import type { ErrorBody } from '#shared/errors.ts';
import { type HttpRoute, httpFunction, json } from '#shared/runtime/http-function.ts';
import { isStream } from '#shared/runtime/stream.ts';
import { fakeClock } from '#test/support/clock.ts';
import { bodyOf } from '#test/support/push.ts';
import { aRequest, testDeps } from '#test/support/runtime.ts';

/** A function that answers its name, and what it was asked. */
function echo(name: string, stream: HttpRoute[] = []) {
  return httpFunction({
    name,
    deps: testDeps(),
    routes: [
      ...stream,
      ...(['GET', 'POST', 'DELETE'] as const).map(
        (method): HttpRoute => ({
          method,
          path: '*',
          handle: ({ path, headers }) =>
            json(200, { name, asked: `${method} ${path}`, key: headers['x-api-key'] ?? null }),
        }),
      ),
    ],
  });
}

describe('the front door', () => {
  test.each([
    ['POST', '/route', 'route'],
    ['POST', '/agent/route', 'score'],
    ['GET', '/deployments', 'route'],
    ['GET', '/deployments/abc', 'route'],
    ['DELETE', '/deployments/abc', 'route'],
    ['GET', '/deployments/abc/logs', 'route'],
    ['GET', '/providers', 'route'],
    ['GET', '/providers/vast', 'route'],
  ])('%s %s goes to %s, as its caller', async (method, path, name) => {
    const front = frontDoor(testDeps(), { route: echo('route'), score: echo('score') });
    const answer = await front.handle(aRequest({ method, path, headers: { 'x-api-key': 'k' } }));
    expect(bodyOf(answer)).toEqual({ name, asked: `${method} ${path}`, key: 'k' });
  });

  test('refuses in the words of route', async () => {
    const front = frontDoor(testDeps(), { route: echo('route'), score: echo('score') });
    await front.drain();
    const answer = await front.handle(aRequest({ method: 'POST', path: '/route' }));
    expect(bodyOf<ErrorBody>(answer)).toMatchObject({
      status: 'failed',
      reason: 'front is shutting down',
      error: { code: 'draining' },
    });
  });

  test('passes on what comes bit by bit, and the end of it', async () => {
    const clock = fakeClock();
    let ended = false;
    const logs: HttpRoute = {
      method: 'GET',
      path: '/deployments/:id/logs',
      handle: async () => ({
        status: 200,
        body: (async function* () {
          try {
            for (;;) yield new TextEncoder().encode('line\n');
          } finally {
            ended = true;
          }
        })(),
      }),
    };
    const deps = testDeps(clock);
    const front = frontDoor(deps, {
      route: httpFunction({ name: 'route', deps, routes: [logs] }),
      score: echo('score'),
    });
    const { body } = await front.handle(aRequest({ path: '/deployments/abc/logs' }));
    if (!isStream(body)) throw new Error('expected a stream');
    let lines = 0;
    for await (const _ of body) if (++lines === 3) break;
    await clock.advance(0);
    expect([lines, ended, clock.pending()]).toEqual([3, true, 0]);
  });
});
