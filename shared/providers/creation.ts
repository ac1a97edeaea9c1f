/**
 * What may be said once a creation has gone out. Whoever hears a refusal goes on to the next offer, elsewhere: so none may be told while
 * an instance lives under the request, or may live there. It comes as a failure that passes, and the next call looks first.
 */
import { AuroraError, RejectedError, TransientError } from '#shared/errors.ts';

/** Whether a creation may have done its work, though it failed: its answer was lost, or nobody can read it. */
export const mayHaveHappened = (error: unknown): boolean =>
  error instanceof TransientError && error.code !== 'provider_rate_limited';

/** What a look finds after such a failure, of which the caller hears, not of the look's own. Null: nothing, or nobody says. */
export async function foundAfter<T>(look: Promise<T>): Promise<T | null> {
  try {
    return await look;
  } catch (error) {
    if (!(error instanceof AuroraError)) throw error;
    return null;
  }
}

/** Work on an instance that is there. @throws TransientError provider_unavailable for what its provider refuses */
export async function whileThere<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    throw new TransientError('provider_unavailable', error.message, { cause: error });
  }
}
