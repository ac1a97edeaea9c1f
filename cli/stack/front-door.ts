import { httpFunction, type RuntimeDeps } from '#shared/runtime/http-function.ts';
import type { FunctionApp, FunctionRequest } from '#shared/runtime/types.ts';

/** One address for callers: /route and /agent/route go to their functions, in process, so the proxy costs no hop. */
export function frontDoor(
  deps: RuntimeDeps,
  functions: { readonly route: FunctionApp; readonly score: FunctionApp },
): FunctionApp {
  const to = (app: FunctionApp) => (request: FunctionRequest) => app.handle(request);
  return httpFunction({
    name: 'front',
    deps,
    routes: [
      { method: 'POST', path: '/route', handle: to(functions.route) },
      { method: 'POST', path: '/agent/route', handle: to(functions.score) },
    ],
  });
}
