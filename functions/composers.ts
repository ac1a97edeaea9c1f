/**
 * The functions that are deployed, by name; each is imported only when it is asked for. Not here: collect, deploy and watch. They
 * talk to providers, and the only ones so far are those of the simulated market, whose memory lives in one process: `vm up`. They
 * join with the first real adapter.
 */
import type { Functions } from './serve-function.ts';

export const COMPOSERS = {
  ingest: async (platform) => (await import('./ingest/index.ts')).compose(platform),
  learn: async (platform) => (await import('./learn/index.ts')).compose(platform),
  promote: async (platform) => (await import('./promote/index.ts')).compose(platform),
  route: async (platform) => (await import('./route/index.ts')).compose(platform),
  score: async (platform) => (await import('./score/index.ts')).compose(platform),
  train: async (platform) => (await import('./train/index.ts')).compose(platform),
} satisfies Functions;
