import { getSystemErrorMessage } from 'node:util';
import { RejectedError } from '#shared/errors.ts';

/** What the system says of a file that cannot be opened or read, the path named once; anything else as it came. */
export function unreadable(path: string, cause: unknown): unknown {
  const { code, errno, message } = cause as NodeJS.ErrnoException;
  if (code === undefined) return cause;
  const why = errno === undefined ? message : `${code}, ${getSystemErrorMessage(errno)}`;
  return new RejectedError('file_unreadable', `${path} cannot be read: ${why}`, { cause });
}
