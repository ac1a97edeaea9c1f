/**
 * One function in a process of its own: FUNCTION_TARGET names it, PORT is its port, AURORA_HOST its host.
 *   FUNCTION_TARGET=score PORT=8082 node functions/serve.ts
 * Loads only what that function uses. Not here: collect, deploy and watch. They talk to providers, and the only ones so far are
 * those of the simulated market, whose memory lives in one process: `vm up`. They join with the first real adapter.
 */
import { serveFunction } from './serve-function.ts';

await serveFunction({
  score: async (platform) => (await import('./score/index.ts')).compose(platform),
  route: async (platform) => (await import('./route/index.ts')).compose(platform),
  learn: async (platform) => (await import('./learn/index.ts')).compose(platform),
  ingest: async (platform) => (await import('./ingest/index.ts')).compose(platform),
  train: async (platform) => (await import('./train/index.ts')).compose(platform),
  promote: async (platform) => (await import('./promote/index.ts')).compose(platform),
});
