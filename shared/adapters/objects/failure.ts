import { AuroraError, TransientError } from '#shared/errors.ts';
import { isDiskFull } from '../sqlite/open.ts';

/** An error of the file system or of the index, as the port's promise names it. Coded errors pass through. */
export function asObjectsError(error: unknown, doing: string): AuroraError {
  if (error instanceof AuroraError) return error;
  if (isDiskFull(error))
    return new TransientError('disk_full', `${doing}: no space left on the device`, { cause: error });
  const message = error instanceof Error ? error.message : String(error);
  return new TransientError('objects_unavailable', `${doing}: ${message}`, { cause: error });
}

export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));
