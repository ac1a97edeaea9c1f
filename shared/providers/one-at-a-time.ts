import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { pause } from '#shared/runtime/pause.ts';
import type { CallContext } from './provider.ts';

/**
 * Of works under one key one runs at a time, in this process: two deployments of one request, each of which has looked and found
 * nothing, would make two instances. Who waits does so within its own deadline, and then looks for itself.
 * @throws TransientError deadline_exceeded; the signal's reason when the caller gave up
 */
export function oneAtATime<T>(
  hostClock: HostClock,
): (key: string, context: CallContext, work: () => Promise<T>) => Promise<T> {
  const running = new Map<string, Promise<unknown>>();
  return async (key, { deadline, signal }, work) => {
    for (let before = running.get(key); before !== undefined; before = running.get(key)) {
      const left = new AbortController();
      const onAbort = (): void => left.abort(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted === true) onAbort();
      const tooLate = pause(hostClock, Math.max(0, deadline - hostClock.now()), left.signal).then(() => {
        throw new TransientError('deadline_exceeded', `${key}: another call for it was still under way`);
      });
      try {
        await Promise.race([before, tooLate]);
      } finally {
        signal?.removeEventListener('abort', onAbort);
        // What nobody waits for any more fails unheard.
        tooLate.catch(() => undefined);
        left.abort(new Error('no longer waited for'));
      }
    }
    const flight = work();
    const settled = flight.then(
      () => undefined,
      () => undefined,
    );
    running.set(key, settled);
    try {
      return await flight;
    } finally {
      running.delete(key);
    }
  };
}
