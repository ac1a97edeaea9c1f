import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { CheckContext } from '../check.ts';

/** How one attempt of a tool ends when the other side does not end it: by its deadline, or because whoever asked gives up. */
export interface Ending {
  readonly signal: AbortSignal;
  /** @throws TransientError deadline_exceeded: whoever asked gave up, so what was seen says nothing of the target */
  throwIfGivenUp(): void;
  /** To be called when the attempt is over: nothing waits for its deadline any more. */
  done(): void;
}

/** Without AbortSignal.any: the run's signal lives as long as its process, and would keep one more listener for every attempt. */
export function endingOf(hostClock: HostClock, { deadline, signal }: CheckContext): Ending {
  const over = new AbortController();
  const end = (): void => over.abort();
  const leftMs = deadline - hostClock.now();
  const cancel = hostClock.after(Math.max(0, leftMs), end);
  if (signal.aborted || leftMs <= 0) end();
  else signal.addEventListener('abort', end, { once: true });
  return {
    signal: over.signal,
    throwIfGivenUp() {
      if (signal.aborted) throw new TransientError('deadline_exceeded', 'the attempt was given up before it had ended');
    },
    done() {
      cancel();
      signal.removeEventListener('abort', end);
    },
  };
}
