import { randomUUID } from 'node:crypto';
import { createGcsObjects } from '#shared/adapters/objects/gcs/index.ts';
import { createObjectState } from '#shared/adapters/state/objects.ts';
import type { State } from '#shared/ports/state.ts';
import { BUCKET, startGcsFake } from '#test/support/gcs/server.ts';
import { stateContract } from './state.ts';

stateContract('objects of Cloud Storage', async (hostClock) => {
  const fake = await startGcsFake();
  return {
    async open(): Promise<State> {
      const objects = createGcsObjects({
        bucket: BUCKET,
        endpoint: fake.endpoint,
        token: () => Promise.reject(new Error('expected no credentials')),
        newMark: randomUUID,
        hostClock,
      });
      const state = createObjectState({ objects, folder: 'state/', hostClock });
      return {
        ...state,
        async close() {
          await state.close();
          await objects.close();
        },
      };
    },
    dispose: () => fake.close(),
  };
});
