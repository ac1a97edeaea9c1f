/**
 * Closing what was opened. Promise: each closer is called whatever the others threw, and no error is lost: the one there was
 * is thrown as it is, several as an AggregateError.
 */
export type Closer = () => unknown;

/** One after the other, in this order. */
export async function closeInTurn(closers: readonly Closer[]): Promise<void> {
  const errors: unknown[] = [];
  for (const close of closers) {
    try {
      await close();
    } catch (error) {
      errors.push(error);
    }
  }
  raise(errors);
}

/** All at once; resolves when the last has ended. */
export async function closeTogether(closers: readonly Closer[]): Promise<void> {
  const results = await Promise.allSettled(closers.map(async (close) => close()));
  raise(results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])));
}

/** Runs `work`, then what it has deferred, last first, whether it ended well or not. */
export async function withClosers<T>(work: (defer: (close: Closer) => void) => Promise<T>): Promise<T> {
  const closers: Closer[] = [];
  let result: T;
  try {
    result = await work((close) => void closers.push(close));
  } catch (error) {
    return failAfter(error, closers.reverse());
  }
  await closeInTurn(closers.reverse());
  return result;
}

/** Closes, then throws `error`: first among the errors, when closing had some too. */
export async function failAfter(error: unknown, closers: readonly Closer[]): Promise<never> {
  await closeInTurn([() => Promise.reject(error), ...closers]);
  throw error;
}

function raise(errors: readonly unknown[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, errors.map(textOf).join('; '));
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
