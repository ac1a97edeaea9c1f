/**
 * One function in a process of its own: FUNCTION_TARGET names it, PORT is its port, AURORA_HOST its host.
 *   FUNCTION_TARGET=score PORT=8082 node functions/serve.ts
 * Loads only what that function uses.
 */
import { COMPOSERS } from './composers.ts';
import { serveFunction } from './serve-function.ts';

await serveFunction(COMPOSERS);
