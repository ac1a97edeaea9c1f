import { parseJsonSetting } from './config-json.ts';
import { type Tenant, tenants } from './domain/tenant.ts';

const SETTING = { variable: 'AURORA_TENANTS', schema: tenants, what: 'a JSON list of tenants' };

/** @throws RejectedError config_invalid */
export const parseTenants = (given: string, readText: (path: string) => string): readonly Tenant[] =>
  parseJsonSetting(SETTING, given, readText);
