import { sha256Hex } from '#shared/domain/ids.ts';
import { type Tenant, tenant } from '#shared/domain/tenant.ts';

/** A tenant of a test, its key known. */
export const keyOf = (tenantId: string): string => `key of ${tenantId}`;

export const aTenant = (tenantId: string, changes: Partial<Tenant> = {}): Tenant =>
  tenant.parse({ tenant_id: tenantId, key_sha256: [sha256Hex(keyOf(tenantId))], ...changes });

/** AURORA_TENANTS. */
export const tenantsVariable = (...tenantIds: readonly string[]): string =>
  JSON.stringify([...new Set(tenantIds)].map((id) => aTenant(id)));
