/** Servers of the simulated world: on this machine, gone when they are closed, and what they read from a request. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { RejectedError } from '#shared/errors.ts';

const MAX_BODY_BYTES = 256 * 1024;

/** @throws RejectedError port_unavailable */
export function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new RejectedError('port_unavailable', `127.0.0.1:${port}: ${cause.message}`, { cause })),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
}

export const portOf = (server: Server): number => (server.address() as AddressInfo).port;
export const originOf = (server: Server): string => `http://127.0.0.1:${portOf(server)}`;

export function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** For servers whose connections may hang before they have spoken HTTP, such as in a handshake: `shut` knows nothing of those. */
export function cutter(server: Server): () => void {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return () => {
    for (const socket of open) socket.destroy();
  };
}

/** @throws RangeError: longer than `MAX_BODY_BYTES` */
export async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new RangeError(`expected a body of at most ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The same for whoever gives no reason: null when it was too long, or cut off on its way; then the connection is cut. */
export async function bodyOrCut(incoming: IncomingMessage): Promise<string | null> {
  // A request that was given up half read has lost its socket.
  const { socket } = incoming;
  try {
    return await bodyOf(incoming);
  } catch {
    socket.destroy();
    return null;
  }
}

const TEXT = 'text/plain; charset=utf-8';

/** Text as it is, all else as JSON; where an answer has begun already, its connection is cut instead. */
export function respond(response: ServerResponse, status: number, body: unknown, textType: string = TEXT): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const isText = typeof body === 'string';
  response.writeHead(status, { 'content-type': isText ? textType : 'application/json' });
  response.end(isText ? body : JSON.stringify(body));
}

/** Undefined: no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface AskedPath {
  readonly path: string;
  /** With its "?"; empty: none. */
  readonly search: string;
}

/** Of a request line; unlike `URL` it takes all that a client may send. */
export function pathOf({ url = '/' }: IncomingMessage): AskedPath {
  const origin = /^https?:\/\/[^/?#]*/.exec(url)?.[0] ?? '';
  const [, path = '', search = ''] = /^([^?#]*)(\?[^#]*)?/.exec(url.slice(origin.length)) ?? [];
  return { path: `/${path.replace(/^\/+/, '')}`, search };
}
