/** A host clock whose time passes only while nothing else does, such as a request that waits for a socket: real sockets, and no real waits. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate as turn } from 'node:timers/promises';
import type { HostClock } from '#shared/ports/clock.ts';
import { type FakeClock, fakeClock } from './clock.ts';

export interface PatientClock {
  readonly clock: FakeClock;
  readonly hostClock: HostClock;
  /** A look that may wait for a socket: no time passes meanwhile, unless what is asked waits for time. */
  counted<Given extends readonly unknown[], Seen>(
    look: (...given: Given) => Promise<Seen>,
  ): (...given: Given) => Promise<Seen>;
  /** Lets time pass from timer to timer. @throws Error when nothing is waited for any more */
  until(over: () => boolean): Promise<void>;
  /** What `work` comes to, while time passes. */
  during<T>(work: Promise<T>): Promise<T>;
  /** Lets so many milliseconds pass. */
  pass(ms: number): Promise<void>;
  /** Time stands still from then on. */
  end(): void;
}

export interface PatientClockOptions {
  readonly startMs: number;
  /** Whether somebody on the other side of what is counted waits so long before it answers, told from all other waits by its length. Default: nobody. */
  readonly isLate?: (ms: number) => boolean;
  /** Turns of the event loop in which nothing begins until time may pass: what follows one another without a socket takes fewer. */
  readonly stillTurns: number;
  /**
   * Given: requests of undici count by themselves, which are the bus's pushes and those of readers of clusters; but for the paths of which
   * it says that their answers may wait for time. Null, default: only what is `counted`.
   */
  readonly mayWait?: ((path: string) => boolean) | null;
}

export function patientClock({
  startMs,
  stillTurns,
  isLate = () => false,
  mayWait = null,
}: PatientClockOptions): PatientClock {
  const clock = fakeClock(startMs);
  const due = new Map<() => void, number>();
  const requests = mayWait === null ? null : countRequests(mayWait);
  let [late, underWay] = [0, 0];
  const hostClock: HostClock = {
    now: clock.now,
    after(ms, run) {
      const one = isLate(ms) ? 1 : 0;
      const over = (): boolean => {
        if (due.delete(over)) late -= one;
        return true;
      };
      due.set(over, clock.now() + ms);
      late += one;
      const cancel = clock.after(ms, () => over() && run());
      return () => over() && cancel();
    },
  };

  async function until(over: () => boolean): Promise<void> {
    for (let still = 0; !over(); ) {
      await turn();
      still = underWay + (requests?.underWay() ?? 0) === late ? still + 1 : 0;
      if (still < stillTurns || over()) continue;
      const next = Math.min(...due.values());
      if (!Number.isFinite(next)) throw new Error('expected something that is waited for');
      await clock.advance(Math.max(0, next - clock.now()));
      still = 0;
    }
  }

  return {
    clock,
    hostClock,
    counted:
      (look) =>
      async (...given) => {
        underWay += 1;
        try {
          return await look(...given);
        } finally {
          underWay -= 1;
        }
      },
    until,
    async during(work) {
      let over = false;
      const end = (): void => {
        over = true;
      };
      work.then(end, end);
      await until(() => over);
      return work;
    },
    async pass(ms) {
      let over = false;
      hostClock.after(ms, () => {
        over = true;
      });
      await until(() => over);
    },
    end: () => requests?.end(),
  };
}

/** Requests of undici from now on. */
function countRequests(mayWait: (path: string) => boolean): { underWay(): number; end(): void } {
  const open = new Set<unknown>();
  const requestOf = (message: unknown): { readonly path: string } =>
    (message as { readonly request: { readonly path: string } }).request;
  const begin = (message: unknown): void => {
    const request = requestOf(message);
    if (!mayWait(request.path)) open.add(request);
  };
  const end = (message: unknown): void => void open.delete(requestOf(message));
  const listeners = [
    ['undici:request:create', begin],
    ['undici:request:trailers', end],
    ['undici:request:error', end],
  ] as const;
  for (const [name, listener] of listeners) subscribe(name, listener);
  return {
    underWay: () => open.size,
    end() {
      for (const [name, listener] of listeners) unsubscribe(name, listener);
    },
  };
}
