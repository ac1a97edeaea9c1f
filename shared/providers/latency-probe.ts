/**
 * How fast a deployment answers: the median of three GETs over one connection, so that what it takes to connect is in one of them
 * at most. Any HTTP answer counts. The address is a stranger's word: it is checked before a connection is made, as a literal and as
 * what its name resolves to; redirects are answers.
 */
import { isIPv6 } from 'node:net';
import { Client } from 'undici';
import type { HostClock } from '#shared/ports/clock.ts';
import {
  type AddressRules,
  guardedLookup,
  isHost,
  mayBeNamed,
  type Resolve,
  systemResolver,
} from '#shared/runtime/public-address.ts';
import type { Address, CallContext } from './provider.ts';

export type Measured = { readonly ms: number } | { readonly ms: null; readonly reason: string };

/** Never throws: why there is no latency is said. Ends by the deadline. */
export type LatencyProbe = (address: Address, context: CallContext) => Promise<Measured>;

export interface LatencyProbeOptions extends AddressRules {
  readonly hostClock: HostClock;
  /** Monotonic. */
  readonly stopwatchMs: () => number;
  /** Default: the system's resolver. */
  readonly resolve?: Resolve;
}

const REQUESTS = 3;
/** Of an answer's body; a longer one costs its connection, and the next request another one. */
const MAX_BODY_BYTES = 64 * 1024;

export function createLatencyProbe({
  hostClock,
  stopwatchMs,
  resolve = systemResolver,
  ...rules
}: LatencyProbeOptions): LatencyProbe {
  return async (address, { deadline, signal }) => {
    const { host, port } = address;
    const origin = originOf(address);
    if (origin === null || !mayBeNamed(origin.hostname, rules))
      return { ms: null, reason: `${host.slice(0, 64)}:${port} is no address that may be called` };
    const giveUp = new AbortController();
    const cancel = hostClock.after(Math.max(0, deadline - hostClock.now()), () =>
      giveUp.abort(new Error('no answer by the deadline')),
    );
    const ending = signal === undefined ? giveUp.signal : AbortSignal.any([giveUp.signal, signal]);
    const client = new Client(origin, {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      // Nothing is confided to it, and half of the marketplace signs its own certificates.
      connect: { lookup: guardedLookup(rules, resolve), rejectUnauthorized: false, timeout: 0 },
    });
    try {
      const took: number[] = [];
      for (let i = 0; i < REQUESTS; i++) {
        const since = stopwatchMs();
        const { body } = await client.request({ method: 'GET', path: '/', signal: ending });
        took.push(stopwatchMs() - since);
        await body.dump({ limit: MAX_BODY_BYTES, signal: ending });
      }
      return { ms: median(took) };
    } catch (error) {
      return { ms: null, reason: error instanceof Error ? error.message : String(error) };
    } finally {
      cancel();
      await client.destroy();
    }
  };
}

/** Null: it is none. */
function originOf({ host, port, tls }: Address): URL | null {
  return isHost(host) ? URL.parse(`${tls ? 'https' : 'http'}://${isIPv6(host) ? `[${host}]` : host}:${port}`) : null;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
