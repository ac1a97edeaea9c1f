/** The functions that are deployed, by name; each is imported only when it is asked for. */
import type { Functions } from './serve-function.ts';

export const COMPOSERS = {
  collect: async (platform) => (await import('./collect/index.ts')).compose(platform),
  deploy: async (platform) => (await import('./deploy/index.ts')).compose(platform),
  ingest: async (platform) => (await import('./ingest/index.ts')).compose(platform),
  learn: async (platform) => (await import('./learn/index.ts')).compose(platform),
  probe: async (platform) => (await import('./probe/index.ts')).compose(platform),
  promote: async (platform) => (await import('./promote/index.ts')).compose(platform),
  route: async (platform) => (await import('./route/index.ts')).compose(platform),
  score: async (platform) => (await import('./score/index.ts')).compose(platform),
  train: async (platform) => (await import('./train/index.ts')).compose(platform),
  watch: async (platform) => (await import('./watch/index.ts')).compose(platform),
} satisfies Functions;
