import { renderProvider } from '#shared/providers/render/index.ts';
import { startFakeRender } from '#sim/providers/render/index.ts';
import type { ProviderSubject } from './providers-world.ts';

export const render: ProviderSubject = {
  id: 'render',
  key: 'pk_0f1e2d3c4b5a:sk_key-of-render-69788796',
  unsold: 'render:us-east-1/rtx4090/NVIDIA%20RTX%204091',
  operations: {
    offers: ['list_offers'],
    create: ['create_job'],
    find: ['list_jobs'],
    instances: ['list_jobs', 'list_runs'],
    status: ['get_job', 'list_runs'],
    terminate: ['cancel_job'],
  },
  spacingMs: {},
  refusal: 'no_credit',
  done: 'completed',
  tellsReady: false,
  // The suite's figures are those of nodes as large as was asked for.
  startFake: (world) => startFakeRender({ ...world, largerNodeShare: 0 }),
  // A stranger's key is a pair too.
  connect: ({ key, ...options }) =>
    renderProvider({ ...options, key: key.includes(':') ? key : `pk_0f1e2d3c4b5a:${key}` }),
};
