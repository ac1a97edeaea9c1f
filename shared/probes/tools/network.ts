import type { HostClock } from '#shared/ports/clock.ts';
import type { ProbeTools } from '../tools.ts';
import { createConnect } from './connect.ts';
import { createDnsTool, type DnsToolOptions } from './dns.ts';
import { createHttpTool } from './http.ts';
import { createTlsTool } from './tls.ts';

export interface NetworkOptions {
  readonly hostClock: HostClock;
  /** Monotonic milliseconds. */
  readonly stopwatchMs: () => number;
  /** Certificates in PEM that every connection trusts beside the system's. */
  readonly authorities?: readonly string[];
  /** How names are looked up, where not as this machine does. */
  readonly names?: Pick<DnsToolOptions, 'servers' | 'machine'>;
}

/** The tools that look at what is reached over the network: all of them by the same names, and to the same addresses. */
export function createNetworkTools({
  hostClock,
  stopwatchMs,
  authorities = [],
  names = {},
}: NetworkOptions): Pick<ProbeTools, 'hostClock' | 'stopwatchMs' | 'http' | 'tls' | 'dns'> {
  const base = { hostClock, stopwatchMs };
  const dns = createDnsTool({ ...base, ...names });
  const connected = { ...base, connect: createConnect(dns), authorities };
  return { ...base, dns, http: createHttpTool(connected), tls: createTlsTool(connected) };
}
