import type { Dispatcher } from 'undici';
import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';

export interface HttpRequest {
  readonly url: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Host milliseconds for the whole exchange, connection and body included. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  /** Largest answer that is read. */
  readonly maxBytes: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Uint8Array;
}

/**
 * One request and its whole answer. Redirects are answers, not followed. Never retries: whether the call may be made twice is
 * the caller's knowledge.
 * @throws TransientError deadline_exceeded, upstream_unavailable; the signal's reason when the caller gave up
 */
export function exchange(
  agent: Dispatcher,
  hostClock: Pick<HostClock, 'after'>,
  { url, method, headers, body, deadlineMs, signal, maxBytes }: HttpRequest,
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const target = new URL(url);
  let controller: Dispatcher.DispatchController | undefined;
  let settled = false;

  const cancel = hostClock.after(deadlineMs, () =>
    fail(new TransientError('deadline_exceeded', `${target.host} did not answer within ${deadlineMs} ms`)),
  );
  const onAbort = (): void => fail(abortError(signal));

  function settle(): void {
    settled = true;
    cancel();
    signal?.removeEventListener('abort', onAbort);
  }
  function fail(reason: Error): void {
    if (settled) return;
    settle();
    reject(reason);
    controller?.abort(reason);
  }
  function unavailable(cause: Error): void {
    fail(new TransientError('upstream_unavailable', `${target.host}: ${describeFailure(cause)}`, { cause }));
  }

  let status = 0;
  let answerHeaders: HttpAnswer['headers'] = {};
  const chunks: Buffer[] = [];
  let length = 0;
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(given) {
      controller = given;
      // Given up while it waited for a connection.
      if (settled) given.abort(new Error('given up before it was sent'));
    },
    onResponseStart(_, statusCode, given) {
      status = statusCode;
      answerHeaders = given;
    },
    onResponseData(_, chunk) {
      length += chunk.length;
      if (length > maxBytes) unavailable(new Error(`expected an answer of at most ${maxBytes} bytes`));
      else chunks.push(chunk);
    },
    onResponseEnd() {
      if (settled) return;
      settle();
      const [only] = chunks;
      const bytes = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
      resolve({ status, headers: answerHeaders, bytes });
    },
    onResponseError: (_, error) => unavailable(error),
  };

  if (signal?.aborted === true) onAbort();
  else {
    signal?.addEventListener('abort', onAbort, { once: true });
    agent.dispatch(
      {
        origin: target.origin,
        path: target.pathname + target.search,
        method,
        ...(headers === undefined ? {} : { headers }),
        ...(body === undefined ? {} : { body }),
      },
      handler,
    );
  }
  return promise;
}

/** What the caller gave as its reason, when that is an error. */
export function abortError(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error('the caller gave up');
}

/** A refused connection to localhost is an AggregateError without words of its own. */
export function describeFailure(cause: Error & { readonly code?: string }): string {
  return cause.message !== '' ? cause.message : (cause.code ?? cause.name);
}
