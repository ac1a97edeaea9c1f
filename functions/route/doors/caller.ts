import type { RouteRequest } from '#shared/domain/request.ts';
import type { Tenant } from '#shared/domain/tenant.ts';
import { RejectedError } from '#shared/errors.ts';

/** Null where nobody is asked who he is: on this machine, or behind a check of its own. */
export type Caller = Tenant | null;

/** The request in its caller's name. @throws RejectedError forbidden: it names another's */
export function inNameOf(caller: Caller, request: RouteRequest): RouteRequest {
  if (caller === null) return request;
  const { tenant_id: named = caller.tenant_id } = request;
  if (named === caller.tenant_id) return { ...request, tenant_id: named };
  throw new RejectedError('forbidden', `tenant_id ${JSON.stringify(named)} is not that of the caller; leave it out`);
}
