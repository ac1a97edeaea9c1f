import type { HostClock } from '#shared/ports/clock.ts';
import { abortError } from './http-exchange.ts';

/** Host milliseconds. @throws the signal's reason when the caller gives up meanwhile */
export function pause(hostClock: Pick<HostClock, 'after'>, ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  if (signal?.aborted === true) {
    reject(abortError(signal));
    return promise;
  }
  const onAbort = (): void => {
    cancel();
    reject(abortError(signal));
  };
  const cancel = hostClock.after(ms, () => {
    signal?.removeEventListener('abort', onAbort);
    resolve();
  });
  signal?.addEventListener('abort', onAbort, { once: true });
  return promise;
}
