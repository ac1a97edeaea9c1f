/**
 * One connection to a host that a suite names. The address is checked as it is written (also as 0x7f.1, which is 127.0.0.1), as its
 * name resolves, and as it is in the end connected to.
 */
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { mayBeCalled, mayBeNamed } from '#shared/runtime/public-address.ts';
import type { CheckContext, Reach } from '../check.ts';
import type { NotAnswered, ProbeTools } from '../tools.ts';
import { isOfName } from './dns.ts';

export interface Place {
  readonly host: string;
  readonly port: number;
  readonly reach: Reach;
}

export interface NotReached {
  readonly reason: NotAnswered;
  readonly detail: string;
}
type Reached = { readonly socket: Socket } | NotReached;

/** Never throws for what is at the other end. The socket is destroyed when `signal` aborts, also later. */
export type Connect = (place: Place, context: CheckContext, signal: AbortSignal) => Promise<Reached>;

export const LATE: NotReached = { reason: 'timeout', detail: 'nothing came by the deadline' };

export function createConnect(dns: ProbeTools['dns']): Connect {
  return async ({ host, port, reach }, context, signal) => {
    const name = nameOf(host);
    if (name === null) return { reason: 'other', detail: `${host.slice(0, 64)} is no host` };
    if (!mayBeNamed(name, reach)) return forbidden(name);
    const seen = await dns(name, context);
    if (!seen.found) return { reason: isOfName(seen.code) ? 'dns' : 'resolver', detail: `${name}: ${seen.code}` };
    if (signal.aborted) return LATE;
    const refused = seen.addresses.find((address) => !mayBeCalled(address, reach));
    if (refused !== undefined) return forbidden(refused === name ? name : `${name} is ${refused}, which`);
    return open(name, port, seen.addresses, reach, signal);
  };
}

/** As a URL has it, without brackets. */
function nameOf(host: string): string | null {
  const url = URL.parse(`http://${isIP(host) === 6 ? `[${host}]` : host}`);
  return url === null || url.pathname !== '/' ? null : url.hostname.replace(/^\[|\]$/g, '');
}

function open(
  host: string,
  port: number,
  addresses: readonly string[],
  reach: Reach,
  signal: AbortSignal,
): Promise<Reached> {
  const { promise, resolve } = Promise.withResolvers<Reached>();
  // What was checked is what is connected to: no name is looked up again.
  const lookup: LookupFunction = (_, options, callback) => {
    const list = addresses.map((address) => ({ address, family: isIP(address) }));
    const [first] = list;
    if (options.all === true) callback(null, list);
    else callback(null, first?.address ?? '', first?.family);
  };
  const socket = connect({ host, port, lookup, autoSelectFamily: true, noDelay: true });
  const giveUp = (): void => {
    resolve(LATE);
    socket.destroy();
  };
  signal.addEventListener('abort', giveUp, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', giveUp));
  // Stays: whoever takes the socket over may let go of it before its last error.
  socket.on('error', (error) => resolve(faultOf(error)));
  socket.once('connect', () => {
    const { remoteAddress = '' } = socket;
    if (mayBeCalled(remoteAddress, reach)) return resolve({ socket });
    resolve(forbidden(`${host} was connected to at ${remoteAddress}, which`));
    socket.destroy();
  });
  return promise;
}

/**
 * TLS over a connection, for a name. Destroyed with it.
 * @param options what is trusted, and whether it must be
 * @param signal the one that the connection ends by
 */
export function secure(
  socket: Socket,
  name: string,
  options: Pick<ConnectionOptions, 'rejectUnauthorized' | 'secureContext' | 'ALPNProtocols'>,
  signal: AbortSignal,
): Promise<{ readonly socket: TLSSocket } | NotReached> {
  const { promise, resolve } = Promise.withResolvers<{ readonly socket: TLSSocket } | NotReached>();
  // An address is no server name (RFC 6066), but may stand in a certificate.
  const wrapped = connectTls({ ...options, socket, host: name, ...(isIP(name) === 0 ? { servername: name } : {}) });
  wrapped.once('secureConnect', () => resolve({ socket: wrapped }));
  wrapped.on('error', (error: Error) => {
    const fault = faultOf(error);
    resolve(fault.reason === 'other' ? { ...fault, reason: 'tls' } : fault);
  });
  // Without an error when the connection below is destroyed.
  wrapped.once('close', () => {
    resolve(signal.aborted ? LATE : { reason: 'reset', detail: 'the connection was closed during the TLS handshake' });
    socket.destroy();
  });
  return promise;
}

const forbidden = (what: string): NotReached => ({
  reason: 'forbidden_address',
  detail: `${what} may not be called from here`,
});

const REASONS: Readonly<Record<string, NotAnswered>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timeout',
  // Of this machine. EHOSTUNREACH is not: that is what the network says of a host that is gone.
  ENETUNREACH: 'no_route',
  ENETDOWN: 'no_route',
  UND_ERR_SOCKET: 'reset',
  UND_ERR_HEADERS_OVERFLOW: 'too_large',
};
const TLS_CODE = /^(ERR_TLS|ERR_SSL|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_|HOSTNAME_MISMATCH|EPROTO)/;

/** Of several addresses, each with its own error, the first that somebody gave: many machines have no way to those of IPv6. */
export function faultOf(error: Error & { readonly code?: string }): NotReached {
  const each: readonly (Error & { readonly code?: string })[] =
    error instanceof AggregateError && error.errors.length > 0 ? error.errors : [error];
  const known = each.filter(({ code = '' }) => Object.hasOwn(REASONS, code));
  const telling = known.find(({ code = '' }) => REASONS[code] !== 'no_route') ?? known[0] ?? each[0] ?? error;
  const { code = '', message } = telling;
  const reason = Object.hasOwn(REASONS, code) ? REASONS[code] : undefined;
  const text = message === '' || message.includes(code) ? message : `${code}: ${message}`;
  return {
    reason: reason ?? (TLS_CODE.test(code) ? 'tls' : 'other'),
    detail: (text || code || error.name).slice(0, 300),
  };
}
