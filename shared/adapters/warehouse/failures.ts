/**
 * DuckDB's failures in our words. Its errors carry no code, only a text that begins with a class ("IO Error: ..."); the
 * texts here were seen with 1.5 by making each thing happen.
 */
import { AuroraError, RejectedError, TransientError } from '#shared/errors.ts';

/** Also the limit of one file's size, and a quota: no room, whoever set it. */
const NO_SPACE = /No space left on device|File too large|not enough space on the disk|disk quota exceeded/i;
const LOCKED = /Could not set lock on file|Conflicting lock|being used by another process/i;
const NEWER_STORAGE = /Trying to read a database file with version number|newer (DuckDB )?version/i;
const CORRUPT =
  /not a valid DuckDB database file|Could not read enough bytes|Corrupt|checksum|Serialization Error|Failure while replaying WAL|INTERNAL Error/i;
/** After such an error the engine refuses everything until its file is opened anew. */
const FATAL = /^FATAL Error|has been invalidated because of a previous fatal error/;

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The engine is unusable and must be opened again; nothing that was committed is lost by that. */
export const isFatal = (error: unknown): boolean => FATAL.test(textOf(error));

/** The rows are in the log and stay; what failed is folding the log into the file, which the next opening does. */
export const isCommitted = (error: unknown): boolean => /COMMIT succeeded and is durable/.test(textOf(error));

/** A failure while the file is opened or brought up to date. */
export function openFailure(file: string, error: unknown): AuroraError {
  if (error instanceof AuroraError) return error;
  const text = textOf(error);
  if (LOCKED.test(text)) return lockedBy(file, error);
  if (NO_SPACE.test(text)) return diskFull(error);
  if (NEWER_STORAGE.test(text))
    return new RejectedError('warehouse_incompatible', `${file} was written by a newer DuckDB than this build has`, {
      cause: error,
    });
  if (CORRUPT.test(text)) return corrupt(file, firstLine(text), error);
  return new TransientError('warehouse_unavailable', `cannot open ${file}: ${firstLine(text)}`, { cause: error });
}

export const corrupt = (file: string, why: string, cause?: unknown): RejectedError =>
  new RejectedError('warehouse_corrupt', `${file} is not a whole DuckDB database: ${why}`, { cause });

export const lockedBy = (file: string, cause?: unknown): RejectedError =>
  new RejectedError('warehouse_locked', `${file} is open in another process, or twice in this one`, { cause });

/** A failure while rows are written. */
export function writeFailure(error: unknown): AuroraError {
  if (error instanceof AuroraError) return error;
  if (NO_SPACE.test(textOf(error))) return diskFull(error);
  return new TransientError('warehouse_unavailable', `append failed: ${firstLine(textOf(error))}`, { cause: error });
}

/** A failure while query `name` runs: what the engine says of the text or a value is the query's fault, all else its own. */
export function queryFailure(name: string, error: unknown): AuroraError {
  if (error instanceof AuroraError) return error;
  const text = textOf(error);
  if (NO_SPACE.test(text)) return diskFull(error);
  const message = `query ${name}: ${firstLine(text)}`;
  return /^(Parser|Binder|Catalog|Conversion|Invalid Input|Out of Range|Not implemented) Error/.test(text)
    ? new RejectedError('query_invalid', message, { cause: error })
    : new TransientError('warehouse_unavailable', message, { cause: error });
}

const diskFull = (cause: unknown): TransientError =>
  new TransientError('disk_full', 'no space left for the warehouse', { cause });

const firstLine = (text: string): string => text.split('\n', 1)[0]?.slice(0, 300) ?? '';
