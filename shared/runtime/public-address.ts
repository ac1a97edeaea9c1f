/**
 * Which addresses may be called. Of those that a stranger names only such as everybody can reach; of those that the operator's own
 * configuration names, this machine and private ranges too, where it says so. Never the metadata servers of the clouds, nor what is
 * link-local: who may call these may become somebody else. Special ranges of the IANA registries
 * (https://www.iana.org/assignments/iana-ipv4-special-registry, iana-ipv6-special-registry).
 */
import { promises as dns, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';

type Range = readonly [network: string, prefix: number];

/** RFC 1918, RFC 4193, and the range of carriers (RFC 6598), which clusters use for pods. */
const PRIVATE: readonly Range[] = [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['fc00::', 7],
];
/** Where clouds answer their machines outside 169.254.0.0/16: AWS, Google, Alibaba, Oracle, Azure. */
const METADATA: readonly Range[] = [
  ['fd00:ec2::254', 128],
  ['fd20:ce::254', 128],
  ['100.100.100.200', 32],
  ['192.0.0.192', 32],
  ['168.63.129.16', 32],
];
const METADATA_NAMES: ReadonlySet<string> = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
]);
/** For nobody. */
const SPECIAL: readonly Range[] = [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  // Of what is unicast for all; these carry IPv4 addresses or are for documents and protocols.
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const listOf = (ranges: readonly Range[]): BlockList => {
  const list = new BlockList();
  for (const [net, prefix] of ranges) list.addSubnet(net, prefix, isIPv6(net) ? 'ipv6' : 'ipv4');
  return list;
};
const forNobody = listOf([...METADATA, ...SPECIAL]);
const privateRanges = listOf(PRIVATE);
const loopback = listOf([
  ['127.0.0.0', 8],
  ['::1', 128],
]);
const unicastV6 = listOf([['2000::', 3]]);

export interface AddressRules {
  /** This machine's own addresses too: where fakes run. */
  readonly loopback: boolean;
  /** Private ranges too: where a cluster has its services. Default: false. */
  readonly private?: boolean;
}

/** @param address an IP address in its usual text; anything else may not be called */
export function mayBeCalled(address: string, rules: AddressRules): boolean {
  const version = isIP(address);
  if (version === 0) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (forNobody.check(address, family)) return false;
  if (loopback.check(address, family)) return rules.loopback;
  if (privateRanges.check(address, family)) return rules.private === true;
  return version === 4 || unicastV6.check(address, 'ipv6');
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
  if (isIP(literal) === 0) return !METADATA_NAMES.has(literal.toLowerCase().replace(/\.$/, ''));
  return mayBeCalled(literal, rules);
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
