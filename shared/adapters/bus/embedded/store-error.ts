import { AuroraError, TransientError } from '#shared/errors.ts';
import { isDiskFull } from '../../sqlite/open.ts';

/** What the bus says when the file cannot be written. */
export function storeError(error: unknown): AuroraError {
  if (error instanceof AuroraError) return error;
  if (isDiskFull(error))
    return new TransientError('disk_full', 'the bus file cannot grow; nothing acknowledged is lost', { cause: error });
  const reason = error instanceof Error ? error.message : String(error);
  return new TransientError('bus_unavailable', `the bus file cannot be used: ${reason}`, { cause: error });
}
