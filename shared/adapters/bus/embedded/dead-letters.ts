import type { DeadLetter } from '#shared/ports/bus.ts';
import { withoutDeadLetterAttributes } from '../dead-letter-attributes.ts';
import { timeText } from './envelope.ts';
import type { Store, StoredSubscription } from './store.ts';

interface Row {
  message_id: number;
  topic: string;
  source_topic: string;
  source_subscription: string;
  attempts: number;
  published_ms: number;
  last_error: string | null;
  ordering_key: string | null;
  attributes: string;
  data: Uint8Array;
}

const SELECT = `SELECT l.message_id, m.topic, l.source_topic, l.source_subscription, l.attempts, l.published_ms,
  l.last_error, m.ordering_key, m.attributes, m.data
  FROM dead_letters l JOIN messages m ON m.id = l.message_id`;

/** Reads and replays what was given up. `replay` is called inside a transaction of the store. */
export function deadLetters(store: Store) {
  const sql = {
    list: store.db.prepare(`${SELECT} WHERE l.message_id < ? ORDER BY l.message_id DESC LIMIT ?`),
    one: store.db.prepare(`${SELECT} WHERE l.message_id = ?`),
    count: store.db.prepare('SELECT count(*) AS n FROM dead_letters'),
    forget: store.db.prepare('DELETE FROM dead_letters WHERE message_id = ?'),
    holders: store.db.prepare(
      `SELECT s.id FROM subscriptions s CROSS JOIN deliveries d
       WHERE d.subscription_id = s.id AND d.message_id = ?`,
    ),
    restore: store.db.prepare(
      `INSERT INTO messages (topic, ordering_key, published_ms, expires_ms, attributes, data) VALUES (?, ?, ?, ?, ?, ?)`,
    ),
  };

  /** Removes a dead letter everywhere: the mark, its waiting deliveries, the content. */
  function discard(messageId: number, nowMs: number): void {
    sql.forget.run(messageId);
    for (const { id } of sql.holders.all(messageId) as { id: number }[]) store.remove(id, messageId, nowMs);
    store.drop(messageId);
  }

  return {
    discard,
    /** Newest first; none before an id that is none of ours. */
    list(limit: number, before?: string): DeadLetter[] {
      const end = before === undefined ? Number.MAX_SAFE_INTEGER : (idOf(before) ?? 0);
      return (sql.list.all(end, limit) as unknown as Row[]).map(toDeadLetter);
    },
    get(messageId: string): DeadLetter | null {
      const id = idOf(messageId);
      const row = id === null ? undefined : sql.one.get(id);
      return row === undefined ? null : toDeadLetter(row as unknown as Row);
    },
    count: (): number => (sql.count.get() as { n: number }).n,
    /** Back to one subscription under its original topic and publish time; it waits for a full retention again. */
    replay(letter: DeadLetter, to: StoredSubscription, nowMs: number, retentionMs: number): void {
      const row = sql.restore.run(
        letter.sourceTopic,
        letter.orderingKey,
        Date.parse(letter.publishTime),
        nowMs + retentionMs,
        JSON.stringify(withoutDeadLetterAttributes(letter.attributes)),
        letter.data,
      );
      store.fanOut(Number(row.lastInsertRowid), letter.orderingKey, [to], nowMs);
      discard(Number(letter.messageId), nowMs);
    },
  };
}

const idOf = (messageId: string): number | null => (/^\d{1,15}$/.test(messageId) ? Number(messageId) : null);

const toDeadLetter = (row: Row): DeadLetter => ({
  messageId: String(row.message_id),
  topic: row.topic,
  sourceTopic: row.source_topic,
  sourceSubscription: row.source_subscription,
  deliveryAttempts: row.attempts,
  publishTime: timeText(row.published_ms),
  attributes: JSON.parse(row.attributes) as Record<string, string>,
  data: row.data,
  orderingKey: row.ordering_key,
  lastError: row.last_error,
});
