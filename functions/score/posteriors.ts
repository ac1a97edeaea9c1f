/** The posteriors of the actors that are loaded, polled: the last valid one of each stays until a newer one is whole. */

import { RejectedError } from '#shared/errors.ts';
import { loadServedPosterior, posteriorObject, type ReadyPosterior } from '#shared/learning/fast/learned-objects.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { type PolledObject, polledObject } from '#shared/serving/polled-object.ts';

export interface Posteriors {
  current(name: string): ReadyPosterior | null;
  /** Why there is none. */
  whyNot(name: string): string;
  /** Looks once for each of these, one after the other, and forgets the others. Never throws. */
  refresh(names: Iterable<string>): Promise<void>;
}

export function createPosteriors({
  objects,
  log,
  pause,
}: {
  readonly objects: Objects;
  readonly log: Log;
  /** A turn of the event loop, for the requests that came meanwhile. */
  readonly pause: () => Promise<void>;
}): Posteriors {
  let polled: ReadonlyMap<string, PolledObject<ReadyPosterior>> = new Map();

  const posteriorOf = (name: string): PolledObject<ReadyPosterior> =>
    polledObject({
      name: posteriorObject(name),
      objects,
      log,
      parse: async (bytes) => {
        const ready = await loadServedPosterior(bytes, pause);
        if (ready.name === name) return ready;
        throw new RejectedError('artefact_corrupt', `posterior of ${name}: it is that of ${ready.name}`);
      },
    });

  return {
    current: (name) => polled.get(name)?.current()?.value ?? null,
    whyNot: (name) => polled.get(name)?.lastError() ?? 'it has not been written yet',
    async refresh(names) {
      polled = new Map([...names].map((name) => [name, polled.get(name) ?? posteriorOf(name)]));
      for (const each of polled.values()) await each.refresh();
    },
  };
}
