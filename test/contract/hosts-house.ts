/** Where a host's suites live: functions behind it, on servers and sockets that go with each test. */
import { afterEach } from 'vitest';
import { z } from 'zod';
import { hostClock } from '#shared/adapters/clock/host.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Served } from '#shared/runtime/hosts/lean.ts';
import { type HttpRoute, httpFunction, json, parseJson } from '#shared/runtime/http-function.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { bodyBytes } from '#test/functions/envelope-cases.ts';
import { fakeClock } from '#test/support/clock.ts';
import { type RawConnection, rawConnection } from '#test/support/raw-http.ts';
import { testDeps } from '#test/support/runtime.ts';

export type ServeApp = (
  app: FunctionApp,
  options: { readonly port: number; readonly hostClock: HostClock },
) => Promise<Served>;

export const LIMIT_BYTES = 1_000;

export type HostHouse = ReturnType<typeof hostHouse>;

export function hostHouse(serveApp: ServeApp) {
  const servers: Served[] = [];
  const sockets: RawConnection[] = [];
  afterEach(async () => {
    for (const { socket } of sockets.splice(0)) socket.destroy();
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  async function serve(app: FunctionApp): Promise<Served> {
    const server = await serveApp(app, { port: 0, hostClock });
    servers.push(server);
    return server;
  }
  async function raw(server: Served): Promise<RawConnection> {
    const connection = await rawConnection(server.port);
    sockets.push(connection);
    return connection;
  }

  /** A function with the given routes, and echo: POST /echo answers how many bytes came, POST /sum adds numbers. */
  function echo(routes: readonly HttpRoute[] = [], clock = fakeClock()) {
    const deps = testDeps(clock);
    const app = httpFunction({
      name: 'echo',
      deps,
      bodyLimitBytes: LIMIT_BYTES,
      maxConcurrent: 2,
      deadlineMs: 500,
      routes: [
        { method: 'POST', path: '/echo', handle: (request) => json(200, { bytes: request.body.length }) },
        {
          method: 'POST',
          path: '/sum',
          handle: (request) =>
            json(200, { sum: parseJson(request.body, z.array(z.number())).reduce((a, b) => a + b, 0) }),
        },
        ...routes,
      ],
    });
    return { app, deps, clock };
  }

  /** A route that waits until it is told. */
  function gated(path = '/wait') {
    const started = Promise.withResolvers<AbortSignal>();
    const release = Promise.withResolvers<void>();
    const route: HttpRoute = {
      method: 'POST',
      path,
      async handle(request) {
        started.resolve(request.signal);
        await release.promise;
        return json(200, { late: true });
      },
    };
    return { route, started: started.promise, release: () => release.resolve() };
  }

  const post = (server: Served, path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(server.url + path, { method: 'POST', headers, body: bodyBytes(body) });
  const codeOf = async (response: Response): Promise<unknown> =>
    ((await response.json()) as { error: { code: unknown } }).error.code;

  return { serveApp, serve, raw, echo, gated, post, codeOf };
}
