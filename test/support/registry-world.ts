/** A registry over memory, and what is published in it. */
import { expect } from 'vitest';
import { createRegistry } from '#shared/registry/registry.ts';
import { type FakeClock, fakeClock } from './clock.ts';
import { type MemoryObjects, memoryObjects } from './memory-objects.ts';
import { aModel } from './model.ts';

export const refused = (code: string, message: RegExp = /./) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

export interface World {
  readonly objects: MemoryObjects;
  readonly clock: FakeClock;
  readonly registry: ReturnType<typeof createRegistry>;
}

export const aWorld = (): World => {
  const objects = memoryObjects();
  const clock = fakeClock();
  return { objects, clock, registry: createRegistry({ objects, worldClock: clock }) };
};

/** Models differ in their version only; made once, because a scorer's width of weights takes time to fill. */
export const small = aModel({ hidden: [2] });
export const model = (version: string) => ({ ...small, manifest: { ...small.manifest, version } });
export const publish = async ({ registry }: World, ...versions: string[]): Promise<void> => {
  for (const version of versions) await registry.publishVersion(model(version).manifest, small.files);
};
export const by = { by: 'ann', reason: 'because', verdict: null, forced: false } as const;
export const BACK = { by: 'ann', reason: 'worse', serves: async () => true };
