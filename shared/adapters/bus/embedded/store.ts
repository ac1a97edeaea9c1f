import { BUS_DEAD_LETTER_RETENTION_FACTOR } from '#shared/defaults.ts';
import { TransientError } from '#shared/errors.ts';
import type { BusMessage } from '#shared/ports/bus.ts';
import { exclusively } from '../../sqlite/open.ts';
import { BLOCKED, LEASED, openBusDatabase, READY } from './schema.ts';

/** A subscription as the store knows it. */
export interface StoredSubscription {
  readonly id: number;
  readonly ordered: boolean;
}

/** One delivery with all that a push needs. `attempts` counts this lease too. */
export interface Lease {
  readonly messageId: number;
  readonly attempts: number;
  readonly topic: string;
  readonly data: Uint8Array;
  readonly attributes: Readonly<Record<string, string>>;
  readonly orderingKey: string | null;
  readonly publishedMs: number;
  readonly lastError: string | null;
}

/** A new message with its fan-out. */
export interface Publication {
  readonly topic: string;
  readonly subscriptions: readonly StoredSubscription[];
  readonly nowMs: number;
  readonly expiresMs: number;
}

export interface GiveUp {
  readonly subscriptionId: number;
  readonly subscription: string;
  readonly messageId: number;
  readonly error: string;
  readonly deadLetterTopic: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly subscriptions: readonly StoredSubscription[];
  readonly nowMs: number;
  readonly retentionMs: number;
}

interface LeaseRow {
  message_id: number;
  attempts: number;
  last_error: string | null;
  topic: string;
  ordering_key: string | null;
  published_ms: number;
  attributes: string;
  data: Uint8Array;
}

/** Share of `maxBytes` that is kept for leases and acknowledgements: they must go on when publishing is refused. */
const RESERVED_SHARE = 0.1;

export type Store = ReturnType<typeof openStore>;

/**
 * The file of the bus: rows in, rows out, synchronous. Every write is called inside `transaction`; the caller decides
 * what goes together. Leases, acknowledgements and publishing each cost a few index-backed statements per message.
 */
export function openStore(options: { readonly file: string; readonly maxBytes?: number }) {
  const db = openBusDatabase(options.file, options.maxBytes);
  const sql = {
    message: db.prepare(
      'INSERT INTO messages (topic, ordering_key, published_ms, expires_ms, attributes, data) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    delivery: db.prepare(
      'INSERT INTO deliveries (subscription_id, message_id, ordering_key, state, due_ms) VALUES (?, ?, ?, ?, ?)',
    ),
    keyBusy: db.prepare('SELECT 1 FROM deliveries WHERE subscription_id = ? AND ordering_key = ? LIMIT 1'),
    due: db.prepare(
      `SELECT d.message_id, d.attempts, d.last_error, m.topic, m.ordering_key, m.published_ms, m.attributes, m.data
       FROM deliveries d JOIN messages m ON m.id = d.message_id
       WHERE d.subscription_id = ? AND d.state = ${READY} AND d.due_ms <= ?
       ORDER BY d.due_ms, d.message_id LIMIT ?`,
    ),
    lease: db.prepare(
      `UPDATE deliveries SET state = ${LEASED}, attempts = attempts + 1 WHERE subscription_id = ? AND message_id = ?`,
    ),
    postpone: db.prepare('UPDATE deliveries SET due_ms = ? WHERE subscription_id = ? AND message_id = ?'),
    retry: db.prepare(
      `UPDATE deliveries SET state = ${READY}, due_ms = ?, last_error = ?
       WHERE subscription_id = ? AND message_id = ? AND attempts = ?`,
    ),
    remove: db.prepare('DELETE FROM deliveries WHERE subscription_id = ? AND message_id = ? RETURNING ordering_key'),
    unblock: db.prepare(
      `UPDATE deliveries SET state = ${READY}, due_ms = ?3
       WHERE subscription_id = ?1 AND state = ${BLOCKED} AND message_id =
         (SELECT min(message_id) FROM deliveries WHERE subscription_id = ?1 AND ordering_key = ?2)`,
    ),
    // Some ten point lookups; cheaper than an index by message, which every publish would have to keep.
    dropUnheld: db.prepare(
      `DELETE FROM messages WHERE id = ?1
       AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE message_id = ?1)
       AND NOT EXISTS (SELECT 1 FROM subscriptions s CROSS JOIN deliveries d
                       ON d.subscription_id = s.id AND d.message_id = ?1)`,
    ),
    nextDue: db.prepare(
      `SELECT min(due_ms) AS due FROM deliveries WHERE subscription_id = ? AND state = ${READY} AND due_ms > ?`,
    ),
    count: db.prepare('SELECT count(*) AS n FROM deliveries WHERE subscription_id = ?'),
    oldest: db.prepare(
      `SELECT published_ms FROM messages WHERE id = (SELECT min(message_id) FROM deliveries WHERE subscription_id = ?)`,
    ),
    delivered: db.prepare(
      `SELECT m.topic, m.ordering_key, m.published_ms, d.attempts FROM messages m
       JOIN deliveries d ON d.message_id = m.id AND d.subscription_id = ? WHERE m.id = ?`,
    ),
    copy: db.prepare(
      `INSERT INTO messages (topic, ordering_key, published_ms, expires_ms, attributes, data)
       SELECT ?, ordering_key, ?, ?, ?, data FROM messages WHERE id = ?`,
    ),
    deadLetter: db.prepare(
      `INSERT INTO dead_letters (message_id, source_topic, source_subscription, attempts, published_ms, last_error)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ),
    subscription: db.prepare('SELECT id FROM subscriptions WHERE name = ?'),
    subscribe: db.prepare('INSERT INTO subscriptions (name) VALUES (?) ON CONFLICT DO NOTHING'),
    names: db.prepare('SELECT id, name FROM subscriptions'),
    pages: db.prepare('SELECT page_count - freelist_count AS used FROM pragma_page_count, pragma_freelist_count'),
    maxPages: db.prepare('PRAGMA max_page_count'),
  };
  /** Undelivered per subscription id; counted when first asked, forgotten when a transaction fails. */
  const backlogs = new Map<number, number>();
  const grow = (subscriptionId: number, by: number): void => {
    const known = backlogs.get(subscriptionId);
    if (known !== undefined) backlogs.set(subscriptionId, known + by);
  };

  function fanOut(messageId: number, key: string | null, subscriptions: readonly StoredSubscription[], nowMs: number) {
    for (const { id, ordered } of subscriptions) {
      const orderingKey = ordered ? key : null;
      const blocked = orderingKey !== null && sql.keyBusy.get(id, orderingKey) !== undefined;
      sql.delivery.run(id, messageId, orderingKey, blocked ? BLOCKED : READY, nowMs);
      grow(id, 1);
    }
  }

  /** Acknowledged or given up: the delivery goes, the next of its key may come. Does nothing if it is gone already. */
  function remove(subscriptionId: number, messageId: number, nowMs: number): void {
    const row = sql.remove.get(subscriptionId, messageId) as { ordering_key: string | null } | undefined;
    if (row === undefined) return;
    grow(subscriptionId, -1);
    if (row.ordering_key !== null) sql.unblock.run(subscriptionId, row.ordering_key, nowMs);
    sql.dropUnheld.run(messageId);
  }

  return {
    db,
    fanOut,
    remove,
    drop: (messageId: number) => void sql.dropUnheld.run(messageId),

    /** All or nothing, under the write lock from the start. */
    transaction<T>(run: () => T): T {
      try {
        return exclusively(db, run);
      } catch (error) {
        backlogs.clear();
        throw error;
      }
    },

    /** The lasting number of a subscription, by its name. */
    subscriptionId(name: string): number {
      sql.subscribe.run(name);
      return (sql.subscription.get(name) as { id: number }).id;
    },
    /** Every subscription the file has ever known: one that left the configuration may still hold messages. */
    subscriptions: () => sql.names.all() as unknown as { id: number; name: string }[],

    /** @throws TransientError disk_full when the reserve of a capped file would be touched */
    publish(publication: Publication, messages: readonly BusMessage[]): number[] {
      const { topic, subscriptions, nowMs, expiresMs } = publication;
      if (options.maxBytes !== undefined) {
        const { used } = sql.pages.get() as { used: number };
        const { max_page_count: limit } = sql.maxPages.get() as { max_page_count: number };
        if (used > limit * (1 - RESERVED_SHARE))
          throw new TransientError('disk_full', `the bus file holds ${used} of at most ${limit} pages`);
      }
      return messages.map(({ data, attributes, orderingKey }) => {
        const key = orderingKey === undefined || orderingKey === '' ? null : orderingKey;
        const row = sql.message.run(topic, key, nowMs, expiresMs, JSON.stringify(attributes), data);
        const id = Number(row.lastInsertRowid);
        fanOut(id, key, subscriptions, nowMs);
        if (subscriptions.length === 0) sql.dropUnheld.run(id);
        return id;
      });
    },

    /** What is due, oldest first, not leased yet. */
    due(subscriptionId: number, nowMs: number, limit: number): Lease[] {
      return (sql.due.all(subscriptionId, nowMs, limit) as unknown as LeaseRow[]).map((row) => ({
        messageId: row.message_id,
        attempts: row.attempts + 1,
        topic: row.topic,
        data: row.data,
        attributes: JSON.parse(row.attributes) as Record<string, string>,
        orderingKey: row.ordering_key,
        publishedMs: row.published_ms,
        lastError: row.last_error,
      }));
    },
    lease: (subscriptionId: number, messageId: number) => void sql.lease.run(subscriptionId, messageId),
    postpone: (subscriptionId: number, messageId: number, dueMs: number) =>
      void sql.postpone.run(dueMs, subscriptionId, messageId),
    /** Fenced by the attempt: an answer to an older lease changes nothing. */
    retry: (subscriptionId: number, lease: Lease, dueMs: number, error: string | null) =>
      void sql.retry.run(dueMs, error, subscriptionId, lease.messageId, lease.attempts),

    /** Moves one delivery to the dead-letter topic as a new message. Answers its id, or null if the delivery is gone. */
    giveUp(gone: GiveUp): number | null {
      const source = sql.delivered.get(gone.subscriptionId, gone.messageId) as
        | { topic: string; ordering_key: string | null; published_ms: number; attempts: number }
        | undefined;
      if (source === undefined) return null;
      const expiresMs = gone.nowMs + gone.retentionMs * BUS_DEAD_LETTER_RETENTION_FACTOR;
      const attributes = JSON.stringify(gone.attributes);
      const row = sql.copy.run(gone.deadLetterTopic, gone.nowMs, expiresMs, attributes, gone.messageId);
      const id = Number(row.lastInsertRowid);
      sql.deadLetter.run(id, source.topic, gone.subscription, source.attempts, source.published_ms, gone.error);
      fanOut(id, source.ordering_key, gone.subscriptions, gone.nowMs);
      remove(gone.subscriptionId, gone.messageId, gone.nowMs);
      return id;
    },

    /** When the next delivery that is not due yet becomes due; null = none waits. */
    nextDue: (subscriptionId: number, nowMs: number) =>
      (sql.nextDue.get(subscriptionId, nowMs) as { due: number | null }).due,
    backlog(subscriptionId: number): number {
      const known = backlogs.get(subscriptionId) ?? (sql.count.get(subscriptionId) as { n: number }).n;
      backlogs.set(subscriptionId, known);
      return known;
    },
    /** Counts anew: another process may have published or acknowledged. */
    recount(subscriptionId: number): number {
      backlogs.delete(subscriptionId);
      return this.backlog(subscriptionId);
    },
    oldestMs: (subscriptionId: number) =>
      (sql.oldest.get(subscriptionId) as { published_ms: number } | undefined)?.published_ms ?? null,
    close: () => db.close(),
  };
}
