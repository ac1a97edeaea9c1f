import { randomUUID } from 'node:crypto';
import { afterAll } from 'vitest';
import { createGcsObjects } from '#shared/adapters/objects/gcs/index.ts';
import { createObjectState } from '#shared/adapters/state/objects.ts';
import type { State } from '#shared/ports/state.ts';
import { storageTarget } from '#test/support/gcs/target.ts';
import { stateContract } from './state.ts';

const target = storageTarget('state-objects');
afterAll(() => target.close());

stateContract(`objects of ${target.name}`, async (hostClock) => {
  const { where, dispose } = await target.store();
  return {
    async open(): Promise<State> {
      const objects = createGcsObjects({ ...where, newMark: randomUUID, hostClock });
      const state = createObjectState({ objects, folder: 'state/', hostClock });
      return {
        ...state,
        async close() {
          await state.close();
          await objects.close();
        },
      };
    },
    dispose,
  };
});
