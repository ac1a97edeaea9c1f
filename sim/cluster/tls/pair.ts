/** One listener in clear and over TLS. */
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { cutter, listen, originOf, portOf, shut } from '../../loopback.ts';

/** A certificate with its chain, and its key: PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface Pair {
  /** In clear. */
  readonly url: string;
  readonly tlsPort: number;
  /** What it is to connections to come. */
  become(identity: Identity): void;
  close(): Promise<void>;
}

/** Whoever connects and says nothing is cut off after so many milliseconds. */
export const HANDSHAKE_MS = 10_000;

/** @throws RejectedError port_unavailable; then nothing listens */
export async function listenTwice(
  serve: RequestListener,
  identity: Identity,
  port: number,
  tlsPort: number,
): Promise<Pair> {
  const plain = createServer(serve);
  const secure = createTlsServer({ ...identity, handshakeTimeout: HANDSHAKE_MS }, serve);
  const cuts = [cutter(plain), cutter(secure)];
  await listen(plain, port);
  try {
    await listen(secure, tlsPort);
  } catch (error) {
    await shut(plain);
    throw error;
  }
  return {
    url: originOf(plain),
    tlsPort: portOf(secure),
    become: (next) => secure.setSecureContext(next),
    async close() {
      for (const cut of cuts) cut();
      await Promise.all([shut(plain), shut(secure)]);
    },
  };
}
