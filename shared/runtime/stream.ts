/**
 * Bodies that come bit by bit, each held to its limits.
 * States: waiting (its first bit is not there) -> flowing -> over: its end, a limit, its reader gone, its function drained. Its
 * source is told once, whichever way it went, and its slot is free then: whoever reads slowly, or not at all, holds neither.
 */
import { STREAM_LIMIT_BYTES, STREAM_LIMIT_MS } from '#shared/defaults.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { BodyStream, FunctionResponse } from './types.ts';

export const isStream = (body: FunctionResponse['body']): body is BodyStream =>
  typeof body === 'object' && Symbol.asyncIterator in body;

/** `return` may be called at any time, also while a `next` is pending, which is done with then. */
export interface HeldStream extends BodyStream, AsyncIterator<Uint8Array> {
  return(): Promise<IteratorResult<Uint8Array>>;
}

export interface StreamKeeper {
  /**
   * Resolves when the first bit is there, or the end.
   * @param onOver with what broke it off; null: nothing did
   * @throws what the source throws before its first bit; TransientError draining
   */
  begin(source: BodyStream, signal: AbortSignal, onOver: (error: unknown) => void): Promise<HeldStream>;
  /** Ends all that flow; none begins any more. */
  close(): void;
}

const DONE: IteratorResult<Uint8Array> = { done: true, value: undefined };

export function streamKeeper(hostClock: HostClock): StreamKeeper {
  const flowing = new Set<HeldStream>();
  let closed = false;
  return {
    async begin(source, signal, onOver) {
      const stream = held(source, hostClock, (error) => {
        flowing.delete(stream);
        onOver(error);
      });
      flowing.add(stream);
      const end = (): void => void stream.return();
      if (closed || signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
      if (closed) throw new TransientError('draining', 'the function is shutting down');
      const first = await stream.next();
      return led(first, stream);
    },
    close() {
      closed = true;
      for (const stream of [...flowing]) void stream.return();
    },
  };
}

/** The stream with its first bit before it. */
function led(first: IteratorResult<Uint8Array>, stream: HeldStream): HeldStream {
  let taken = false;
  const whole: HeldStream = {
    async next() {
      if (taken) return stream.next();
      taken = true;
      return first;
    },
    return: stream.return,
    [Symbol.asyncIterator]: () => whole,
  };
  return whole;
}

function held(source: BodyStream, hostClock: HostClock, onOver: (error: unknown) => void): HeldStream {
  const iterator = source[Symbol.asyncIterator]();
  let over = false;
  let bytes = 0;
  /** Settles a pending next. */
  let wake: () => void = () => undefined;
  const cancel = hostClock.after(STREAM_LIMIT_MS, () => end(null));

  function end(error: unknown): void {
    if (over) return;
    over = true;
    cancel();
    wake();
    onOver(error);
    // Not waited for: a source that hangs must hold up nobody. What it has to say about an end that it did not choose is no news.
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
  const pull = (): Promise<IteratorResult<Uint8Array>> =>
    new Promise((resolve, reject) => {
      wake = () => resolve(DONE);
      iterator.next().then(resolve, reject);
    });

  const stream: HeldStream = {
    async next() {
      if (over) return DONE;
      try {
        const result = await pull();
        if (result.done === true || over) {
          end(null);
          return DONE;
        }
        bytes += result.value.length;
        if (bytes > STREAM_LIMIT_BYTES)
          throw new RejectedError('body_too_large', `a streamed answer ends at ${STREAM_LIMIT_BYTES} bytes`);
        return result;
      } catch (error) {
        if (over) return DONE;
        end(error);
        throw error;
      }
    },
    async return() {
      end(null);
      return DONE;
    },
    [Symbol.asyncIterator]: () => stream,
  };
  return stream;
}
