import { randomUUID } from 'node:crypto';
import { parseTraceparent } from '#shared/telemetry/trace.ts';
import type { FunctionRequest } from './types.ts';

/** A request at its door. */
export interface HttpRequest extends FunctionRequest {
  /** Decoded `:name` segments of the path. */
  readonly params: Readonly<Record<string, string>>;
  /** The caller's x-request-id or trace id when valid, else a new one. */
  readonly requestId: string;
  /** The caller's, when valid. */
  readonly traceparent: string | null;
}

const REQUEST_ID = /^[\w.:-]{1,128}$/;

/**
 * A class because it is lazy: the signal, the ids and the query cost nothing until a handler asks, and the scoring path
 * never does.
 */
export class BoundRequest implements HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  readonly deadline: number;
  readonly params: Readonly<Record<string, string>>;
  readonly #inner: FunctionRequest;
  #controller: AbortController | undefined;
  #abortReason: Error | undefined;
  #requestId: string | undefined;

  constructor(inner: FunctionRequest, params: Readonly<Record<string, string>>, deadline: number) {
    this.#inner = inner;
    this.method = inner.method;
    this.path = inner.path;
    this.headers = inner.headers;
    this.body = inner.body;
    this.params = params;
    this.deadline = deadline;
  }

  get query(): URLSearchParams {
    return this.#inner.query;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      const outer = this.#inner.signal;
      if (this.#abortReason !== undefined) controller.abort(this.#abortReason);
      else if (outer.aborted) controller.abort(outer.reason);
      else outer.addEventListener('abort', () => controller.abort(outer.reason), { once: true });
    }
    return this.#controller.signal;
  }

  /** Tells the handler to stop; it need not have asked for the signal yet. */
  abort(reason: Error): void {
    this.#abortReason = reason;
    this.#controller?.abort(reason);
  }

  get traceparent(): string | null {
    const given = this.headers['traceparent'];
    return parseTraceparent(given) === null ? null : (given ?? null);
  }

  get requestId(): string {
    this.#requestId ??= requestIdOf(this.headers);
    return this.#requestId;
  }
}

/** The caller's x-request-id or trace id when valid, else a new one. */
export function requestIdOf(headers: FunctionRequest['headers']): string {
  const given = headers['x-request-id'];
  if (given !== undefined && REQUEST_ID.test(given)) return given;
  return parseTraceparent(headers['traceparent'])?.traceId ?? randomUUID();
}
