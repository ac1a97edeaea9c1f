import { MS_PER_DAY } from '#shared/defaults.ts';
import { TABLES } from '#shared/domain/events/schemas.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { TableName } from '#shared/domain/tables.ts';
import type { LocalPlatform } from '#shared/platform-embedded.ts';

export interface Trimmed {
  /** Rows removed, by table; tables that lost none are not named. */
  readonly removed: Readonly<Partial<Record<TableName, number>>>;
  /** RFC 3339, world time: what came in before it is gone. */
  readonly before: string;
}

/**
 * Removes what came in more than `keepDays` of world time ago, so that the directory of a stack that runs for ever stays
 * bounded. Imported records stay (`vm replay`): their dates are not of this world, and only a person adds to them.
 */
export async function trimRecord(platform: LocalPlatform, keepDays: number): Promise<Trimmed> {
  const warehouse = await platform.warehouse();
  const before = rfc3339(Math.floor(platform.worldClock.now() - keepDays * MS_PER_DAY));
  const removed: Partial<Record<TableName, number>> = {};
  for (const { name } of TABLES) {
    const rows = await warehouse.removeBefore(name, before);
    if (rows > 0) removed[name] = rows;
  }
  if (Object.keys(removed).length > 0) platform.log.info({ removed, before, keep_days: keepDays }, 'old rows removed');
  return { removed, before };
}

/** One line for whoever watches; null when nothing was removed. */
export function trimmedLine({ removed, before }: Trimmed): string | null {
  const tables = Object.entries(removed).map(([table, rows]) => `${rows.toLocaleString('en-US')} ${table}`);
  return tables.length === 0
    ? null
    : `removed from the record what came in before ${before.slice(0, 10)}: ${tables.join(', ')}`;
}
