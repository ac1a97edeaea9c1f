/** Operations of one transaction at most: bounds how long a flush holds the event loop (about 10 ms). */
const MAX_BATCH = 1_000;

interface Operation {
  readonly writes: boolean;
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommit {
  /** Runs `run` in the next flush, in order of issue; resolves when its transaction is durable. */
  add<T>(writes: boolean, run: () => T): Promise<T>;
  /** Resolves when everything added so far has been answered. */
  drained(): Promise<void>;
}

/**
 * Collects what is asked for within one turn of the event loop and runs it in one transaction, so that many callers share
 * one sync of the disk. States: idle -> (add) scheduled -> (setImmediate) flushing -> idle, or scheduled again.
 * `run` must not throw for a mere conflict: an exception means that the engine failed, and fails every write of the batch.
 */
export function groupCommit(transaction: (work: () => void) => void): GroupCommit {
  const waiting: Operation[] = [];
  let flushed: Promise<void> | null = null;

  function flush(batch: readonly Operation[]): void {
    if (!batch.some((operation) => operation.writes)) {
      readEach(batch);
      return;
    }
    const results: unknown[] = [];
    try {
      transaction(() => {
        for (const operation of batch) results.push(operation.run());
      });
    } catch (error) {
      for (const operation of batch) if (operation.writes) operation.reject(error);
      // What was undone cannot have been seen; the reads are asked again, for a full disk still answers them.
      readEach(batch.filter((operation) => !operation.writes));
      return;
    }
    for (const [i, operation] of batch.entries()) operation.resolve(results[i]);
  }

  return {
    add<T>(writes: boolean, run: () => T): Promise<T> {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      waiting.push({ writes, run, resolve: resolve as (value: unknown) => void, reject });
      flushed ??= new Promise((done) => {
        setImmediate(function next() {
          flush(waiting.splice(0, MAX_BATCH));
          if (waiting.length > 0) {
            setImmediate(next);
            return;
          }
          flushed = null;
          done();
        });
      });
      return promise;
    },
    drained: async () => {
      await flushed;
    },
  };
}

function readEach(reads: readonly Operation[]): void {
  for (const { run, resolve, reject } of reads) {
    try {
      resolve(run());
    } catch (error) {
      reject(error);
    }
  }
}
