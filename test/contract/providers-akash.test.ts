import { akashProvider } from '#shared/providers/akash/index.ts';
import { startFakeAkash } from '#sim/providers/akash/index.ts';
import { describeProvider } from './providers.ts';
import type { ProviderSubject } from './providers-world.ts';

const akash: ProviderSubject = {
  id: 'akash',
  key: 'key-of-akash-9e8d7c6b',
  operations: {
    offers: ['providers', 'prices'],
    create: ['create', 'bids', 'lease'],
    find: ['list', 'deployment'],
    instances: ['list', 'deployment'],
    status: ['deployment'],
    terminate: ['close'],
  },
  spacingMs: {
    providers: 5_000,
    prices: 5_000,
    create: 3_000,
    bids: 3_000,
    lease: 3_000,
    list: 1_000,
    deployment: 600,
    close: 1_500,
  },
  done: 'exited',
  startFake: startFakeAkash,
  connect: (options) => akashProvider({ ...options, aktUsd: null }),
};

describeProvider(akash);
