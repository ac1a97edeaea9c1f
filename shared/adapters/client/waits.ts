import type { HostClock } from '#shared/ports/clock.ts';

/** @param ms host milliseconds */
export const pause = (hostClock: HostClock, ms: number): Promise<void> =>
  new Promise((resolve) => void hostClock.after(ms, resolve));

/** Ends with an error when the time is over, whether or not the work heeds its signal. @param ms host milliseconds */
export async function within<T>(
  hostClock: HostClock,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const over = Promise.withResolvers<never>();
  const cancel = hostClock.after(ms, () => {
    const late = new Error(`no answer within ${ms / 1_000} s`);
    controller.abort(late);
    over.reject(late);
  });
  try {
    return await Promise.race([work(controller.signal), over.promise]);
  } finally {
    cancel();
  }
}
