/**
 * One HTTP exchange over node:http: reads the body up to a limit, builds the request, writes the answer.
 * Callbacks rather than promises: a handler that answers at once is answered on the tick its body ended.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RejectedError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { codedError, errorAnswer } from '../answers.ts';
import { isStream } from '../stream.ts';
import type { FunctionApp, FunctionRequest, FunctionResponse, WholeResponse } from '../types.ts';
import { writeStream } from './write-stream.ts';

const NO_BODY = new Uint8Array(0);
/** After a refused body: how long and how much is thrown away, so that the client reads the answer instead of a reset. */
const LINGER_MS = 1_000;
const LINGER_BYTES = 8 * 1024 * 1024;

/**
 * Calls `done` once with the whole body, or with null as soon as more than `limitBytes` are announced or have come. Never
 * calls it when the client goes away first. At most `limitBytes` are held.
 */
export function readBody(request: IncomingMessage, limitBytes: number, done: (body: Uint8Array | null) => void): void {
  const announced = request.headers['content-length'];
  if (announced === undefined && request.headers['transfer-encoding'] === undefined) {
    done(NO_BODY);
    return;
  }
  if (announced !== undefined && Number(announced) > limitBytes) {
    done(null);
    return;
  }
  let first: Buffer | undefined;
  let more: Buffer[] | undefined;
  let length = 0;
  const onData = (chunk: Buffer): void => {
    length += chunk.length;
    if (length > limitBytes) {
      request.off('data', onData);
      request.off('end', onEnd);
      done(null);
    } else if (first === undefined) first = chunk;
    else if (more === undefined) more = [first, chunk];
    else more.push(chunk);
  };
  const onEnd = (): void => done(more === undefined ? (first ?? NO_BODY) : Buffer.concat(more, length));
  request.on('data', onData);
  request.on('end', onEnd);
}

/** A class because it is lazy: most handlers ask for neither the query nor the signal. */
class HostRequest implements FunctionRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  /** The host sets none of its own; the function does. */
  readonly deadline = Number.POSITIVE_INFINITY;
  readonly #search: string;
  readonly #response: ServerResponse;
  #signal: AbortSignal | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, url: string, body: Uint8Array) {
    const mark = url.indexOf('?');
    this.method = request.method ?? 'GET';
    this.path = mark === -1 ? url : url.slice(0, mark);
    this.#search = mark === -1 ? '' : url.slice(mark + 1);
    // Only set-cookie, which no request carries, comes as a list.
    this.headers = request.headers as Readonly<Record<string, string | undefined>>;
    this.body = body;
    this.#response = response;
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.#search);
  }

  get signal(): AbortSignal {
    if (this.#signal !== undefined) return this.#signal;
    const controller = new AbortController();
    const response = this.#response;
    const gone = (): void => {
      if (!response.writableFinished) controller.abort(new Error('the caller is gone'));
    };
    if (response.destroyed) gone();
    else response.once('close', gone);
    this.#signal = controller.signal;
    return controller.signal;
  }
}

export interface Exchange {
  readonly app: FunctionApp;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: string;
  readonly body: Uint8Array;
  /** Asked when the answer goes out: true tells the client to open a new connection, elsewhere. */
  readonly closing: () => boolean;
  readonly hostClock: HostClock;
}

export function answerWith(exchange: Exchange): void {
  const { app, request, response, url, body } = exchange;
  let answer: FunctionResponse | Promise<FunctionResponse>;
  try {
    answer = app.handle(new HostRequest(request, response, url, body));
  } catch (thrown) {
    answer = errorAnswer(codedError(thrown));
  }
  if (answer instanceof Promise) {
    answer.then(
      (late) => send(exchange, late),
      (thrown: unknown) => send(exchange, errorAnswer(codedError(thrown))),
    );
  } else send(exchange, answer);
}

function send({ response, closing, hostClock }: Exchange, answer: FunctionResponse): void {
  const { body } = answer;
  if (!isStream(body)) write(response, answer as WholeResponse, closing());
  else if (!response.destroyed && writeHead(response, answer, closing())) void writeStream(response, body, hostClock);
  else void body[Symbol.asyncIterator]().return?.();
}

export function write(response: ServerResponse, answer: WholeResponse, closing: boolean): void {
  if (response.destroyed) return;
  const body = answer.body ?? '';
  const length = Buffer.byteLength(body);
  const carries = answer.status !== 204 && answer.status !== 304;
  if (!writeHead(response, answer, closing, carries ? { 'content-length': length } : undefined)) return;
  // ASCII is the same bytes in Latin-1, which node writes straight from its stack up to 16 KiB; of UTF-8 it expects three
  // bytes a character and takes the long way from 5 KiB on. An answer of score: 10 µs less.
  response.end(body, typeof body === 'string' && body.length === length ? 'latin1' : 'utf8');
}

/** False: it could not be, and the failure is the answer. */
function writeHead(
  response: ServerResponse,
  { status, headers }: Omit<FunctionResponse, 'body'>,
  closing: boolean,
  more?: Readonly<Record<string, number>>,
): boolean {
  try {
    response.writeHead(status, { ...headers, ...more, ...(closing ? { connection: 'close' } : undefined) });
    return true;
  } catch (cause) {
    // A header or status that HTTP cannot carry: the handler's bug, answered as one.
    write(response, errorAnswer(codedError(cause)), closing);
    return false;
  }
}

/** Answers 413 at once and closes; what still comes is thrown away for a moment, never held. */
export function refuseBody(exchange: {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly limitBytes: number;
  readonly hostClock: HostClock;
}): void {
  const { request, response, limitBytes, hostClock } = exchange;
  const answer = errorAnswer(new RejectedError('body_too_large', `expected a body of at most ${limitBytes} bytes`));
  const body = Buffer.from(answer.body ?? '');
  response.writeHead(answer.status, { ...answer.headers, 'content-length': body.length, connection: 'close' });
  // The answer is complete for the client; ending it here would reset the connection under a client that still sends.
  response.write(body);
  let thrownAway = 0;
  const finish = (): void => {
    cancel();
    response.end();
  };
  const cancel = hostClock.after(LINGER_MS, finish);
  request.on('data', (chunk: Buffer) => {
    thrownAway += chunk.length;
    if (thrownAway > LINGER_BYTES) finish();
  });
  request.once('end', finish);
  request.once('close', finish);
}
