import {
  BUS_CLOSE_WAIT_MS,
  BUS_MAX_BACKLOG,
  BUS_RETENTION_MS,
  BUS_SWEEP_INTERVAL_MS,
  MAX_EVENT_BYTES,
} from '#shared/defaults.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { Bus, BusAdmin, SubscriptionConfig } from '#shared/ports/bus.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import { deadLetterAttributes } from '../dead-letter-attributes.ts';
import { checkSizes } from '../message-size.ts';
import { type ChaosConfig, createChaos } from './chaos.ts';
import { createCommitter } from './committer.ts';
import { deadLetters } from './dead-letters.ts';
import { createDispatcher, type Line } from './dispatcher.ts';
import { timeText } from './envelope.ts';
import type { Push } from './push.ts';
import type { Store, StoredSubscription } from './store.ts';
import { storeError } from './store-error.ts';
import { topology } from './topology.ts';
import { type Expired, upkeep } from './upkeep.ts';

export interface EngineConfig {
  readonly topics: readonly string[];
  /** Largest data of a message, by topic. Default: MAX_EVENT_BYTES. */
  readonly topicLimits?: Readonly<Record<string, number>>;
  readonly subscriptions: readonly SubscriptionConfig[];
  /** Names the subscriptions: projects/<project>/subscriptions/<name>. */
  readonly project?: string;
  /** Undelivered longer than this becomes a dead letter; dead letters are kept four times as long. */
  readonly retentionMs?: number;
  /** Undelivered messages of one subscription past which publishing to its topic is refused. */
  readonly maxBacklog?: number;
  /** How long close() waits for pushes in flight. */
  readonly closeWaitMs?: number;
  readonly chaos?: ChaosConfig;
}

/** Where a subscription pushes to; a whole SubscriptionConfig is one too. */
export type PushTarget = Pick<SubscriptionConfig, 'name' | 'pushUrl'>;

/** What the embedded bus can do beyond the ports. */
export interface Delivery {
  /**
   * Begins to deliver, or resumes. Leases of a process that is gone come again at once. `targets` replaces the push
   * URLs of the subscriptions it names, which are often known only now. Once it resolves, delivery goes on by itself.
   * @throws RejectedError config_invalid for a name that is no subscription, or no URL
   */
  start(targets?: readonly PushTarget[]): Promise<void>;
  /** Takes no more leases; pushes in flight run to their end, publishing goes on. */
  pause(): Promise<void>;
}

export type EmbeddedBus = Bus & BusAdmin & Delivery;

/** Deliveries that one sweep may move: bounds the time a commit waits for it. */
const SWEEP_LIMIT = 200;
/** A step back of the clock that is worth a correction; below it is the usual slewing. */
const CLOCK_STEP_MS = 50;

/**
 * The bus without its host: rows in a store, time from a clock, pushes through a function. Runs in a worker, or in
 * process under a fake clock. States: open (publishes, administers) <-> delivering -> closed.
 */
export function createEngine(
  config: EngineConfig,
  deps: {
    readonly store: Store;
    readonly clock: HostClock;
    readonly random: () => number;
    readonly push: Push;
    readonly log: Log;
  },
): EmbeddedBus {
  const { store, clock, log } = deps;
  const { project = 'aurora', retentionMs = BUS_RETENTION_MS, maxBacklog = BUS_MAX_BACKLOG } = config;
  const plan = topology(config.topics, config.subscriptions);
  const letters = deadLetters(store);
  const chores = upkeep(store);
  const lines: Line[] = store.transaction(() =>
    plan.subscriptions.map((subscription) => ({
      id: store.subscriptionId(subscription.name),
      config: subscription,
      url: subscription.pushUrl,
      inFlight: 0,
    })),
  );
  const lineOf = new Map(lines.map((line) => [line.config.name, line]));
  const stored = (line: Line): StoredSubscription => ({ id: line.id, ordered: line.config.ordered });
  const linesOf = (topic: string): Line[] => plan.of(topic).flatMap(({ name }) => lineOf.get(name) ?? []);

  let delivering = false;
  let closing: Promise<void> | null = null;
  let cancelTimer = (): void => undefined;
  let lastNowMs = clock.now();
  let nextSweepMs = lastNowMs;
  let idle: (() => void) | null = null;

  const dispatcher = createDispatcher({
    ...deps,
    project,
    lines,
    chaos: createChaos(config.chaos),
    giveUp: (line, lease, attempts, error) =>
      moveToDeadLetters({ ...lease, subscriptionId: line.id, subscription: line.config.name, attempts }, error),
    insist: (apply) => committer.insist(apply),
    wake: () => committer.wake(),
  });
  const committer = createCommitter({ store, clock, log, last: endOfTransaction });

  /** Runs at the end of every transaction: corrects time, sweeps, leases. */
  function endOfTransaction(): () => void {
    const nowMs = clock.now();
    if (nowMs < lastNowMs - CLOCK_STEP_MS) {
      chores.shift(lastNowMs - nowMs, nowMs);
      nextSweepMs = Math.min(nextSweepMs, nowMs + BUS_SWEEP_INTERVAL_MS);
    }
    lastNowMs = nowMs;
    if (!delivering) return () => checkIdle();
    if (nowMs >= nextSweepMs) sweep(nowMs);
    const send = dispatcher.lease(nowMs);
    let wakeMs = nextSweepMs;
    for (const line of lines) {
      if (line.url !== null) wakeMs = Math.min(wakeMs, store.nextDue(line.id, nowMs) ?? wakeMs);
    }
    return () => {
      send();
      checkIdle();
      // One timer for all that is due later; what is due but found no place is woken by the answer that frees one.
      cancelTimer();
      cancelTimer = clock.after(Math.max(0, wakeMs - nowMs), committer.wake);
    };
  }

  function sweep(nowMs: number): void {
    const late = chores.expired(nowMs, SWEEP_LIMIT);
    const perishes = ({ subscription }: Expired): boolean => lineOf.get(subscription)?.config.perishable === true;
    const perished = late.filter(perishes);
    for (const { subscriptionId, messageId } of perished) store.remove(subscriptionId, messageId, nowMs);
    if (perished.length > 0) log.info({ messages: perished.length }, 'messages past their retention were dropped');
    for (const delivery of late) {
      if (perishes(delivery)) continue;
      const error = delivery.lastError === null ? 'past retention' : `past retention; before: ${delivery.lastError}`;
      moveToDeadLetters(delivery, error);
    }
    const gone = chores.expiredDeadLetters(nowMs, SWEEP_LIMIT);
    for (const messageId of gone) letters.discard(messageId, nowMs);
    if (gone.length > 0) log.warn({ dead_letters: gone.length }, 'dead letters past their retention were deleted');
    chores.vacuum();
    const more = late.length === SWEEP_LIMIT || gone.length === SWEEP_LIMIT;
    nextSweepMs = more ? nowMs : nowMs + BUS_SWEEP_INTERVAL_MS;
  }

  function moveToDeadLetters(
    from: {
      readonly subscriptionId: number;
      readonly subscription: string;
      readonly messageId: number;
      readonly attempts: number;
      readonly attributes: Readonly<Record<string, string>>;
      readonly publishedMs: number;
    },
    error: string,
  ): void {
    const deadLetterTopic = plan.deadLetterTopic(from.subscription);
    const id = store.giveUp({
      ...from,
      error,
      deadLetterTopic,
      attributes: {
        ...from.attributes,
        ...deadLetterAttributes({ ...from, project, publishTime: timeText(from.publishedMs) }),
      },
      subscriptions: linesOf(deadLetterTopic).map(stored),
      nowMs: clock.now(),
      retentionMs,
    });
    if (id === null) return;
    const { subscription, attempts: delivery_attempts } = from;
    log.warn(
      { subscription, message_id: String(from.messageId), dead_letter: String(id), delivery_attempts, error },
      'delivery given up',
    );
  }

  function checkIdle(): void {
    if (dispatcher.active() === 0) idle?.();
  }

  async function shutDown(): Promise<void> {
    delivering = false;
    cancelTimer();
    if (dispatcher.active() > 0) {
      await new Promise<void>((resolve) => {
        const cancelWait = clock.after(config.closeWaitMs ?? BUS_CLOSE_WAIT_MS, resolve);
        idle = () => {
          cancelWait();
          resolve();
        };
      });
      dispatcher.abort();
    }
    committer.close();
    store.close();
  }

  return {
    async publish(topic, messages) {
      const targets = linesOf(topic);
      checkSizes(messages, config.topicLimits?.[topic] ?? MAX_EVENT_BYTES);
      if (messages.length === 0) return [];
      return committer.submit(() => {
        for (const {
          id,
          config: { name },
        } of targets) {
          if (store.backlog(id) + messages.length > maxBacklog && store.recount(id) + messages.length > maxBacklog)
            throw new TransientError(
              'bus_full',
              `subscription ${name} holds ${store.backlog(id)} undelivered messages of at most ${maxBacklog}`,
            );
        }
        const nowMs = clock.now();
        const publication = { topic, subscriptions: targets.map(stored), nowMs, expiresMs: nowMs + retentionMs };
        return store.publish(publication, messages).map(String);
      });
    },

    stats: () =>
      read(() => {
        const nowMs = clock.now();
        return store.subscriptions().flatMap(({ id, name }) => {
          const backlog = store.recount(id);
          const line = lineOf.get(name);
          if (line === undefined && backlog === 0) return [];
          const oldestMs = Math.max(0, nowMs - (store.oldestMs(id) ?? nowMs));
          return [{ subscription: name, backlog, inFlight: line?.inFlight ?? 0, oldestMs }];
        });
      }),
    deadLetters: (limit, before) => read(() => letters.list(limit, before)),
    deadLetter: (messageId) => read(() => letters.get(messageId)),
    countDeadLetters: () => read(() => letters.count()),
    replayDeadLetter: (messageId) =>
      committer.submit(() => {
        const letter = letters.get(messageId);
        if (letter === null) return false;
        const line = lineOf.get(letter.sourceSubscription);
        if (line === undefined)
          throw new RejectedError(
            'not_found',
            `subscription ${letter.sourceSubscription} of dead letter ${messageId} is gone`,
          );
        letters.replay(letter, stored(line), clock.now(), retentionMs);
        return true;
      }),

    async start(targets = []) {
      for (const { name, pushUrl } of targets) {
        const line = lineOf.get(name);
        if (line === undefined || (pushUrl !== null && !URL.canParse(pushUrl)))
          throw new RejectedError(
            'config_invalid',
            `push to ${pushUrl} for ${name}: expected a URL and a subscription`,
          );
        line.url = pushUrl;
      }
      if (delivering || closing !== null) return;
      await committer.submit(() => {
        const nowMs = clock.now();
        const released = dispatcher.active() === 0 ? chores.release(nowMs) : 0;
        for (const { id, config: limits } of lines) chores.clamp(id, nowMs + limits.maxBackoffMs);
        if (released > 0) log.info({ released }, 'leases of an earlier process released');
      });
      delivering = true;
      committer.wake();
    },
    async pause() {
      delivering = false;
      cancelTimer();
    },
    close() {
      closing ??= shutDown();
      return closing;
    },
  };
}

async function read<T>(query: () => T): Promise<T> {
  try {
    return query();
  } catch (error) {
    throw storeError(error);
  }
}
