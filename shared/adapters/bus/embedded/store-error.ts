import { AuroraError, TransientError } from '#shared/errors.ts';

const SQLITE_FULL = 13;

/** What the bus says when the file cannot be written. The primary result code is the low byte. */
export function storeError(error: unknown): AuroraError {
  if (error instanceof AuroraError) return error;
  const errcode = (error as { errcode?: unknown } | null)?.errcode;
  if (typeof errcode === 'number' && (errcode & 0xff) === SQLITE_FULL)
    return new TransientError('disk_full', 'the bus file cannot grow; nothing acknowledged is lost', { cause: error });
  const reason = error instanceof Error ? error.message : String(error);
  return new TransientError('bus_unavailable', `the bus file cannot be used: ${reason}`, { cause: error });
}
