import type { Access } from '../ops/access.ts';
import { listDeadLetters, MAX_IDS, replayDeadLetters } from '../ops/dlq.ts';

/** Letters of one run; what waits beyond them is said, and the next run takes it. */
const MAX_LETTERS = 100_000;

export interface ReplayReport {
  readonly replayed: number;
  /** Not there any more, or of a subscription that is gone. */
  readonly unknown: readonly string[];
}

/**
 * Sends again every dead letter that is there now, oldest first. What is given up anew meanwhile is not among them: the ids
 * are gathered before the first one goes.
 */
export async function replayAll(access: Access, note: (text: string) => void): Promise<ReplayReport> {
  const ids = await waitingIds(access, note);
  const report = { replayed: 0, unknown: [] as string[] };
  for (let at = 0; at < ids.length; at += MAX_IDS) {
    const { replayed, unknown } = await access.call(replayDeadLetters, { ids: ids.slice(at, at + MAX_IDS) });
    report.replayed += replayed;
    report.unknown.push(...unknown);
    if (ids.length > MAX_IDS) note(`${Math.min(at + MAX_IDS, ids.length)} of ${ids.length} dead letters`);
  }
  return report;
}

async function waitingIds(access: Access, note: (text: string) => void): Promise<readonly string[]> {
  const newestFirst: string[] = [];
  for (let before: string | null = null; ; before = newestFirst.at(-1) ?? null) {
    const page: readonly { messageId: string }[] = await access.call(listDeadLetters, { limit: MAX_IDS, before });
    newestFirst.push(...page.map(({ messageId }) => messageId));
    if (page.length < MAX_IDS) return newestFirst.reverse();
    if (newestFirst.length >= MAX_LETTERS) {
      note(`the newest ${MAX_LETTERS} dead letters are taken; run it again for the older ones`);
      return newestFirst.reverse();
    }
  }
}
