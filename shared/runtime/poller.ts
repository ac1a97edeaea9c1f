/**
 * Runs a task again and again, never twice at a time.
 * States: waiting (a timer is set) -> running -> waiting; stop() from either -> stopped. A failed run is logged and the
 * next one comes at its time: polling is itself the retry.
 */
import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';

export interface PollSpec {
  readonly name: string;
  /** Host milliseconds from the end of one run to the start of the next. */
  readonly everyMs: number;
  readonly hostClock: HostClock;
  readonly log: Log;
  readonly run: (signal: AbortSignal) => Promise<void>;
}

export interface Poller {
  /** No further run; resolves when the one under way has ended. Its signal is aborted. */
  stop(): Promise<void>;
}

/** The first run starts `everyMs` from now; whoever needs one before listening awaits `run` in start(). */
export function poll({ name, everyMs, hostClock, log, run }: PollSpec): Poller {
  const controller = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let cancel = schedule();

  function schedule(): () => void {
    return hostClock.after(everyMs, () => {
      running = runOnce();
    });
  }

  async function runOnce(): Promise<void> {
    try {
      await run(controller.signal);
    } catch (error) {
      if (!controller.signal.aborted) log.warn({ poller: name, error }, 'poll failed, it will be tried again');
    }
    if (!controller.signal.aborted) cancel = schedule();
  }

  return {
    async stop() {
      controller.abort();
      cancel();
      await running;
    },
  };
}
