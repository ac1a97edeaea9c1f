import { z } from 'zod';
import { MS_PER_DAY } from '#shared/defaults.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';

/** Of a day (UTC) on which a query may find rows: how many it finds, or fewer. */
export const dayCount = z.object({ day: z.iso.date(), at_least: z.int().min(0) });
export type DayCount = z.output<typeof dayCount>;

/** Days back that are counted before all of them are: most askers find what they want within days. */
const LOOK_BACK_DAYS = [8, 64, 512];
const EVER = rfc3339(0);

/**
 * Whoever wants the newest `limit` rows need not have wide columns read of every day there is: the start of a day from which on
 * there are so many, counted on narrow ones; of the oldest day with any when there are fewer.
 * @param untilMs about the newest, epoch milliseconds
 * @param count by day, the newest first, from an instant on: every day that may have rows
 */
export async function startOfNewest(
  limit: number,
  untilMs: number,
  count: (from: string) => Promise<readonly DayCount[]>,
): Promise<string> {
  const lookBacks = LOOK_BACK_DAYS.map((days) => rfc3339(Math.max(0, untilMs - days * MS_PER_DAY)));
  for (const from of lookBacks) {
    const day = dayOf(limit, await count(from));
    if (day !== undefined) return startOf(day);
  }
  const days = await count(EVER);
  const day = dayOf(limit, days) ?? days.at(-1)?.day;
  return day === undefined ? rfc3339(untilMs) : startOf(day);
}

/** The day by which there are `limit`, counted back. */
function dayOf(limit: number, days: readonly DayCount[]): string | undefined {
  let rows = 0;
  for (const { day, at_least } of days) {
    rows += at_least;
    if (rows >= limit) return day;
  }
  return undefined;
}

const startOf = (day: string): string => `${day}T00:00:00.000Z`;
