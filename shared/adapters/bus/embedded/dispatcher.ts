import type { SubscriptionConfig } from '#shared/ports/bus.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Chaos } from './chaos.ts';
import type { AfterCommit } from './committer.ts';
import { decideSettlement, isLastAttempt, type PushResult } from './decide.ts';
import { pushBody } from './envelope.ts';
import type { Push } from './push.ts';
import type { Lease, Store } from './store.ts';

/** A subscription at work. */
export interface Line {
  readonly id: number;
  readonly config: SubscriptionConfig;
  url: string | null;
  /** Pushes that hold a place: leased and not answered. */
  inFlight: number;
}

export interface DispatcherOptions {
  readonly store: Store;
  readonly clock: HostClock;
  readonly random: () => number;
  readonly push: Push;
  readonly chaos: Chaos;
  readonly project: string;
  readonly lines: readonly Line[];
  /** Moves a delivery to its dead-letter topic, inside the transaction. */
  readonly giveUp: (line: Line, lease: Lease, attempts: number, error: string) => void;
  /** Writes in the next transaction, until it commits. */
  readonly insist: (apply: () => void) => void;
  readonly wake: () => void;
}

export interface Dispatcher {
  /** Inside a transaction: leases what is due and has a place. The effect sends the pushes and waits for what is next. */
  lease(nowMs: number): AfterCommit;
  active(): number;
  /** Drops every push in flight. */
  abort(): void;
}

/**
 * delivery: ready -> leased (attempt counted, durable) -> pushed -> acknowledged (row gone)
 *                                                             \-> ready again after the backoff | dead letter
 * An answer after the ack deadline counts as none; the receiver may still be at work on it, so runs can overlap.
 */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { store, clock, random, push, chaos, lines } = options;
  const cancels = new Set<() => void>();

  function lease(nowMs: number): AfterCommit {
    const pushes: AfterCommit[] = [];
    let crowded = false;
    for (const line of lines) {
      const free = line.config.maxInFlight - line.inFlight;
      if (line.url === null || free <= 0) continue;
      const due = store.due(line.id, nowMs, free);
      for (const found of due) {
        const effect = take(line, found, nowMs);
        if (effect !== null) pushes.push(effect);
        else crowded ||= due.length === free;
      }
    }
    return () => {
      for (const effect of pushes) effect();
      // Places that were filled by messages given up or put off: others may be waiting behind them.
      if (crowded) options.wake();
    };
  }

  function take(line: Line, found: Lease, nowMs: number): AfterCommit | null {
    const spent = found.attempts - 1;
    if (isLastAttempt(line.config, spent)) {
      // Only a process that died during its last delivery leaves this behind.
      options.giveUp(line, found, spent, found.lastError ?? 'the process ended during delivery');
      return null;
    }
    const detourMs = found.attempts === 1 ? chaos.detourMs() : 0;
    if (detourMs > 0) {
      store.postpone(line.id, found.messageId, nowMs + detourMs);
      return null;
    }
    store.lease(line.id, found.messageId);
    return () => deliver(line, found);
  }

  function deliver(line: Line, found: Lease): void {
    const { config, url } = line;
    const body = pushBody({
      project: options.project,
      subscription: config.name,
      deliveryAttempt: config.deadLetterTopic === null ? null : found.attempts,
      messageId: String(found.messageId),
      publishedMs: found.publishedMs,
      data: found.data,
      attributes: found.attributes,
      orderingKey: found.orderingKey,
    });
    const twice = found.attempts === 1 && chaos.duplicates();
    const keyed = config.ordered && found.orderingKey !== null;
    line.inFlight += 1;
    send(url ?? '', body, config.ackDeadlineMs, (result) => {
      line.inFlight -= 1;
      // A lost acknowledgement: the only duplicate that keeps the order of a key.
      settle(line, found, twice && keyed && 'status' in result ? { error: 'chaos: answer lost' } : result);
    });
    if (twice && !keyed) send(url ?? '', body, config.ackDeadlineMs, () => undefined);
  }

  /** One push under its deadline; `done` runs once. */
  function send(url: string, body: string, deadlineMs: number, done: (result: PushResult) => void): void {
    let cancelPush = (): void => undefined;
    const cancelDeadline = clock.after(deadlineMs, () => {
      cancelPush();
      finish({ error: 'timeout' });
    });
    cancels.add(cancel);
    cancelPush = push(url, body, finish);

    function finish(result: PushResult): void {
      cancelDeadline();
      cancels.delete(cancel);
      done(result);
      options.wake();
    }
    function cancel(): void {
      cancelDeadline();
      cancelPush();
      cancels.delete(cancel);
    }
  }

  function settle(line: Line, found: Lease, result: PushResult): void {
    const decision = decideSettlement(line.config, found.attempts, result, random());
    options.insist(() => {
      const nowMs = clock.now();
      if (decision.kind === 'ack') store.remove(line.id, found.messageId, nowMs);
      else if (decision.kind === 'retry') store.retry(line.id, found, nowMs + decision.delayMs, decision.error);
      else if (decision.kind === 'give_up') options.giveUp(line, found, found.attempts, decision.error);
      else decision satisfies never;
    });
  }

  return {
    lease,
    active: () => cancels.size,
    abort() {
      for (const cancel of [...cancels]) cancel();
    },
  };
}
