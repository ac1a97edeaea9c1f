import { LEASED, READY } from './schema.ts';
import type { Store } from './store.ts';

/** A delivery that nobody took within its retention. */
export interface Expired {
  readonly subscriptionId: number;
  readonly subscription: string;
  readonly messageId: number;
  readonly attempts: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly publishedMs: number;
  readonly lastError: string | null;
}

/** Free pages are given back only above 8 MiB, in steps: steady traffic reuses them, and a step must not stall commits. */
const SPARE_PAGES = 2_048;
const VACUUM_STEP_PAGES = 1_024;

/** The slow chores of the store. All writes inside its transactions. */
export function upkeep(store: Store) {
  const { db } = store;
  const sql = {
    release: db.prepare(`UPDATE deliveries SET state = ${READY}, due_ms = ? WHERE state = ${LEASED}`),
    shift: db.prepare(`UPDATE deliveries SET due_ms = due_ms - ?1 WHERE state = ${READY} AND due_ms > ?2`),
    clamp: db.prepare(
      `UPDATE deliveries SET due_ms = ?3 WHERE subscription_id = ?1 AND state = ${READY} AND due_ms > ?2`,
    ),
    // CROSS JOIN keeps this order of the loops; the planner would else index all deliveries anew at each sweep.
    expired: db.prepare(
      `SELECT d.subscription_id, s.name, d.message_id, d.attempts, d.last_error, m.attributes, m.published_ms
       FROM messages m CROSS JOIN subscriptions s
       CROSS JOIN deliveries d ON d.subscription_id = s.id AND d.message_id = m.id
       WHERE m.expires_ms <= ? AND d.state <> ${LEASED}
         AND NOT EXISTS (SELECT 1 FROM dead_letters l WHERE l.message_id = m.id)
       ORDER BY m.expires_ms, m.id LIMIT ?`,
    ),
    expiredDeadLetters: db.prepare(
      `SELECT m.id FROM messages m JOIN dead_letters l ON l.message_id = m.id
       WHERE m.expires_ms <= ? ORDER BY m.expires_ms LIMIT ?`,
    ),
    free: db.prepare('PRAGMA freelist_count'),
  };
  return {
    /** Leases of a process that is gone: their messages are ready at once, the attempt still counts. */
    release: (nowMs: number): number => Number(sql.release.run(nowMs).changes),
    /** The host clock went back by `deltaMs`: what was still to come keeps its distance. */
    shift: (deltaMs: number, nowMs: number): void => void sql.shift.run(deltaMs, nowMs),
    /** Nothing waits longer than the longest backoff, even if it was written under a clock that ran ahead. */
    clamp: (subscriptionId: number, latestMs: number): void => void sql.clamp.run(subscriptionId, latestMs, latestMs),
    expired: (nowMs: number, limit: number): Expired[] =>
      sql.expired.all(nowMs, limit).map((row) => ({
        subscriptionId: row['subscription_id'] as number,
        subscription: row['name'] as string,
        messageId: row['message_id'] as number,
        attempts: row['attempts'] as number,
        lastError: row['last_error'] as string | null,
        attributes: JSON.parse(row['attributes'] as string) as Record<string, string>,
        publishedMs: row['published_ms'] as number,
      })),
    expiredDeadLetters: (nowMs: number, limit: number): number[] =>
      sql.expiredDeadLetters.all(nowMs, limit).map((row) => row['id'] as number),
    /** Gives a step of free pages back to the file system when there are many. */
    vacuum(): void {
      const { freelist_count: free } = sql.free.get() as { freelist_count: number };
      if (free > SPARE_PAGES) db.exec(`PRAGMA incremental_vacuum(${VACUUM_STEP_PAGES})`);
    },
  };
}
