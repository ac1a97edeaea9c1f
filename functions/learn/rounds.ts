/**
 * Rounds of writing: what comes between two writes is written by the next one, together. Each caller learns when its own item is
 * in what was written.
 * States: idle --item--> (the gap since the last round is over) running -> idle | resting (items wait) -> running.
 */
import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';

export interface Rounds<T> {
  /** Resolves when a round that held the item has ended; rejects as that round does. @throws TransientError overloaded */
  add(item: T): Promise<void>;
  /** A round although nothing waits. */
  nudge(): void;
}

interface Waiting<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A round may take a quarter of the time: it works on a core that others want. */
const REST_FACTOR = 3;

export function createRounds<T>(options: {
  /** All of the items or none. */
  readonly run: (items: readonly T[]) => Promise<void>;
  readonly hostClock: HostClock;
  /** Host milliseconds from the end of a round to the start of the next. */
  readonly gapMs: number;
  readonly maxPending: number;
}): Rounds<T> {
  const { run, hostClock, gapMs, maxPending } = options;
  let waiting: Waiting<T>[] = [];
  let nudged = false;
  let scheduled = false;
  let notBeforeMs = Number.NEGATIVE_INFINITY;

  const schedule = (): void => {
    if (scheduled || (waiting.length === 0 && !nudged)) return;
    scheduled = true;
    // Also without a rest in the next turn: what arrives together shares the round.
    hostClock.after(Math.max(0, notBeforeMs - hostClock.now()), () => void round());
  };

  const round = async (): Promise<void> => {
    const taken = waiting;
    waiting = [];
    nudged = false;
    const startedMs = hostClock.now();
    try {
      await run(taken.map(({ item }) => item));
      for (const { resolve } of taken) resolve();
    } catch (error) {
      for (const { reject } of taken) reject(error);
    }
    const endedMs = hostClock.now();
    notBeforeMs = endedMs + Math.max(gapMs, REST_FACTOR * (endedMs - startedMs));
    scheduled = false;
    schedule();
  };

  return {
    add(item) {
      if (waiting.length >= maxPending)
        return Promise.reject(
          new TransientError('overloaded', `${waiting.length} outcomes wait to be learnt, the limit is ${maxPending}`),
        );
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        schedule();
      });
    },
    nudge() {
      nudged = true;
      schedule();
    },
  };
}
