import { failedRoute } from '#functions/route/answer.ts';
import { type HttpRoute, httpFunction, type RuntimeDeps } from '#shared/runtime/http-function.ts';
import type { FunctionApp, FunctionRequest } from '#shared/runtime/types.ts';

/** One address for callers: what they ask goes to its function, in process, so the proxy costs no hop. */
export function frontDoor(
  deps: RuntimeDeps,
  functions: { readonly route: FunctionApp; readonly score: FunctionApp },
): FunctionApp {
  const to = (app: FunctionApp) => (request: FunctionRequest) => app.handle(request);
  const ofRoute = (method: 'GET' | 'DELETE', path: string): HttpRoute => ({
    method,
    path,
    handle: to(functions.route),
  });
  return httpFunction({
    name: 'front',
    deps,
    routes: [
      { method: 'POST', path: '/route', failure: failedRoute, handle: to(functions.route) },
      ofRoute('GET', '/deployments'),
      ofRoute('GET', '/deployments/:id'),
      ofRoute('DELETE', '/deployments/:id'),
      ofRoute('GET', '/deployments/:id/logs'),
      ofRoute('GET', '/providers'),
      ofRoute('GET', '/providers/:id'),
      { method: 'POST', path: '/agent/route', handle: to(functions.score) },
    ],
  });
}
