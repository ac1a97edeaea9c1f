/**
 * What stands behind an address, trusted or not: the handshake is finished with whoever is there, so that the dates of an expired, a
 * foreign or a home-made certificate are still seen; then it is said what is wrong with it first: trust, name, revocation.
 */
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import type { HostClock } from '#shared/ports/clock.ts';
import type { CertificateSeen, ProbeTools, TlsSeen } from '../tools.ts';
import { type Connect, type NotReached, secure } from './connect.ts';
import { endingOf } from './ending.ts';
import { createTrust, NONE } from './trust.ts';

export interface TlsToolOptions {
  readonly hostClock: HostClock;
  readonly stopwatchMs: () => number;
  readonly connect: Connect;
  /** Certificates in PEM that are trusted beside the system's and a probe's own. */
  readonly authorities: readonly string[];
}

/** Longer ones are of no use to any client; a loop of issuers ends here at the latest. */
const MAX_CHAIN = 10;

export function createTlsTool({ hostClock, stopwatchMs, connect, authorities }: TlsToolOptions): ProbeTools['tls'] {
  const trust = createTrust(authorities);
  return async (probe, context) => {
    const ending = endingOf(hostClock, context);
    const look = async (revoked: readonly string[]): Promise<TlsSeen> => {
      const sinceMs = stopwatchMs();
      const notConnected = ({ reason, detail }: NotReached): TlsSeen => ({
        connected: false,
        reason,
        detail,
        ms: stopwatchMs() - sinceMs,
      });
      const plain = await connect(probe, context, ending.signal);
      if (!('socket' in plain)) return notConnected(plain);
      const options = { rejectUnauthorized: false, ...trust(probe.authorities, revoked) };
      const reached = await secure(plain.socket, probe.serverName, options, ending.signal);
      if (!('socket' in reached)) return notConnected(reached);
      const ms = stopwatchMs() - sinceMs;
      const { socket } = reached;
      const seen: TlsSeen = {
        connected: true,
        fault: faultOfTrust(socket),
        chain: chainOf(socket),
        protocol: socket.getProtocol() ?? 'unknown',
        ms,
      };
      socket.destroy();
      return seen;
    };
    try {
      ending.throwIfGivenUp();
      const first = await look(NONE);
      ending.throwIfGivenUp();
      if (!first.connected || first.fault !== null || probe.revoked.length === 0) return first;
      // Apart, because OpenSSL tells the last fault that it finds: that an issuer has no list would hide what is wrong before it.
      const second = await look(probe.revoked);
      ending.throwIfGivenUp();
      return second.connected ? { ...first, fault: second.fault } : second;
    } finally {
      ending.done();
    }
  };
}

/** Node has verified trust, then the name; it tells the code where its types promise an Error. */
function faultOfTrust({ authorized, authorizationError }: TLSSocket): string | null {
  if (authorized) return null;
  const fault: unknown = authorizationError;
  return fault instanceof Error ? fault.message : String(fault);
}

function chainOf(socket: TLSSocket): readonly CertificateSeen[] {
  const chain: CertificateSeen[] = [];
  const seen = new Set<string>();
  let next: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true);
  // A root names itself as its issuer.
  while (next?.fingerprint256 !== undefined && !seen.has(next.fingerprint256) && chain.length < MAX_CHAIN) {
    const { subject, issuer, valid_from = '', valid_to = '', fingerprint256 } = next;
    seen.add(fingerprint256);
    chain.push({
      subject: nameOf(subject),
      issuer: nameOf(issuer),
      validFromMs: Date.parse(valid_from),
      validToMs: Date.parse(valid_to),
      fingerprint: fingerprint256,
    });
    next = next.issuerCertificate;
  }
  return chain;
}

/** Several of one field come as a list. */
function nameOf(of: Partial<Readonly<Record<'CN' | 'O', string | string[]>>> | undefined): string {
  return [of?.CN ?? of?.O ?? 'no name'].flat().join(', ').slice(0, 128);
}
