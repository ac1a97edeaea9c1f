import { AuroraError, TransientError } from '#shared/errors.ts';

/** SQLITE_FULL; an extended code keeps the primary one in its low byte. */
const SQLITE_FULL = 13;

/** An error of the engine as the port's promise names it. Coded errors pass through. */
export function asStateError(error: unknown, doing: string): AuroraError {
  if (error instanceof AuroraError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return isDiskFull(error)
    ? new TransientError('disk_full', `${doing}: no space left on the device`, { cause: error })
    : new TransientError('state_unavailable', `${doing}: ${message}`, { cause: error });
}

function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_FULL) return true;
  return 'code' in error && error.code === 'ENOSPC';
}
