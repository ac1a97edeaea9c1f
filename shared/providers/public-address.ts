/**
 * Which addresses may be called when a stranger names them: only such as everybody can reach. Special ranges of the IANA registries
 * (https://www.iana.org/assignments/iana-ipv4-special-registry, iana-ipv6-special-registry): the metadata servers of the clouds,
 * this machine and its neighbours are among them.
 */
import { promises as dns, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';

const NOT_PUBLIC_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
/** Of what is unicast for all; these carry IPv4 addresses or are for documents and protocols. */
const NOT_PUBLIC_V6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const notPublic = new BlockList();
for (const [net, prefix] of NOT_PUBLIC_V4) notPublic.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of NOT_PUBLIC_V6) notPublic.addSubnet(net, prefix, 'ipv6');
const unicastV6 = new BlockList();
unicastV6.addSubnet('2000::', 3, 'ipv6');
const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export interface AddressRules {
  /** This machine's own addresses too: where fakes of the providers run. */
  readonly loopback: boolean;
}

/** @param address an IP address in its usual text; anything else is not public */
export function mayBeCalled(address: string, rules: AddressRules): boolean {
  const version = isIP(address);
  if (version === 0) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (loopback.check(address, family)) return rules.loopback;
  return (version === 4 || unicastV6.check(address, 'ipv6')) && !notPublic.check(address, family);
}

/** A name or an IP address as a provider gives it, and nothing that would make another URL of it. */
export const isHost = (host: string): boolean =>
  isIPv6(host) || (host.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host));

/**
 * Whether the host of a URL may be connected to, as far as it tells by itself: "127.1", "0x7f000001" and "2130706433" are names to
 * look at, and 127.0.0.1 in a URL, which is connected to without being looked up.
 * @param hostname as `URL` has it
 */
export function mayBeNamed(hostname: string, rules: AddressRules): boolean {
  const literal = hostname.replace(/^\[|\]$/g, '');
  return isIP(literal) === 0 || mayBeCalled(literal, rules);
}

export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;
export const systemResolver: Resolve = (host) => dns.lookup(host, { all: true });

/** Resolves a name for one connection; the addresses that are checked are those that are connected to. */
export function guardedLookup(rules: AddressRules, resolve = systemResolver): LookupFunction {
  return (host, options: LookupOptions, callback) => {
    const done = (error: Error | null, found: readonly LookupAddress[]): void => {
      const [first] = found;
      if (options.all === true) callback(error, [...found]);
      else callback(error, first?.address ?? '', first?.family);
    };
    resolve(host).then(
      (found) => {
        const refused = found.find(({ address }) => !mayBeCalled(address, rules));
        if (found.length === 0) done(new Error(`${host} has no address`), []);
        else if (refused === undefined) done(null, found);
        else done(new Error(`${host} is ${refused.address}, which may not be called`), []);
      },
      (error: Error) => done(error, []),
    );
  };
}
