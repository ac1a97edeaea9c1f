import { AuroraError, TransientError } from '#shared/errors.ts';

/** SQLITE_FULL; an extended code keeps the primary one in its low byte. */
const SQLITE_FULL = 13;

/** An error of the file system or of the index, as the port's promise names it. Coded errors pass through. */
export function asObjectsError(error: unknown, doing: string): AuroraError {
  if (error instanceof AuroraError) return error;
  if (isDiskFull(error))
    return new TransientError('disk_full', `${doing}: no space left on the device`, { cause: error });
  return new TransientError('objects_unavailable', `${doing}: ${messageOf(error)}`, { cause: error });
}

export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));

function isDiskFull(error: unknown): boolean {
  if (hasCode(error, 'ENOSPC', 'EDQUOT')) return true;
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_FULL;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
