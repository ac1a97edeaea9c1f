import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';

/** Lists of PEM; one that is given again is known by being the same list. */
type Pem = readonly string[];
export const NONE: Pem = [];

/**
 * Whom a connection trusts. Reading the system's certificates takes 15 ms, so a context is kept as long as the lists that a suite
 * gives. Nothing: the system's alone, which Node keeps itself.
 */
export function createTrust(always: Pem) {
  const known = new WeakMap<Pem, WeakMap<Pem, SecureContext>>();
  return (authorities: Pem = NONE, revoked: Pem = NONE): { readonly secureContext?: SecureContext } => {
    if (authorities.length + always.length + revoked.length === 0) return {};
    const byRevoked = known.get(authorities) ?? new WeakMap<Pem, SecureContext>();
    known.set(authorities, byRevoked);
    const secureContext =
      byRevoked.get(revoked) ??
      createSecureContext({
        ca: [...getCACertificates('default'), ...always, ...authorities],
        ...(revoked.length === 0 ? {} : { crl: [...revoked] }),
      });
    byRevoked.set(revoked, secureContext);
    return { secureContext };
  };
}
