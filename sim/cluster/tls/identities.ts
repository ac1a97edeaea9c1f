/** What a server can be in TLS: well, or unwell in one of the ways that a probe should tell apart. */
import { type Issued, issue, keyPem, newKeys, revocationList } from './certificate.ts';
import type { Identity } from './pair.ts';

export const TLS_NAMES = [
  'valid',
  'expiring',
  'expired',
  'wrong_host',
  'self_signed',
  'revoked',
  'chain_incomplete',
] as const;
export type TlsName = (typeof TLS_NAMES)[number];

export type Identities = Readonly<Record<TlsName, Identity>>;

export interface Authority {
  /** Of all but the self-signed; it lasts longer than any run. */
  readonly caPem: string;
  /** Of the authority and of its intermediate: Node wants one for every issuer of a chain once it is given any. */
  readonly crlPems: readonly string[];
  /** For servers that nobody judges by their certificate. */
  readonly longLived: Identity;
  /** As they are to be at that time, host epoch milliseconds: the valid ones fresh, the others as old as they must be. */
  identitiesAt(nowMs: number): Identities;
}

const DAY_MS = 86_400_000;
/** Of a managed certificate. */
const LIFE_MS = 90 * DAY_MS;

/** @param names DNS names that its certificates are for */
export function createAuthority(names: readonly string[], bornMs: number): Authority {
  const [fromMs, untilMs] = [bornMs - 365 * DAY_MS, bornMs + 3650 * DAY_MS];
  const authority = (commonName: string, issuer: Issued | null): Issued =>
    issue({ commonName, names: [], fromMs, untilMs, issuer });
  const root = authority('Simulated Root', null);
  const intermediate = authority('Simulated Intermediate', root);
  const [commonName = 'localhost'] = names;
  // The servers' own, one for all of them: nothing here is told apart by its key.
  const keys = newKeys();
  const key = keyPem(keys);
  const lasting = (): Issued =>
    issue({ commonName, names, fromMs: bornMs - 20 * DAY_MS, untilMs, issuer: intermediate, keys });
  // One for ever: it stands in the list.
  const revoked = lasting();
  const whole = (one: Issued): Identity => ({ cert: one.pem + intermediate.pem, key });
  const alone = (one: Issued): Identity => ({ cert: one.pem, key });

  return {
    caPem: root.pem,
    crlPems: [
      revocationList(root, [], bornMs - DAY_MS, untilMs),
      revocationList(intermediate, [revoked], bornMs - DAY_MS, untilMs),
    ],
    longLived: whole(lasting()),
    identitiesAt(nowMs) {
      /** With so many days left. */
      const leaf = (days: number, issuer: Issued | null = intermediate, of = names): Issued => {
        const endMs = nowMs + days * DAY_MS;
        const fromMs = endMs - LIFE_MS;
        return issue({ commonName: of[0] ?? commonName, names: of, fromMs, untilMs: endMs, issuer, keys });
      };
      return {
        valid: whole(leaf(70)),
        expiring: whole(leaf(5)),
        expired: whole(leaf(-1)),
        wrong_host: whole(leaf(70, intermediate, ['elsewhere.example'])),
        self_signed: alone(leaf(70, null)),
        revoked: whole(revoked),
        chain_incomplete: alone(leaf(70)),
      };
    },
  };
}
