import { hostClock } from '#shared/adapters/clock/host.ts';
import { AuroraError, TransientError } from '#shared/errors.ts';
import { createHttpClient } from '#shared/runtime/http-client.ts';
import { remoteError } from '../remote-error.ts';
import type { Operation } from './operation.ts';

const CALL_DEADLINE_MS = 60_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * Runs the operation in the stack that listens on this port; its coded errors come back as they were thrown.
 * @throws TransientError stack_unreachable: also when the caller gave up
 */
export async function callOperation<P, R>(
  at: { readonly port: number; readonly token: string },
  operation: Operation<P, R>,
  params: P,
  signal?: AbortSignal,
): Promise<R> {
  const client = createHttpClient({ hostClock, maxBytes: MAX_ANSWER_BYTES });
  try {
    const response = await client.postJson(`http://127.0.0.1:${at.port}/ops/${operation.name}`, params, {
      deadlineMs: CALL_DEADLINE_MS,
      headers: { authorization: `Bearer ${at.token}` },
      ...(signal === undefined ? {} : { signal }),
    });
    const answer: unknown = JSON.parse(new TextDecoder().decode(response.bytes));
    if (response.status === 200) return answer as R;
    throw remoteError(answer, response.status, 'the stack');
  } catch (error) {
    if (error instanceof AuroraError && error.code !== 'upstream_unavailable' && error.code !== 'deadline_exceeded')
      throw error;
    throw new TransientError(
      'stack_unreachable',
      `the stack on port ${at.port} does not answer: ${(error as Error).message}`,
      { cause: error },
    );
  } finally {
    await client.close();
  }
}
