export interface InUse {
  /** Counts the operation in for `end`. @throws what `closed` makes, once it has ended */
  during<T>(doing: string, operation: () => Promise<T>): Promise<T>;
  /** No further operation; resolves when those under way are over. False: it had ended before. */
  end(): Promise<boolean>;
}

/** The life of a client of some service: open -> (operations) -> closed. @param closed why nothing is done any more */
export function inUse(closed: (doing: string) => Error): InUse {
  const running = new Set<Promise<unknown>>();
  let ended = false;
  return {
    async during(doing, operation) {
      if (ended) throw closed(doing);
      const promise = operation();
      running.add(promise);
      try {
        return await promise;
      } finally {
        running.delete(promise);
      }
    },
    async end() {
      if (ended) return false;
      ended = true;
      await Promise.allSettled(running);
      return true;
    },
  };
}
