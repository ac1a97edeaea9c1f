import { type AuroraError, errorBody, RejectedError, TransientError } from '#shared/errors.ts';
import type { WholeResponse } from './types.ts';

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' } as const;
/** Long enough to let a queue move, short enough for a caller that waits. */
const RETRY_AFTER_S = '1';

export function json(status: number, value: unknown): WholeResponse {
  return { status, headers: JSON_HEADERS, body: JSON.stringify(value) };
}

/**
 * The answer of a coded failure: its status, its body, Retry-After when trying again can help.
 * @param more fields beside `error`
 */
export function errorAnswer(
  error: AuroraError,
  headers?: Readonly<Record<string, string>>,
  more?: Readonly<Record<string, unknown>>,
): WholeResponse {
  return {
    status: error.status,
    headers: {
      ...JSON_HEADERS,
      ...(error.status === 503 && error.retryable ? { 'retry-after': RETRY_AFTER_S } : undefined),
      ...headers,
    },
    body: JSON.stringify({ ...errorBody(error), ...more }),
  };
}

/** The coded error behind whatever was thrown. An unknown one becomes `internal`, its words kept inside. */
export function codedError(thrown: unknown): AuroraError {
  if (thrown instanceof RejectedError || thrown instanceof TransientError) return thrown;
  return new TransientError('internal', 'the function failed unexpectedly', { cause: thrown });
}
