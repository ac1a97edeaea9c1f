import { type AppSpec, buildApp } from './app.ts';
import type { FunctionApp } from './types.ts';

export { json } from './answers.ts';
export type { HttpRoute } from './app.ts';
export type { HttpRequest } from './bound-request.ts';
export type { RuntimeDeps } from './deps.ts';
export { parseJson } from './parse-json.ts';

/**
 * A function with HTTP doors. Beside its routes it answers GET /health, /ready and /metrics.
 * Failures leave as {error: {code, message, remedy}}: 404 not_found, 405 method_not_allowed, 413 body_too_large,
 * 503 overloaded | draining | deadline_exceeded, 500 internal, and whatever coded error a route throws.
 */
export function httpFunction(spec: AppSpec): FunctionApp {
  return buildApp(spec);
}
