import type { Dispatcher } from 'undici';
import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { abortError, describeFailure, type HttpRequest } from './http-exchange.ts';

export interface StreamedAnswer {
  readonly status: number;
  /**
   * Read once, or given up by leaving the loop; it ends by the deadline in any case.
   * @throws TransientError deadline_exceeded, upstream_unavailable; the signal's reason when the caller gave up
   */
  readonly body: AsyncIterable<Uint8Array>;
}

/** As `exchange`, with an answer that is read as it comes. Past `maxBytes` it is cut, not refused: what came is of use. */
export async function openStream(
  agent: Dispatcher,
  hostClock: Pick<HostClock, 'after'>,
  { url, method, headers, body, deadlineMs, signal, maxBytes }: HttpRequest,
): Promise<StreamedAnswer> {
  const { host, origin, pathname, search } = new URL(url);
  if (signal?.aborted === true) throw abortError(signal);
  const given = new AbortController();
  const cancel = hostClock.after(deadlineMs, () =>
    given.abort(new TransientError('deadline_exceeded', `${host} was not done within ${deadlineMs} ms`)),
  );
  const onAbort = (): void => given.abort(abortError(signal));
  signal?.addEventListener('abort', onAbort, { once: true });
  const settle = (): void => {
    cancel();
    signal?.removeEventListener('abort', onAbort);
  };
  const failure = (error: unknown): Error => {
    if (given.signal.aborted) return given.signal.reason as Error;
    const cause = error instanceof Error ? error : new Error(String(error));
    return new TransientError('upstream_unavailable', `${host}: ${describeFailure(cause)}`, { cause });
  };

  async function* chunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let left = maxBytes;
    try {
      for await (const chunk of source) {
        yield chunk.length > left ? chunk.subarray(0, left) : chunk;
        left -= chunk.length;
        if (left <= 0) return;
      }
    } catch (error) {
      throw failure(error);
    } finally {
      settle();
    }
  }

  try {
    const answer = await agent.request({
      origin,
      path: pathname + search,
      method,
      signal: given.signal,
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body }),
    });
    // Cut off by the deadline before anybody reads: undici would report it to nobody else.
    answer.body.on('error', settle);
    return { status: answer.statusCode, body: chunks(answer.body) };
  } catch (error) {
    settle();
    throw failure(error);
  }
}
