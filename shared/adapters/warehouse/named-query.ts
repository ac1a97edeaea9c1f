import { RejectedError } from '#shared/errors.ts';
import type { Cell, NamedQuery } from '#shared/ports/warehouse.ts';

export type Params = Readonly<Record<string, Cell>>;

/** @throws RejectedError query_invalid */
export function parseParams<P extends Params>(query: NamedQuery<P, unknown>, params: P): P {
  const parsed = query.params.safeParse(params);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new RejectedError('query_invalid', `query ${query.name}: ${issue?.path.join('.')}: ${issue?.message}`);
}

/** @throws RejectedError query_invalid: it answers what it did not promise */
export function parseRow<R>(query: NamedQuery<Params, R>, row: Readonly<Record<string, Cell>>): R {
  const parsed = query.row.safeParse(row);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new RejectedError('query_invalid', `query ${query.name} answered ${issue?.path.join('.')}: ${issue?.message}`);
}
