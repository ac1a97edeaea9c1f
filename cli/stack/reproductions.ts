/**
 * A version trained again for whoever asks: it takes longer than a request waits, so one request begins it and the following ones
 * look at it. One at a time: a training takes a core.
 * States: idle -> under way (begin) -> over (reproduced or failed; kept until the next begin). Under way it is stopped when nobody
 * has looked for a while, and when the stack closes.
 */
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { TrainProgress } from '#shared/learning/train/index.ts';
import type { Reproduction } from '#shared/learning/train/reproduction.ts';
import type { HostClock } from '#shared/ports/clock.ts';

export interface Standing {
  /** Null: the rows are still read. */
  readonly progress: TrainProgress | null;
  /** Null: not over yet. */
  readonly reproduction: Reproduction | null;
}

export interface Reproductions {
  /** Joins the version that is under way. @throws TransientError overloaded (it is another one, or is being stopped), draining */
  begin(version: string): void;
  /** @throws what ended it; RejectedError not_found when it was not begun here, or another one since */
  look(version: string): Standing;
  close(): Promise<void>;
}

export interface ReproductionsDeps {
  readonly hostClock: HostClock;
  run(
    version: string,
    how: { readonly signal: AbortSignal; readonly onProgress: (progress: TrainProgress) => void },
  ): Promise<Reproduction>;
}

/** Who asked looks every quarter of a second, or has gone. */
const ABANDONED_AFTER_MS = 10_000;

interface Begun {
  readonly version: string;
  readonly stop: AbortController;
  progress: TrainProgress | null;
  /** Null: under way. */
  end: { readonly reproduction: Reproduction } | { readonly error: unknown } | null;
  ended: Promise<void>;
  cancelWatch: () => void;
}

export function createReproductions({ hostClock, run }: ReproductionsDeps): Reproductions {
  let current: Begun | null = null;
  let closed = false;

  const watch = (begun: Begun): void => {
    begun.cancelWatch();
    begun.cancelWatch = hostClock.after(ABANDONED_AFTER_MS, () => begun.stop.abort(new Error('nobody looks any more')));
  };
  const start = (version: string): Begun => {
    const stop = new AbortController();
    const begun: Begun = {
      version,
      stop,
      progress: null,
      end: null,
      ended: Promise.resolve(),
      cancelWatch: () => undefined,
    };
    const onProgress = (progress: TrainProgress): void => {
      begun.progress = progress;
    };
    watch(begun);
    begun.ended = run(version, { signal: stop.signal, onProgress })
      .then(
        (reproduction) => ({ reproduction }),
        (error: unknown) => ({ error }),
      )
      .then((end) => {
        begun.cancelWatch();
        begun.end = end;
      });
    return begun;
  };

  return {
    begin(version) {
      if (closed) throw new TransientError('draining', 'the stack is closing');
      if (current === null || current.end !== null) current = start(version);
      else if (current.version !== version || current.stop.signal.aborted)
        throw new TransientError('overloaded', `${current.version} is being trained again; one at a time`);
    },
    look(version) {
      if (current?.version !== version)
        throw new RejectedError('not_found', `nobody has ${JSON.stringify(version)} trained again here`);
      const { progress, end } = current;
      if (end === null) {
        watch(current);
        return { progress, reproduction: null };
      }
      if ('error' in end) throw end.error;
      return { progress, reproduction: end.reproduction };
    },
    async close() {
      closed = true;
      current?.stop.abort(new Error('the stack is closing'));
      await current?.ended;
    },
  };
}
