/**
 * What every server of ours does before a function sees a request: time and size limits, sane answers to broken HTTP,
 * and an end that answers what is under way.
 */
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { errorAnswer } from '../answers.ts';
import { readBody, refuseBody } from './exchange.ts';

/** Headers and body: a request is a few kilobytes, so a slow one is stuck or hostile. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the 600 s of Google's load balancer, which must be the one to close an idle connection. */
const KEEP_ALIVE_TIMEOUT_MS = 620_000;
/** Bounds what bodies can hold at once: 1024 x 512 KiB is half a gigabyte at the very worst. */
const MAX_CONNECTIONS = 1_024;
/** For a client that got its answer and does not hang up. */
const CLOSE_GRACE_MS = 500;

export interface GateOptions {
  readonly hostClock: HostClock;
  /** Largest body for this request, bytes. */
  readonly limitBytes: (request: IncomingMessage) => number;
  readonly serve: (request: IncomingMessage, response: ServerResponse, body: Uint8Array) => void;
}

export interface Gate {
  readonly closing: () => boolean;
  /** No new connection; resolves when every request under way is answered and every connection closed. */
  close(): Promise<void>;
}

/** Takes over the server's requests. */
export function installGate(server: Server, { hostClock, limitBytes, serve }: GateOptions): Gate {
  let closed: Promise<void> | undefined;
  let unanswered = 0;
  const answered = (): void => {
    unanswered -= 1;
  };
  const closing = (): boolean => closed !== undefined;

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const limit = limitBytes(request);
    readBody(request, limit, (body) => {
      if (body === null) refuseBody({ request, response, limitBytes: limit, hostClock });
      else {
        unanswered += 1;
        response.once('close', answered);
        serve(request, response, body);
      }
    });
  };

  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  server.maxConnections = MAX_CONNECTIONS;
  server.on('request', onRequest);
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (Number(request.headers['content-length'] ?? 0) <= limitBytes(request)) response.writeContinue();
    onRequest(request, response);
  });
  server.on('clientError', answerBrokenRequest);

  return {
    closing,
    close() {
      closed ??= new Promise<void>((resolve, reject) => {
        let cancel = (): void => undefined;
        server.close((error) => {
          cancel();
          if (error === undefined || (error as NodeJS.ErrnoException).code === 'ERR_SERVER_NOT_RUNNING') resolve();
          else reject(error);
        });
        // Answers under way say Connection: close and end their connections themselves; only connections that carry
        // no request, or half of one, are left to be cut.
        const cut = (): void => {
          if (unanswered > 0) cancel = hostClock.after(CLOSE_GRACE_MS, cut);
          else server.closeAllConnections();
        };
        cancel = hostClock.after(CLOSE_GRACE_MS, cut);
      });
      return closed;
    },
  };
}

/**
 * Node has given up on this connection: broken syntax, too large headers, a request that took too long. Nothing is
 * answered into the middle of another answer; then the connection just ends.
 */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  const pending = (socket as Socket & { readonly _httpMessage?: { readonly _headerSent: boolean } })._httpMessage;
  if (!socket.writable || error.code === 'ECONNRESET' || pending?._headerSent === true) {
    socket.destroy();
    return;
  }
  const answer = errorAnswer(brokenRequestError(error.code));
  const body = String(answer.body);
  const head = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`,
    'connection: close',
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

function brokenRequestError(code: string | undefined): AuroraError {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new RejectedError('headers_too_large', 'expected at most 16 KiB of headers');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new TransientError('request_timeout', `expected the whole request within ${REQUEST_TIMEOUT_MS} ms`);
  return new RejectedError('request_malformed', `expected an HTTP/1.1 request (${code ?? 'unknown'})`);
}
