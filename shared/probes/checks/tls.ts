/** A host proves who it is, and will for a while: trust, name, revocation, and the days that are left, of it and of where it redirects to. */
import { X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import type { Evidence } from '#shared/domain/probe.ts';
import { path } from '../answer-spec.ts';
import { defineCheck, fail, pass, type Verdict } from '../check.ts';
import { follow, reachFrom } from '../redirects.ts';
import { notAnswered, rounded, shown } from '../seen.ts';
import type { Targets } from '../targets.ts';
import type { CertificateSeen, HttpSeen, TlsSeen } from '../tools.ts';

/** Found out when the suite is read, not when it runs. @param read throws for what is none */
const pem = (what: string, read: (text: string) => unknown) =>
  z
    .array(
      z
        .string()
        .max(65_536)
        .refine((text) => {
          try {
            read(text);
            return true;
          } catch {
            return false;
          }
        }, `expected ${what} in PEM`),
    )
    .max(16)
    .default([]);

const spec = z.strictObject({
  /** Asked for, and to be in the certificate; default: the host. */
  server_name: z.string().min(1).max(253).optional(),
  // Renewed by Google a month before the end, by Let's Encrypt's clients too: with two weeks left, renewing has failed.
  min_days: z.number().min(0).max(3_650).default(14),
  /** Of the certificate's life: for such as live a week. */
  min_life_percent: z.number().min(0).max(100).default(10),
  /** Trusted beside the system's. */
  authorities: pem('a certificate', (text) => new X509Certificate(text)),
  /** Lists of revoked certificates: of every issuer in the chain, or none is known to be good. */
  revoked: pem('a list of revoked certificates', (crl) => createSecureContext({ crl })),
  redirects: z.strictObject({ max: z.int().min(1).max(10).default(5), path: path.default('/') }).optional(),
});
type Spec = z.infer<typeof spec>;

interface Look {
  readonly host: string;
  readonly seen: TlsSeen;
}

interface Seen {
  /** Of the host, then of each that it redirects to. */
  readonly looks: readonly Look[];
  /** What came at the end of the redirects; null: these were not looked at. */
  readonly last: HttpSeen | null;
}

/** Of the page that redirects, little is read. */
const MAX_BYTES = 65_536;

export const tlsCheck = defineCheck({
  kind: 'tls',
  on: 'host',
  spec,
  async observe(wanted: Spec, { host, port, reach }, tools, context): Promise<Seen> {
    const { authorities, revoked } = wanted;
    const look = async (name: string, at: Targets['host']): Promise<Look> => ({
      host: name,
      seen: await tools.tls({ ...at, serverName: name, authorities, revoked }, context),
    });
    const looks = [await look(wanted.server_name ?? host, { host, port, reach })];
    if (wanted.redirects === undefined) return { looks, last: null };
    const origin = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
    const page = { url: `${origin}${wanted.redirects.path}`, headers: {}, body: null, maxBytes: MAX_BYTES };
    const { hops, last, lastUrl } = await follow(
      { ...page, method: 'GET', reach, authorities },
      wanted.redirects.max,
      tools,
      context,
    );
    const seen = new Set([new URL(origin).origin]);
    for (const url of [...hops.map((hop) => hop.url), lastUrl]) {
      const place = new URL(url);
      if (place.protocol !== 'https:' || seen.has(place.origin)) continue;
      seen.add(place.origin);
      const name = place.hostname.replace(/^\[|\]$/g, '');
      const at = { host: name, port: Number(place.port || 443), reach: reachFrom(origin, place, reach) };
      looks.push(await look(name, at));
    }
    return { looks, last };
  },
  judge(wanted, { looks, last }, nowMs): Verdict {
    let passed: Evidence = {};
    for (const [index, look] of looks.entries()) {
      const verdict = judgeLook(wanted, look, nowMs);
      // Where the check itself was sent, the suite is to blame; elsewhere who sent it there.
      if (verdict.status === 'error' && index > 0 && !look.seen.connected && look.seen.reason === 'forbidden_address')
        return fail(verdict.evidence, 'It sends its users to an address that is not for them: correct its redirect.');
      if (verdict.status !== 'pass') return verdict;
      if (index === 0) passed = verdict.evidence;
    }
    const hosts: Evidence = looks.length > 1 ? { hosts: shown(looks.map(({ host }) => host).join(', '), 300) } : {};
    if (last?.answered === false) return notAnswered(last, { ...passed, ...hosts });
    return pass({ ...passed, ...hosts });
  },
});

function judgeLook(wanted: Spec, { host, seen }: Look, nowMs: number): Verdict {
  if (!seen.connected) return notAnswered(seen, { host });
  const { fault, chain, protocol } = seen;
  const [leaf] = chain;
  if (leaf === undefined) return fail({ host, protocol }, 'It shows no certificate: configure one.');
  // Who signed may end before what was signed, and takes it along.
  const first = chain.reduce((one, other) => (other.validToMs < one.validToMs ? other : one), leaf);
  const life = lifeOf(first, nowMs);
  const evidence: Evidence = {
    host,
    fault,
    issuer: leaf.issuer,
    ...life,
    ...(first === leaf ? {} : { ends_first: first.subject }),
    protocol,
  };
  if (fault !== null) return fail(evidence, remedyOf(fault));
  if (life.days_left < 0 || nowMs < leaf.validFromMs)
    return fail(evidence, 'It is not valid now: renew it, and compare the clocks of both machines.');
  if (life.days_left >= wanted.min_days && life.life_percent >= wanted.min_life_percent) return pass(evidence);
  return fail(
    { ...evidence, min_days: wanted.min_days, min_life_percent: wanted.min_life_percent },
    'It ends soon and was not renewed: see why its renewal fails (a ManagedCertificate says so of each domain), or renew it.',
  );
}

function lifeOf({ validFromMs, validToMs }: CertificateSeen, nowMs: number) {
  // A date that cannot be read is none that lies ahead.
  if (!Number.isFinite(validToMs) || !Number.isFinite(validFromMs))
    return { expires: 'not readable', days_left: -1, life_percent: 0 };
  const left = validToMs - nowMs;
  return {
    expires: new Date(validToMs).toISOString(),
    days_left: rounded(left / 86_400_000),
    life_percent: rounded(Math.min(100, Math.max(0, (left / Math.max(1, validToMs - validFromMs)) * 100))),
  };
}

const REMEDIES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'It has expired: renew it, and see why that did not happen by itself.',
  CERT_NOT_YET_VALID: 'It is not valid yet: compare the clocks of both machines, or put the one before it back.',
  CERT_REVOKED: 'It was revoked: get a new one, with a new key, and find out why.',
  UNABLE_TO_GET_CRL: 'The lists of revoked certificates do not cover every issuer of its chain: add the missing one.',
  CRL_HAS_EXPIRED: 'The list of revoked certificates is out of date: fetch it anew.',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'It is made out for other names: see which host this is, and which names its certificate should have.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'It has signed itself: install one of an authority that callers trust.',
  SELF_SIGNED_CERT_IN_CHAIN: 'Its authority is not one that callers trust: install one of a public authority.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'It sends no intermediate certificate, or its authority is unknown: send the whole chain.',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'It sends no intermediate certificate, or its authority is unknown: send the whole chain.',
};

const remedyOf = (fault: string): string =>
  (Object.hasOwn(REMEDIES, fault) ? REMEDIES[fault] : undefined) ??
  'Its certificate is not trusted, for the fault that is named: install one that is.';
