/**
 * Which tenant calls: by an API key (`x-api-key`, or `authorization: Bearer`), or by the ID token of an account of its own. Keys are
 * known by their SHA-256 alone. Nothing that is thrown here holds a key or a token.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Tenant } from '#shared/domain/tenant.ts';
import { RejectedError } from '#shared/errors.ts';
import type { FunctionRequest } from './types.ts';

/** At once, unless a token has to be checked. @throws RejectedError unauthorized, forbidden; TransientError upstream_unavailable */
export type Identify = (headers: FunctionRequest['headers']) => Tenant | Promise<Tenant>;

export interface IdentifyOptions {
  readonly tenants: readonly Tenant[];
  /** The verified e-mail address of an ID token (callers.ts); null: none is taken. */
  readonly accountOf: ((token: string) => Promise<string>) | null;
}

const BEARER = /^Bearer ([^\s]+)$/i;
/** Three parts of base64url: JSON Web Signature, compact (RFC 7515, section 7.1). */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export function createIdentify({ tenants, accountOf }: IdentifyOptions): Identify {
  const keys = tenants.flatMap((tenant) => tenant.key_sha256.map((hex) => ({ tenant, hash: Buffer.from(hex, 'hex') })));
  const byAccount = new Map(tenants.flatMap((tenant) => tenant.accounts.map((account) => [account, tenant])));

  /** Compares with every key there is, in constant time: how long it takes tells nothing of any of them. */
  function ofKey(key: string): Tenant | null {
    const given = createHash('sha256').update(key).digest();
    let found: Tenant | null = null;
    for (const { tenant, hash } of keys) if (timingSafeEqual(hash, given)) found = tenant;
    return found;
  }

  async function ofToken(token: string, check: NonNullable<IdentifyOptions['accountOf']>): Promise<Tenant> {
    const account = await check(token);
    const tenant = byAccount.get(account);
    if (tenant === undefined) throw new RejectedError('forbidden', `${account} is an account of no tenant`);
    return tenant;
  }

  return (headers) => {
    const { 'x-api-key': key, authorization } = headers;
    const bearer = BEARER.exec(authorization ?? '')?.[1];
    const given = key ?? bearer;
    if (given === undefined || given === '')
      throw new RejectedError('unauthorized', 'expected the API key of a tenant: x-api-key, or authorization: Bearer');
    const known = ofKey(given);
    if (known !== null) return known;
    if (key === undefined && accountOf !== null && TOKEN.test(given)) return ofToken(given, accountOf);
    throw new RejectedError('unauthorized', 'this API key is of no tenant');
  };
}
