import { type AuroraError, ERROR_CATALOGUE, type ErrorCode, RejectedError, TransientError } from '#shared/errors.ts';

/** The error in the body of a failed answer, as it was thrown there. @param who answered, for one that says nothing of ours */
export function remoteError(body: unknown, status: number, who: string): AuroraError {
  const { code, message = '' } = (body as { error?: { code?: string; message?: string } } | null)?.error ?? {};
  if (code === undefined || !Object.hasOwn(ERROR_CATALOGUE, code))
    return new TransientError('stack_unreachable', `${who} answered HTTP ${status}`);
  return ERROR_CATALOGUE[code as ErrorCode].kind === 'rejected'
    ? new RejectedError(code as never, message)
    : new TransientError(code as never, message);
}
