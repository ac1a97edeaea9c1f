import { TransientError } from '#shared/errors.ts';
import { asObjectsError } from './failure.ts';

export interface InUse {
  /** Counts the operation in for `end`, and gives its failures their code. @throws TransientError objects_unavailable once it has ended */
  during<T>(doing: string, operation: () => Promise<T>): Promise<T>;
  /** No further operation; resolves when those under way are over. False: it had ended before. */
  end(): Promise<boolean>;
}

/** The life of an object store's client: open -> (operations) -> closed. */
export function inUse(): InUse {
  const running = new Set<Promise<unknown>>();
  let closed = false;
  return {
    async during(doing, operation) {
      if (closed) throw new TransientError('objects_unavailable', `${doing}: the object store is closed`);
      const promise = operation();
      running.add(promise);
      try {
        return await promise;
      } catch (error) {
        throw asObjectsError(error, doing);
      } finally {
        running.delete(promise);
      }
    },
    async end() {
      if (closed) return false;
      closed = true;
      await Promise.allSettled(running);
      return true;
    },
  };
}
