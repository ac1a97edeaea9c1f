/**
 * Names as connections use them: A and AAAA from the resolvers of this machine, asked directly, because getaddrinfo cannot be given
 * up, and two that hang hold up every other one of the process. What those do not know is asked of the machine too: its hosts file
 * and its search domains, where clusters have their short names.
 */
import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { HostClock } from '#shared/ports/clock.ts';
import { type Resolve, systemResolver } from '#shared/runtime/public-address.ts';
import type { ProbeTools } from '../tools.ts';
import { endingOf } from './ending.ts';

export interface DnsToolOptions {
  readonly hostClock: HostClock;
  readonly stopwatchMs: () => number;
  /** `address:port` of resolvers; default: this machine's. */
  readonly servers?: readonly string[];
  /** What the machine knows beside; default: getaddrinfo. */
  readonly machine?: Resolve;
}

/** A lost packet costs a second, not the attempt. */
const TRY_MS = 1_000;
const TRIES = 3;
/** After these the machine is asked: somebody has answered, so it answers soon as well. */
const NOT_KNOWN: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'ECONNREFUSED']);
const TIMEOUT = 'ETIMEOUT';
/** It denies every name, the root of them all among them: a machine without a way out often has such a resolver. */
const DENIES_ALL = 'EDENIESALL';
/** What a resolver says of a name. All else says something of the resolver. */
const OF_NAME: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'ESERVFAIL', 'EBADNAME']);

export const isOfName = (code: string): boolean => OF_NAME.has(code);

type Found = { readonly addresses: readonly string[] } | { readonly code: string };

export function createDnsTool({
  hostClock,
  stopwatchMs,
  servers,
  machine = systemResolver,
}: DnsToolOptions): ProbeTools['dns'] {
  const withResolver = async <T>(signal: AbortSignal, ask: (resolver: Resolver) => Promise<T>): Promise<T> => {
    const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES });
    if (servers !== undefined) resolver.setServers(servers);
    const giveUp = (): void => resolver.cancel();
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      return await ask(resolver);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  };
  const fromServers = (host: string, signal: AbortSignal): Promise<Found> =>
    withResolver(signal, async (resolver) => {
      const families = await Promise.all([found(resolver.resolve4(host)), found(resolver.resolve6(host))]);
      const addresses = families.flatMap((family) => ('addresses' in family ? family.addresses : []));
      return addresses.length > 0 ? { addresses } : { code: worstOf(families) };
    });
  /** Whoever says that there is no root says nothing of any name. */
  const believed = async (denied: { readonly code: string }, signal: AbortSignal): Promise<Found> => {
    if (denied.code !== 'ENOTFOUND' || signal.aborted) return denied;
    const root = await withResolver(signal, (resolver) => found(resolver.resolveNs('.')));
    return 'code' in root && root.code === 'ENOTFOUND' ? { code: DENIES_ALL } : denied;
  };
  const fromMachine = (host: string, signal: AbortSignal): Promise<Found> => {
    const late = Promise.withResolvers<Found>();
    signal.addEventListener('abort', () => late.resolve({ code: TIMEOUT }), { once: true });
    return Promise.race([found(machine(host).then((all) => all.map(({ address }) => address))), late.promise]);
  };

  return async (host, context) => {
    if (isIP(host) !== 0) return { found: true, addresses: [host], ms: 0 };
    const sinceMs = stopwatchMs();
    const ending = endingOf(hostClock, context);
    try {
      ending.throwIfGivenUp();
      const { signal } = ending;
      const seen = signal.aborted
        ? { code: TIMEOUT }
        : isOfThisMachine(host)
          ? await fromMachine(host, signal)
          : await fromServers(host, signal).then(async (first) => {
              if ('addresses' in first || !NOT_KNOWN.has(first.code) || signal.aborted) return first;
              const second = await fromMachine(host, signal);
              return 'addresses' in second ? second : believed(first, signal);
            });
      ending.throwIfGivenUp();
      const ms = stopwatchMs() - sinceMs;
      return 'addresses' in seen
        ? { found: true, addresses: seen.addresses, ms }
        : { found: false, code: seen.code, ms };
    } finally {
      ending.done();
    }
  };
}

async function found(asked: Promise<readonly string[]>): Promise<Found> {
  try {
    const addresses = await asked;
    return addresses.length > 0 ? { addresses } : { code: 'ENODATA' };
  } catch (error) {
    const { code = 'EUNKNOWN' } = error as NodeJS.ErrnoException;
    return { code: code === 'ECANCELLED' ? TIMEOUT : code };
  }
}

/** That there is no such name outweighs that it has none of a family; that nobody answered outweighs both. */
function worstOf(families: readonly Found[]): string {
  const codes = families.flatMap((family) => ('code' in family ? [family.code] : []));
  return codes.find((code) => !NOT_KNOWN.has(code)) ?? codes.find((code) => code !== 'ENODATA') ?? 'ENODATA';
}

/** RFC 6761: no server is asked for these. */
const isOfThisMachine = (host: string): boolean => /(^|\.)localhost\.?$/i.test(host);
