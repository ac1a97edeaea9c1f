/** When the learner on its own is judged next. Pure. */
import { whyNotJudged } from '#functions/promote/stages/decide.ts';
import type { Situation } from '#functions/promote/stages/situation.ts';
import { MS_PER_HOUR } from '#shared/defaults.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { nextLookAt } from '#shared/learning/stages/next-look.ts';
import type { Traffic } from '#shared/learning/switchback/schedule.ts';

export interface NextLook {
  /** Attempts that have ended. */
  readonly ended: number;
  /** So many of them make it due. */
  readonly due_at: number;
  /** World time, as things go now; null: hardly anybody asks for anything, or it waits for something else. */
  readonly about: string | null;
  /** What it waits for, whatever has ended; null: nothing. */
  readonly waits: string | null;
}

export function nextLookOf(situation: Situation, { decisionsPerHour }: Traffic): NextLook {
  const { learner, ended, nowMs } = situation;
  const dueAt = nextLookAt(learner?.ended ?? null);
  const waits = whyNotJudged(situation);
  // A decision is an attempt that ends, and seldom more than one.
  const hours = Math.max(0, dueAt - ended) / decisionsPerHour;
  const about = waits === null && hours < CENTURY_HOURS ? rfc3339(nowMs + hours * MS_PER_HOUR) : null;
  return { ended, due_at: dueAt, about, waits };
}

/** What lies farther off is no forecast. */
const CENTURY_HOURS = 100 * 365 * 24;
