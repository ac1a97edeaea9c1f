import { AuroraError, TransientError } from '#shared/errors.ts';

/**
 * Gathers what concurrent callers want written and writes it in one call; each caller learns when its own item is durable.
 * While one write runs the next batch gathers, so the batch grows with the load and nobody waits for a timer.
 */
export interface Coalescer<T> {
  /** Resolves when the item is durable; rejects as its write does. @throws TransientError overloaded at the limit */
  add(item: T): Promise<void>;
}

interface Waiting<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function createCoalescer<T>(options: {
  /** All of the items or none. */
  readonly write: (items: readonly T[]) => Promise<void>;
  readonly maxBatch: number;
  /** Items that may wait behind the write under way. */
  readonly maxPending: number;
}): Coalescer<T> {
  const { write, maxBatch, maxPending } = options;
  let queue: Waiting<T>[] = [];
  let running = false;

  /** A batch that can never be written is halved until the item at fault stands alone: its neighbours are not to blame. */
  const writeOut = async (batch: readonly Waiting<T>[]): Promise<void> => {
    try {
      await write(batch.map((waiting) => waiting.item));
      for (const waiting of batch) waiting.resolve();
    } catch (error) {
      if (batch.length > 1 && error instanceof AuroraError && !error.retryable) {
        const half = batch.length >>> 1;
        await writeOut(batch.slice(0, half));
        await writeOut(batch.slice(half));
      } else for (const waiting of batch) waiting.reject(error);
    }
  };

  const pump = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = queue.slice(0, maxBatch);
      queue = queue.slice(maxBatch);
      await writeOut(batch);
    }
    // In the same turn as the last look at the queue: an item that comes later starts the next run.
    running = false;
  };

  return {
    add(item) {
      if (queue.length >= maxPending) {
        return Promise.reject(
          new TransientError('overloaded', `${queue.length} rows wait to be written, the limit is ${maxPending}`),
        );
      }
      return new Promise((resolve, reject) => {
        queue.push({ item, resolve, reject });
        if (running) return;
        running = true;
        // In the next turn: pushes that arrive together share the first write too.
        setImmediate(() => void pump());
      });
    },
  };
}
