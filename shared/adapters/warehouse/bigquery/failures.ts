/** BigQuery's failures in our words (https://cloud.google.com/bigquery/docs/error-messages). */
import { AuroraError, RejectedError, TransientError } from '#shared/errors.ts';

interface Reason {
  readonly reason?: string;
  readonly message?: string;
}

/** Of a row that was refused: the same row will be refused again. All else (timeout, backendError, stopped) passes. */
const INVALID_ROW = 'invalid';

/** Of a row with a column that the table has not yet: an image came before its schema, and the row's time will come. */
const NO_SUCH_FIELD = /^no such field\b/i;

interface RowError {
  readonly index: number;
  readonly errors: readonly Reason[];
}

const isAhead = ({ message }: Reason): boolean => NO_SUCH_FIELD.test(message ?? '');
const isInvalid = (of: Reason): boolean => of.reason === INVALID_ROW && !isAhead(of);

/**
 * A failure of an insert. Of a partial one the other rows are in the table; to append them again is harmless.
 * @param rowAt number in the append of a row of the request
 */
export function insertFailure(table: string, rowAt: (index: number) => number, error: unknown): AuroraError {
  if (error instanceof AuroraError) return error;
  const rows = rowErrorsOf(error);
  if (rows.length > 0) {
    const invalid = rows.find(({ errors }) => errors.some(isInvalid));
    const shown = invalid ?? (rows[0] as RowError);
    const text = `${table} row ${rowAt(shown.index)}: ${shown.errors.map(({ message }) => message).join('; ')}`;
    // What may pass comes first: with it the invalid ones come again too, and then alone.
    if (rows.every(({ errors }) => errors.some(isInvalid)))
      return new RejectedError('row_invalid', text, {
        cause: error,
        details: { rows: rows.map(({ index }) => rowAt(index)) },
      });
    const remedy = shown.errors.some(isAhead) ? ' The table lacks a column of this image: terraform apply' : '';
    return new TransientError('warehouse_unavailable', text + remedy, { cause: error });
  }
  return unavailable(`append to ${table}`, error, 'roles/bigquery.dataEditor on the dataset');
}

/** A failure of a query: what BigQuery says of the text or a value is the query's fault, all else its own. */
export function queryFailure(name: string, error: unknown): AuroraError {
  if (error instanceof AuroraError) return error;
  const reasons = reasonsOf(error);
  const at = reasons.find(({ reason }) => QUERY_FAULTS.has(reason ?? ''));
  if (at !== undefined)
    return new RejectedError('query_invalid', `query ${name}: ${at.message ?? at.reason}`, { cause: error });
  return unavailable(`query ${name}`, error, 'roles/bigquery.dataViewer on the dataset and roles/bigquery.jobUser');
}

const QUERY_FAULTS = new Set(['invalidQuery', 'invalid', 'bytesBilledLimitExceeded', 'notImplemented']);

/** @param needed by the service account that was denied it */
function unavailable(doing: string, error: unknown, needed: string): TransientError {
  const status = error instanceof Error && 'code' in error ? error.code : null;
  const denied = status === 403 && reasonsOf(error).some(({ reason }) => reason === 'accessDenied');
  const remedy = denied ? `; the service account needs ${needed}` : '';
  const message = error instanceof Error ? error.message : String(error);
  return new TransientError('warehouse_unavailable', `${doing}: ${message.slice(0, 300)}${remedy}`, { cause: error });
}

function rowErrorsOf(error: unknown): readonly RowError[] {
  const response =
    error instanceof Error && 'response' in error ? (error.response as { insertErrors?: RowError[] }) : null;
  return (response?.insertErrors ?? []).map(({ index, errors }) => ({ index: Number(index), errors }));
}

const reasonsOf = (error: unknown): readonly Reason[] =>
  error instanceof Error && 'errors' in error && Array.isArray(error.errors) ? (error.errors as Reason[]) : [];
