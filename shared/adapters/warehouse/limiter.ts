/** Runs at most `limit` works at a time, the others in the order they came. */
export type Limiter = <T>(work: () => Promise<T>) => Promise<T>;

export function createLimiter(limit: number): Limiter {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running < limit) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The place passes to the next in line; only without one does it become free.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
