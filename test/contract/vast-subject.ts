import { vastProvider } from '#shared/providers/vast/index.ts';
import { startFakeVast } from '#sim/providers/vast/index.ts';
import type { ProviderSubject } from './providers-world.ts';

export const vast: ProviderSubject = {
  id: 'vast',
  key: 'key-of-vast-0f1e2d3c',
  unsold: 'vast:1x12345-2x23456',
  operations: {
    offers: ['search'],
    create: ['create'],
    find: ['list'],
    instances: ['list'],
    status: ['get'],
    terminate: ['destroy'],
  },
  spacingMs: { search: 6_000, create: 4_500, get: 2_000, list: 1_000, logs: 1_000, destroy: 3_000 },
  refusal: 'no_credit',
  done: 'exited',
  startFake: startFakeVast,
  connect: vastProvider,
};
