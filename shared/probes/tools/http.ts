/**
 * One request over a connection of its own, so that what is measured is what a new user meets: name, connection, TLS and the whole
 * answer. Bounded in time and size, whatever the other end does.
 */
import type { Socket } from 'node:net';
import { type buildConnector, Client, type Dispatcher } from 'undici';
import type { HostClock } from '#shared/ports/clock.ts';
import type { HttpSeen, ProbeTools } from '../tools.ts';
import { type Connect, faultOf, LATE, type NotReached, secure } from './connect.ts';
import { endingOf } from './ending.ts';
import { createCredentials, type Identity } from './id-token.ts';
import { createTrust } from './trust.ts';

export interface HttpToolOptions {
  readonly hostClock: HostClock;
  readonly stopwatchMs: () => number;
  readonly connect: Connect;
  readonly identity: Identity;
  /** Certificates in PEM that are trusted beside the system's and a probe's own. */
  readonly authorities: readonly string[];
}

const MAX_HEADER_BYTES = 16 * 1024;
const AGENT = 'aurora-probe';

export function createHttpTool(options: HttpToolOptions): ProbeTools['http'] {
  const { hostClock, stopwatchMs, connect, identity, authorities } = options;
  const trust = createTrust(authorities);
  const credentialsOf = createCredentials(identity, hostClock);
  return async (request, context) => {
    const url = URL.parse(request.url);
    if (url === null || !/^https?:$/.test(url.protocol))
      return { answered: false, reason: 'other', detail: 'expected a URL of http or https', ms: 0 };
    // How long a token takes says nothing of the target.
    const { headers, hide } = await credentialsOf(request, url, context);
    const sinceMs = stopwatchMs();
    const notAnswered = ({ reason, detail }: NotReached): HttpSeen => ({
      answered: false,
      reason,
      detail: hide(detail),
      ms: stopwatchMs() - sinceMs,
    });

    const ending = endingOf(hostClock, context);
    // What became of the connection; undici would tell it as an error without its reason.
    const line: { fault: NotReached | null } = { fault: null };
    const dial = async (host: string, port: string, encrypted: boolean): Promise<Socket> => {
      const place = { host, port: Number(port || (encrypted ? 443 : 80)), reach: request.reach };
      const plain = await connect(place, context, ending.signal);
      const options = { ALPNProtocols: ['http/1.1'], ...trust(request.authorities) };
      const reached = 'socket' in plain && encrypted ? await secure(plain.socket, host, options, ending.signal) : plain;
      if ('socket' in reached) return reached.socket;
      line.fault = reached;
      throw new Error(reached.detail);
    };
    const connector: buildConnector.connector = ({ hostname, port, protocol }, callback) => {
      dial(hostname, port, protocol === 'https:').then(
        (socket) => callback(null, socket),
        (error: Error) => callback(error, null),
      );
    };
    const client = new Client(url.origin, {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
      connect: connector,
    });
    try {
      ending.throwIfGivenUp();
      const answer = await client.request({
        method: request.method,
        path: url.pathname + url.search,
        headers: { 'user-agent': AGENT, ...request.headers, ...headers },
        ...(request.body === null ? {} : { body: request.body }),
        reset: true,
        signal: ending.signal,
      });
      const body = await textOf(answer.body, request.maxBytes);
      if (body === null)
        return notAnswered({ reason: 'too_large', detail: `expected at most ${request.maxBytes} bytes` });
      const ms = stopwatchMs() - sinceMs;
      return {
        answered: true,
        status: answer.statusCode,
        headers: headersOf(answer.headers, hide),
        body: hide(body),
        ms,
      };
    } catch (error) {
      ending.throwIfGivenUp();
      // Its connection ends by the same deadline, and knows what it waited for.
      return notAnswered(line.fault ?? (ending.signal.aborted ? LATE : faultOf(error as Error)));
    } finally {
      ending.done();
      await client.destroy();
    }
  };
}

/** Null: it is longer. */
async function textOf(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function headersOf(
  given: Dispatcher.ResponseData['headers'],
  hide: (text: string) => string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(given).flatMap(([header, value]) =>
      value === undefined ? [] : [[header, hide(Array.isArray(value) ? value.join(', ') : value)]],
    ),
  );
}
