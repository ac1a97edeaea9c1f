/** Who may ask `route`, and what they may spend. Said by the operator (AURORA_TENANTS); no key stands here, only its hash. */
import { z } from 'zod';
import { positive } from './primitives.ts';

const MAX_TENANTS = 256;
const MAX_KEYS = 8;
const MAX_ACCOUNTS = 64;

/** In lower case. */
const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/i, 'expected the SHA-256 of a key in 64 hexadecimal digits')
  .transform((hex) => hex.toLowerCase());
const limit = positive.max(1e9).nullable().default(null);

export const tenant = z
  .strictObject({
    /** Part of keys in state. */
    tenant_id: z
      .string()
      .regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'expected up to 64 letters, digits, dots, dashes and underscores'),
    /** Two, while one takes the place of the other. */
    key_sha256: z.array(sha256).max(MAX_KEYS).default([]),
    /** E-mail addresses of those whose ID tokens speak for it. */
    accounts: z.array(z.email()).max(MAX_ACCOUNTS).default([]),
    /** What the decisions of a UTC day of world time may cost together, USD; null: no limit. */
    daily_usd: limit,
    /** USD. */
    max_usd_per_gpu_hour: limit,
    /** Its whole run at the price of the dearest offer that may be tried, USD. */
    max_usd_per_deployment: limit,
  })
  .refine(({ key_sha256: keys, accounts }) => keys.length + accounts.length > 0, 'expected a key or an account');
export type Tenant = z.infer<typeof tenant>;

export const tenants = z
  .array(tenant)
  .min(1)
  .max(MAX_TENANTS)
  .refine((all) => isUnique(all.map(({ tenant_id: id }) => id)), 'expected each tenant_id once')
  .refine((all) => isUnique(all.flatMap(({ key_sha256: keys }) => keys)), 'expected each key at one tenant, once')
  .refine((all) => isUnique(all.flatMap(({ accounts }) => accounts)), 'expected each account at one tenant, once');

const isUnique = (values: readonly string[]): boolean => new Set(values).size === values.length;
