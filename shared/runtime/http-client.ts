import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { MAX_HTTP_BODY_BYTES } from '#shared/defaults.ts';
import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';

export interface HttpClientOptions {
  readonly hostClock: HostClock;
  /** Per origin; more callers than this wait in line, inside their deadline. */
  readonly maxConnections?: number;
  /** Largest answer that is read. */
  readonly maxBytes?: number;
}

export interface PostOptions {
  /** Host milliseconds for the whole exchange, connection and body included. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Uint8Array;
}

export interface HttpClient {
  /**
   * Posts a value as JSON. Redirects are answers, not followed. Never retries: whether the call may be made twice is the
   * caller's knowledge.
   * @throws TransientError deadline_exceeded, upstream_unavailable; the signal's reason when the caller gave up
   */
  postJson(url: string, body: unknown, options: PostOptions): Promise<HttpAnswer>;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 64;
/** Below every server's keep-alive, so that we and not the server close an idle connection: no race, no lost request. */
const IDLE_CONNECTION_MS = 4_000;

export function createHttpClient({
  hostClock,
  maxConnections = MAX_CONNECTIONS,
  maxBytes = MAX_HTTP_BODY_BYTES * 4,
}: HttpClientOptions): HttpClient {
  const agentOptions = { keepAlive: true, maxSockets: maxConnections, timeout: IDLE_CONNECTION_MS, noDelay: true };
  const agents = { 'http:': new HttpAgent(agentOptions), 'https:': new HttpsAgent(agentOptions) };

  return {
    postJson(url, body, options) {
      const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
      const target = new URL(url);
      const payload = Buffer.from(JSON.stringify(body));
      const headers = { 'content-type': 'application/json', ...options.headers, 'content-length': payload.length };
      const outgoing =
        target.protocol === 'https:'
          ? httpsRequest(target, { method: 'POST', headers, agent: agents['https:'] })
          : httpRequest(target, { method: 'POST', headers, agent: agents['http:'] });
      const cancel = hostClock.after(options.deadlineMs, () =>
        fail(new TransientError('deadline_exceeded', `${target.host} did not answer within ${options.deadlineMs} ms`)),
      );
      const onAbort = (): void => fail(options.signal?.reason);

      function settle(): void {
        cancel();
        options.signal?.removeEventListener('abort', onAbort);
      }
      function fail(reason: unknown): void {
        settle();
        reject(reason);
        outgoing.destroy();
      }
      const unavailable = (cause: Error): void =>
        fail(new TransientError('upstream_unavailable', `${target.host}: ${describe(cause)}`, { cause }));

      outgoing.on('error', unavailable);
      outgoing.on('response', (incoming) =>
        readBounded(incoming, maxBytes, (result) => {
          if (result instanceof Error) return unavailable(result);
          settle();
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, bytes: result });
        }),
      );
      if (options.signal?.aborted === true) onAbort();
      else {
        options.signal?.addEventListener('abort', onAbort, { once: true });
        outgoing.end(payload);
      }
      return promise;
    },
    async close() {
      agents['http:'].destroy();
      agents['https:'].destroy();
    },
  };
}

function readBounded(incoming: IncomingMessage, maxBytes: number, done: (result: Buffer | Error) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  incoming.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > maxBytes) done(new Error(`expected an answer of at most ${maxBytes} bytes`));
    else chunks.push(chunk);
  });
  incoming.on('error', done);
  incoming.on('end', () => done(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
}

/** A refused connection to localhost is an AggregateError without words of its own. */
function describe(cause: Error & { readonly code?: string }): string {
  return cause.message !== '' ? cause.message : (cause.code ?? cause.name);
}
