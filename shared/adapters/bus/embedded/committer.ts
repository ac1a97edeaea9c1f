import { BUS_STORE_RETRY_MS } from '#shared/defaults.ts';
import { AuroraError, TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Store } from './store.ts';
import { storeError } from './store-error.ts';

/** What happens once the transaction is durable. */
export type AfterCommit = () => void;

interface Work {
  readonly apply: () => AfterCommit;
  /** null = it must happen: it goes into the next transaction again. */
  readonly fail: ((error: AuroraError) => void) | null;
}

export interface Committer {
  /** Runs `apply` in the next transaction; resolves when that is durable. A coded error of `apply` must come before its first write. */
  submit<T>(apply: () => T): Promise<T>;
  /** Runs `apply` in the next transaction, and again until one commits. Everything `apply` does must be in the store. */
  insist(apply: () => void): void;
  /** Asks for a transaction even if nothing is queued. */
  wake(): void;
  /** Writes what is queued now; afterwards nothing is accepted. */
  close(): void;
}

/**
 * Group commit: all that is asked for within one turn of the event loop is one transaction and one fsync, with the
 * leases that `last` takes at its end. States: idle -> scheduled (one immediate) -> committing -> idle | retrying.
 */
export function createCommitter(options: {
  readonly store: Store;
  readonly clock: HostClock;
  readonly log: Log;
  readonly last: () => AfterCommit;
}): Committer {
  const { store, clock, log, last } = options;
  let queue: Work[] = [];
  let scheduled: NodeJS.Immediate | null = null;
  let cancelRetry: (() => void) | null = null;
  let closed = false;

  function flush(): void {
    scheduled = null;
    cancelRetry?.();
    cancelRetry = null;
    const batch = queue;
    queue = [];
    let effects: AfterCommit[];
    try {
      effects = store.transaction(() => [...batch.map((work) => work.apply()), last()]);
    } catch (error) {
      failed(batch, storeError(error));
      return;
    }
    for (const effect of effects) effect();
  }

  function failed(batch: readonly Work[], error: AuroraError): void {
    log.error({ code: error.code, error: error.message, waiting: batch.length }, 'bus transaction failed');
    queue = [...batch.filter((work) => work.fail === null), ...queue];
    if (!closed) cancelRetry = clock.after(BUS_STORE_RETRY_MS, wake);
    for (const work of batch) work.fail?.(error);
  }

  function wake(): void {
    if (!closed) scheduled ??= setImmediate(flush);
  }

  return {
    wake,
    submit: <T>(apply: () => T) =>
      new Promise<T>((resolve, reject) => {
        if (closed) {
          reject(new TransientError('bus_unavailable', 'the bus is closed'));
          return;
        }
        queue.push({
          fail: reject,
          apply() {
            try {
              const result = apply();
              return () => resolve(result);
            } catch (error) {
              if (error instanceof AuroraError) return () => reject(error);
              throw error;
            }
          },
        });
        wake();
      }),
    insist(apply) {
      queue.push({
        fail: null,
        apply() {
          apply();
          return () => undefined;
        },
      });
      wake();
    },
    close() {
      if (closed) return;
      closed = true;
      if (scheduled !== null) clearImmediate(scheduled);
      if (queue.length > 0) flush();
      cancelRetry?.();
    },
  };
}
