import { akashProvider } from '#shared/providers/akash/index.ts';
import { sdlOf } from '#shared/providers/akash/sdl.ts';
import { startFakeAkash } from '#sim/providers/akash/index.ts';
import { orderedIn } from '#sim/providers/akash/sdl.ts';
import { type ProviderSubject, specOf } from './providers-world.ts';

// The first SDL takes 24 ms to be written and read, all others two: on a busy machine more than an attempt waits.
orderedIn(
  sdlOf({
    label: 'warm',
    requestId: 'warm',
    spec: specOf('h100'),
    card: { model: 'h100', ram: null },
    maxUactPerBlock: 1,
  }),
);

export const akash: ProviderSubject = {
  id: 'akash',
  key: 'key-of-akash-9e8d7c6b',
  unsold: `akash:akash1${'q'.repeat(38)}:rtx4090`,
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
  refusal: '402',
  done: 'exited',
  // Times on a chain are heights.
  tellsReady: false,
  startFake: startFakeAkash,
  connect: (options) => akashProvider({ ...options, aktUsd: null }),
};
