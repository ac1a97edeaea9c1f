import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { pause } from '../pause.ts';
import type { CallContext } from '../provider.ts';

/** That many deployments may wait for theirs: more than come at once from who is told the pace. */
const MAX_WAITING = 64;

/** Work in the order it came, each after the one before it has ended. @throws TransientError: its turn comes too late */
export function oneAtATime(
  hostClock: HostClock,
): <T>(what: string, context: CallContext, work: () => Promise<T>) => Promise<T> {
  let last: Promise<void> = Promise.resolve();
  let waiting = 0;

  return async (what, context, work) => {
    if (waiting >= MAX_WAITING)
      throw new TransientError('provider_rate_limited', `${what}: ${waiting} wait for their turn already`);
    const turn = last;
    const done = Promise.withResolvers<void>();
    // Whoever leaves the line still hands on the turn, no sooner than it comes.
    last = turn.then(() => done.promise);
    waiting += 1;
    try {
      await inTime(what, turn, context);
    } catch (error) {
      done.resolve();
      throw error;
    } finally {
      waiting -= 1;
    }
    return await work().finally(done.resolve);
  };

  async function inTime(what: string, turn: Promise<void>, { deadline, signal }: CallContext): Promise<void> {
    const over = new AbortController();
    const limit = pause(
      hostClock,
      deadline - hostClock.now(),
      signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]),
    ).then(() => {
      throw new TransientError('deadline_exceeded', `${what}: the one before it has not ended in time`);
    });
    try {
      await Promise.race([turn, limit]);
    } finally {
      over.abort();
    }
  }
}
