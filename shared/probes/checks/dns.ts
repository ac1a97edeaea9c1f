/** A name resolves, and to where it should. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { defineCheck, fail, pass, unseen } from '../check.ts';
import { rounded, shown } from '../seen.ts';
import { isOfName } from '../tools/dns.ts';
import type { DnsSeen } from '../tools.ts';

const address = z.string().refine((text) => isIP(text) !== 0, 'expected an IP address');

const spec = z.strictObject({
  /** All that is found must be among these. */
  addresses: z.array(address).min(1).max(32).optional(),
});
type Spec = z.infer<typeof spec>;

const NO_NAME = 'There is no such name: look at the DNS record and at its zone.';
const REMEDIES: Readonly<Record<string, string>> = {
  ENODATA: 'The name is there, without an address: give it an A or AAAA record.',
  ESERVFAIL: 'The servers of its zone fail, or their signatures do: see to the zone and to its DNSSEC.',
};

export const dnsCheck = defineCheck({
  kind: 'dns',
  on: 'host',
  spec,
  observe: (_: Spec, { host }, { dns }, context): Promise<DnsSeen> => dns(host, context),
  judge(wanted, seen) {
    const ms = rounded(seen.ms);
    if (!seen.found) {
      const evidence = { code: seen.code, ms };
      if (isOfName(seen.code)) return fail(evidence, REMEDIES[seen.code] ?? NO_NAME);
      return unseen(
        evidence,
        'The resolver of the machine that probes does not answer: see to that; of the name nothing is known.',
      );
    }
    const evidence = { addresses: shown(seen.addresses.join(', '), 300), ms };
    const stray = wanted.addresses && seen.addresses.find((one) => !wanted.addresses?.includes(one));
    if (stray === undefined) return pass(evidence);
    return fail(
      { ...evidence, unexpected: stray, expected: shown(wanted.addresses?.join(', '), 300) },
      'The name leads elsewhere: correct the record, or the addresses that the check expects.',
    );
  },
});
